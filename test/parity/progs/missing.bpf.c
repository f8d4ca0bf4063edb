// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What no kernel has, or has in another form: poison, zeros, flavors, resized and refused loads. */
#include "core.h"

CORE_BEGIN
struct task_struct {
	int pid;
	char comm[16];
	int no_such_field;
	unsigned long long exit_state; /* int in the kernel */
};

struct task_struct___old {
	long state;
	struct task_struct___old *no_parent;
};

struct task_struct___new {
	unsigned int __state;
};

/* Other widths than the kernel's; of signed ones too. */
struct task_struct___wide {
	__u64 flags; /* unsigned int */
	__u64 pid;   /* int */
	__u32 start_time; /* u64 */
	__u16 rt_priority; /* unsigned int */
	__u8 utime; /* u64 */
	__s32 stime; /* u64 */
	char comm[64]; /* 16 */
	__u64 thread_info; /* a struct */
	struct { int x; } mm; /* a pointer */
	__u16 cpus_ptr[2];
};

struct signal_struct___wide {
	struct { __u32 rlim_cur, rlim_max; } rlim[16];
	__u32 cpu_id_cache[2];
	__u64 oom_score_adj; /* short */
};

struct no_such_struct {
	int a;
	struct task_struct *task;
};

union task_struct___union {
	int pid;
};

/* The first of a name decides; a flavor of a member is a name of its own. */
struct task_struct___member {
	int pid___flavor;
};
CORE_END

SEC("raw_tp/poison")
int poison(void **args)
{
	struct task_struct *task = args[0];
	struct task_struct___old *old = args[1];
	struct no_such_struct *none = args[2];
	union task_struct___union *other = args[3];
	struct task_struct___member *member = args[4];

	if (bpf_core_field_exists(task->no_such_field))
		return task->no_such_field + __builtin_preserve_field_info(task->no_such_field, BPF_FIELD_BYTE_SIZE);
	if (bpf_core_field_exists(old->no_parent->state))
		return old->no_parent->state;
	if (bpf_core_field_exists(none->task->comm[4]))
		return none->task->pid + none->a;
	if (bpf_core_field_exists(other->pid))
		return other->pid;
	return member->pid___flavor + bpf_core_field_exists(member->pid___flavor);
}

SEC("raw_tp/flavors")
int flavors(void **args)
{
	struct task_struct___old *old = args[0];
	struct task_struct___new *task = args[0];

	if (bpf_core_field_exists(task->__state))
		return task->__state;
	return old->state;
}

SEC("raw_tp/resized")
int resized(void **args)
{
	struct task_struct___wide *task = args[0];
	struct signal_struct___wide *signal = args[1];
	struct task_struct *plain = args[2];
	__u64 sum = task->flags + task->start_time + task->rt_priority + task->utime;

	sum += task->pid;
	sum += task->stime;
	sum += task->comm[2];
	sum += task->thread_info;
	sum += task->mm.x;
	sum += task->cpus_ptr[1];
	sum += signal->rlim[2].rlim_max + signal->oom_score_adj + signal->cpu_id_cache[1];
	sum += plain->exit_state;
	task->flags = 5;
	task->utime = sum;
	return sum;
}

SEC("raw_tp/beyond")
int beyond(void **args)
{
	struct task_struct___wide *task = args[0];

	return bpf_core_field_exists(task->comm[15]) + 2 * bpf_core_field_exists(task->comm[16]) + 4 * bpf_core_field_exists(task->thread_info) +
	       8 * bpf_core_field_exists(task->mm.x) + bpf_core_field_size(task->comm) + bpf_core_field_size(task->mm);
}
