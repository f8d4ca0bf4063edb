// Fields, types and enumerators that kernels do not have, some of them guarded: see explain.test.ts.

typedef unsigned int u32; typedef unsigned long long u64; typedef long long s64;
#define SEC(n) __attribute__((section(n), used))
#define CORE __attribute__((preserve_access_index))
#define exists(f) __builtin_preserve_field_info(f, 2)
#define value_of(e, v) __builtin_preserve_enum_value(*(typeof(e) *)v, 1)
#define value_exists(e, v) __builtin_preserve_enum_value(*(typeof(e) *)v, 0)
static long (*probe)(void *, u32, const void *) = (void *)113;
struct timespec64 { s64 tv_sec; long tv_nsec; } CORE;
struct inode { struct timespec64 i_atime; unsigned long i_ino; } CORE;
struct task_struct { int state; int pid; u64 nosuch_at_all; } CORE;
struct rq_gone { int x; } CORE;
struct task_structs { int y; } CORE;
enum bpf_map_type { BPF_MAP_TYPE_ARAY = 2 };
const volatile int want = 0;
char LICENSE[] SEC("license") = "GPL";
static struct task_struct *(*current_task)(void) = (void *)158;

SEC("?raw_tp/sys_enter") int atime(u64 *ctx)
{
	struct inode *inode = (void *)ctx[0];
	s64 seconds = 0;
	probe(&seconds, sizeof(seconds), &inode->i_atime.tv_sec);
	return seconds;
}
SEC("?raw_tp/sys_enter") int guarded(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	int state = 0;
	if (exists(task->state))
		probe(&state, sizeof(state), &task->state);
	return state;
}
SEC("?raw_tp/sys_enter") int by_rodata(u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	u64 x = 0;
	if (want)
		probe(&x, sizeof(x), &task->nosuch_at_all);
	return x;
}
SEC("?raw_tp/sys_enter") int type(u64 *ctx)
{
	struct task_structs *gone = (void *)ctx[0];
	int x = 0;
	probe(&x, sizeof(x), &gone->y);
	return x;
}
SEC("?raw_tp/sys_enter") int enumerator(u64 *ctx)
{
	return value_of(enum bpf_map_type, BPF_MAP_TYPE_ARAY);
}
