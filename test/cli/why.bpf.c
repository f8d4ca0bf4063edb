// Programs that lack something on one kernel or another: see check.test.ts and explain.test.ts.

typedef unsigned int u32; typedef unsigned long long u64; typedef long long s64;
#define SEC(n) __attribute__((section(n), used))
#define CORE __attribute__((preserve_access_index))
#define exists(f) __builtin_preserve_field_info(f, 2)
#define value_exists(e, v) __builtin_preserve_enum_value(*(typeof(e) *)v, 0)
static long (*probe)(void *, u32, const void *) = (void *)113;
static u64 (*get_attach_cookie)(void *) = (void *)174;
static void *(*map_lookup)(void *, const void *) = (void *)1;
struct timespec64 { s64 tv_sec; long tv_nsec; } CORE;
struct inode { struct timespec64 i_atime; unsigned long i_ino; } CORE;
struct task_struct { int pid; } CORE; enum bpf_func_id { BPF_FUNC_get_attach_cookie = 174 };
extern int frobnicate(int) __attribute__((section(".ksyms"))), defrobnicate(int) __attribute__((section(".ksyms"), weak));
#if PART < 5
struct { int (*type)[30]; int (*max_entries)[16]; u32 *value; } bloom SEC(".maps");
#endif
struct { int (*type)[1]; int (*max_entries)[16]; u32 *key; u64 *value; } counts SEC(".maps");
char LICENSE[] SEC("license") = "GPL";

#if PART == 0
SEC("tp/sched/sched_process_exec") int field(u64 *ctx)
{
	struct inode *inode = (void *)ctx[1];
	s64 seconds = 0;
	probe(&seconds, sizeof(seconds), &inode->i_atime.tv_sec);
	return seconds;
}
SEC("tp/sched/sched_process_exec") int guarded_field(u64 *ctx)
{
	struct inode *inode = (void *)ctx[1];
	s64 seconds = 0;
	if (exists(inode->i_atime))
		probe(&seconds, sizeof(seconds), &inode->i_atime.tv_sec);
	return seconds;
}
SEC("tp/sched/sched_process_exec") int helper(u64 *ctx)
{
	return get_attach_cookie(ctx);
}
SEC("tp/sched/sched_process_exec") int guarded_helper(u64 *ctx)
{
	return value_exists(enum bpf_func_id, BPF_FUNC_get_attach_cookie) ? get_attach_cookie(ctx) : 0;
}
SEC("tp/sched/sched_process_exce") int tracepoint(u64 *ctx)
{
	u32 key = 1;
	return map_lookup(&counts, &key) != 0;
}
#elif PART == 1
SEC("fentry/vfs_reed") int target(u64 *ctx)
{
	return 0;
}
SEC("lsm/file_open") int hook(u64 *ctx)
{
	return 0;
}
SEC("tp_btf/sched_process_exec") int kfunc(u64 *ctx)
{
	return frobnicate(1);
}
SEC("tp_btf/sched_process_exec") int weak_kfunc(u64 *ctx)
{
	return defrobnicate ? defrobnicate(1) : 0;
}
SEC("tp_btf/sched_process_exec") int careless(u64 *ctx)
{
	return defrobnicate(1);
}
SEC("netfilter") int filter(u64 *ctx)
{
	return 1;
}
SEC("?netfilter") int switched_off(u64 *ctx)
{
	return 1;
}
#elif PART == 3
extern int CONFIG_HZ __attribute__((section(".kconfig")));
extern _Bool CONFIG_NETKIT __attribute__((section(".kconfig"), weak));
extern char CONFIG_LSM[32] __attribute__((section(".kconfig"), weak));
extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));
extern int CONFIG_NEW __attribute__((section(".kconfig")));
extern const void vfs_read __attribute__((section(".ksyms")));
extern const void veth_open __attribute__((section(".ksyms"), weak));
extern const void no_such_symbol __attribute__((section(".ksyms")));
volatile u64 sink;
SEC("tp/sched/sched_process_exec") int settings(u64 *ctx)
{
	sink = CONFIG_HZ + CONFIG_NETKIT + CONFIG_LSM[0] + LINUX_KERNEL_VERSION;
	return 0;
}
SEC("tp/sched/sched_process_exec") int newer(u64 *ctx)
{
	return CONFIG_NEW;
}
SEC("tp/sched/sched_process_exec") int symbols(u64 *ctx)
{
	sink = (u64)&vfs_read + (u64)&veth_open;
	return 0;
}
SEC("tp/sched/sched_process_exec") int missing(u64 *ctx)
{
	sink = (u64)&no_such_symbol;
	return 0;
}
#elif PART == 4
struct { int (*type)[17]; int (*max_entries)[4]; u32 *key; u32 *value; } sockets SEC(".maps");
SEC("kprobe/vfs_write") int optimised(u64 *ctx)
{
	return 0;
}
SEC("kprobe/vfs_raed") int misspelt(u64 *ctx)
{
	return 0;
}
SEC("kprobe/start_show") int several(u64 *ctx)
{
	return 0;
}
SEC("kprobe.multi/vfs_read") int multi(u64 *ctx)
{
	return 0;
}
SEC("fentry/vfs_read") int entry(u64 *ctx)
{
	return 0;
}
SEC("fentry/veth_open") int in_module(u64 *ctx)
{
	return 0;
}
SEC("lsm/file_open") int hook(u64 *ctx)
{
	return 0;
}
SEC("tp/syscalls/sys_enter_openat") int syscalls(u64 *ctx)
{
	return ((u64 (*)(void))80)() != 0;
}
#elif PART == 5
SEC("tp/sched/sched_process_exec") int plain(u64 *ctx)
{
	u32 key = 1;
	return map_lookup(&counts, &key) != 0;
}
#elif PART == 6
SEC("xdp") int packet(void *ctx)
{
	return 2;
}
SEC("tc/ingress") int ingress(void *ctx)
{
	return 0;
}
#elif PART == 7
SEC("tp_btf/sched_process_exec") int strong(u64 *ctx)
{
	return frobnicate(1);
}
#elif PART == 8
SEC("tp/sched/sched_process_exec") int on(u64 *ctx)
{
	return 0;
}
SEC("?tp_btf/sched_process_exec") int off(u64 *ctx)
{
	return frobnicate(1);
}
#elif PART == 9
struct file;
extern int take_file(struct file *) __attribute__((section(".ksyms")));
extern int vfs_read(u64 *) __attribute__((section(".ksyms")));
SEC("tp_btf/sched_process_exec") int forward(u64 *ctx)
{
	return take_file((struct file *)ctx[0]);
}
SEC("tp_btf/sched_process_exec") int other(u64 *ctx)
{
	return vfs_read(ctx);
}
#else
#ifdef V4
#define DIVIDED / *(int *)ctx
#else
#define DIVIDED
#endif
SEC("tp/sched/sched_process_exec") int fine(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[1];
	int pid = 0;
	probe(&pid, sizeof(pid), &task->pid);
	return pid DIVIDED;
}
#endif
