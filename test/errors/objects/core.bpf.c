// Fields, types and values that the kernel of situations.ts does not have, or has otherwise.

typedef unsigned int u32; typedef unsigned long long u64; typedef long long s64;
#define SEC(n) __attribute__((section(n), used))
#define CORE __attribute__((preserve_access_index))
#define value_of(e, v) __builtin_preserve_enum_value(*(typeof(e) *)v, 1)
static long (*probe)(void *, u32, const void *) = (void *)113;
struct timespec64 { s64 tv_sec; long tv_nsec; } CORE;
struct inode { struct timespec64 i_atime; unsigned long i_ino; } CORE;
struct task_structs { int y; } CORE;
struct file { int f_pos; } CORE;
struct twice { int x; } CORE;
enum bpf_map_type { BPF_MAP_TYPE_ARAY = 2 };
extern int bpf_task_nosuch(u64 *ctx) __attribute__((weak, section(".ksyms")));
char LICENSE[] SEC("license") = "GPL";

SEC("?raw_tp/sys_enter") int field(u64 *ctx)
{
	struct inode *inode = (void *)ctx[0];
	s64 seconds = 0;
	probe(&seconds, sizeof(seconds), &inode->i_atime.tv_sec);
	return seconds;
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
SEC("?tp_btf/sys_enter") int resized(u64 *ctx)
{
	struct file *file = (void *)ctx[0];
	return file->f_pos;
}
SEC("?raw_tp/sys_enter") int ambiguous(u64 *ctx)
{
	struct twice *two = (void *)ctx[0];
	int x = 0;
	probe(&x, sizeof(x), &two->x);
	return x;
}
SEC("?raw_tp/sys_enter") int kfunc(u64 *ctx)
{
	return bpf_task_nosuch(ctx);
}
