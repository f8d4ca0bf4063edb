// Programs that kernels refuse, each for a reason that test/kernel/refusals.bpf.c does not have.

typedef unsigned int u32; typedef unsigned long long u64;
#define SEC(n) __attribute__((section(n), used))
static long (*nosuch)(long) = (void *)9999;
static long (*xdp_adjust_head)(void *, int) = (void *)44;
static long (*trace_printk)(const char *, u32) = (void *)6;
static u64 (*ktime)(void) = (void *)5;
char LICENSE[] SEC("license") = "GPL";

SEC("?raw_tp/sys_enter") int unknown_helper(u64 *ctx)
{
	return nosuch(1);
}
SEC("?raw_tp/sys_enter") int forbidden_helper(u64 *ctx)
{
	return xdp_adjust_head(ctx, 4);
}
SEC("?raw_tp/sys_enter") int printing(u64 *ctx)
{
	char text[] = "hello";
	return trace_printk(text, sizeof(text));
}
SEC("?raw_tp/sys_enter") int endless(u64 *ctx)
{
	while (ktime() != 1)
		;
	return 0;
}
SEC("?raw_tp/sys_enter") int no_value(u64 *ctx)
{
	u64 n;
	asm volatile("" : "=r"(n));
	return n;
}
SEC("?raw_tp/sys_enter") int pointer_math(u64 *ctx)
{
	u64 n = (u64)ctx;
	asm volatile("" : "+r"(n));
	return n * 3;
}
