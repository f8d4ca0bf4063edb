// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Programs whose attach target is a type of the kernel: its id goes with each load, beside the instructions. */
#include "core.h"

CORE_BEGIN
struct task_struct {
	int pid, tgid;
	struct task_struct *real_parent;
};
struct bpf_iter_meta {
	void *seq;
	__u64 session_id, seq_num;
};
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
CORE_END

__u64 seen;

static __attribute__((noinline)) int tgid_of(struct task_struct *task)
{
	return task->tgid;
}

#define PROGRAM(section, name)                                                                                                  \
	SEC(section)                                                                                                            \
	int name(__u64 *ctx)                                                                                                    \
	{                                                                                                                       \
		struct task_struct *task = (void *)ctx[0];                                                                      \
		seen += task->pid + tgid_of(task);                                                                              \
		return 0;                                                                                                       \
	}

PROGRAM("tp_btf/sched_process_exec", raw_exec)
PROGRAM("tp_btf/sched_switch", raw_switch)
PROGRAM("fentry/vfs_read", enter)
PROGRAM("fentry.s/vfs_open", enter_sleepable)
PROGRAM("fexit/vfs_read", leave)
PROGRAM("fexit.s/vfs_write", leave_sleepable)
PROGRAM("fmod_ret/security_task_kill", modify)
PROGRAM("fmod_ret.s/security_file_open", modify_sleepable)
PROGRAM("lsm/task_alloc", hook)
PROGRAM("lsm.s/file_open", hook_sleepable)
PROGRAM("lsm_cgroup/socket_bind", hook_cgroup)
PROGRAM("?fentry/not_there_and_not_loaded", off)

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	if (ctx->task)
		seen += ctx->task->pid + ctx->meta->seq_num;
	return 0;
}

SEC("iter.s/task")
int each_task_sleepable(struct bpf_iter__task *ctx)
{
	seen += ctx->meta->session_id;
	return 0;
}

SEC("iter/bpf_map")
int each_map(void *ctx)
{
	seen++;
	return 0;
}
