// A field that the kernel has, and not as this object needs it: see differs.test.ts.

#define SEC(n) __attribute__((section(n), used))
#define CORE __attribute__((preserve_access_index))
static long (*probe)(void *, unsigned, const void *) = (void *)113;
struct task_struct___mine { struct { int deep; } pid; } CORE;
struct task_struct___short { short pid; } CORE;
char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/sched_process_exec") int kind(unsigned long long *ctx)
{
	struct task_struct___mine *task = (void *)ctx[0];
	int deep = 0;
	probe(&deep, sizeof(deep), &task->pid.deep);
	return deep;
}
SEC("tp_btf/sched_process_exec") int size(unsigned long long *ctx)
{
	return ((struct task_struct___short *)ctx[0])->pid;
}
