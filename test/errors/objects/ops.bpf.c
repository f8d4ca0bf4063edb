// A structure of functions for the kernel to call, and a program that no structure refers to.

typedef unsigned long long u64;
#define SEC(n) __attribute__((section(n), used))
struct demo_ops {
	int (*open)(int);
	int limit;
	int (*close)(int);
};
char LICENSE[] SEC("license") = "GPL";
SEC("struct_ops/open") int demo_open(u64 *ctx)
{
	return 0;
}
SEC("struct_ops/close") int demo_close(u64 *ctx)
{
	return 0;
}
SEC("?struct_ops/lonely") int lonely(u64 *ctx)
{
	return 0;
}
SEC(".struct_ops.link") struct demo_ops demo = { (void *)demo_open, 5, (void *)demo_close };
