// Programs that ask for what is only for programs under the GPL: see licenses.test.ts.

typedef unsigned int u32; typedef unsigned long long u64;
#define SEC(n) __attribute__((section(n), used))
static long (*print)(const char *, u32, ...) = (void *)6;
static u64 (*ktime)(void) = (void *)5;
static u64 (*function)(void *) = (void *)173;
static u64 (*task)(void) = (void *)35;
static u64 (*attach_cookie)(void *) = (void *)174;
enum bpf_func_id { BPF_FUNC_frobnicate = 9999 };
extern int CONFIG_HZ __attribute__((section(".kconfig")));
extern int frobnicate(int) __attribute__((section(".ksyms")));
#ifdef LICENSED
char LICENSE[] SEC("license") = LICENSED;
#endif

SEC("tp/sched/sched_process_exec") int plain(void *ctx)
{
	return ktime() > 0;
}
SEC("tp/sched/sched_process_exec") int prints(void *ctx)
{
	char text[] = "hi";
	print(text, sizeof(text));
	print(text, sizeof(text));
	return 0;
}
SEC("tp/sched/sched_process_exec") int guarded(void *ctx)
{
	return __builtin_preserve_enum_value(*(enum bpf_func_id *)BPF_FUNC_frobnicate, 0) ? task() : 0;
}
SEC("tp/sched/sched_process_exec") int settings(void *ctx)
{
	return CONFIG_HZ == 100 ? task() : 0;
}
SEC("kprobe/vfs_read") int one(void *ctx)
{
	return function(ctx);
}
SEC("kprobe.multi/vfs_read") int many(void *ctx)
{
	return function(ctx);
}
SEC("lsm/file_open") int hook(void *ctx)
{
	return 0;
}
SEC("tp_btf/sched_process_exec") int kfunc(u64 *ctx)
{
	return frobnicate(1);
}
