// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Compiled by trace.test.ts, once for each PART. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define CORE __attribute__((preserve_access_index))

char LICENSE[] SEC("license") = "GPL";

struct task_struct {
	int pid, tgid;
} CORE;

__u64 count;
__u32 last_pid;

#if PART == 0
SEC("tp_btf/sched_process_exec")
int traced(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];

	last_pid = task->tgid;
	__sync_fetch_and_add(&count, 1);
	return 0;
}

SEC("xdp")
int by_its_user(void *ctx)
{
	return 2;
}
#elif PART == 1
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} CORE;
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

SEC("iter/task")
int listed(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	int pid;

	if (!task)
		return 0;
	pid = task->tgid;
	bpf_seq_write(ctx->meta->seq, &pid, sizeof(pid));
	count++;
	return 0;
}
#else
SEC("fentry/vfs_read")
int patched(__u64 *ctx)
{
	count++;
	return 0;
}
#endif
