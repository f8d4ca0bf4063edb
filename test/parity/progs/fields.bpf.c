// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Offsets, sizes, existence and signs of fields: nested, anonymous, in arrays, through pointers; loads and stores. */
#include "core.h"

CORE_BEGIN
struct upid {
	int nr;
};

/* `tasks` and `numbers` stand elsewhere in the kernel, which also has an anonymous struct. */
struct pid {
	struct upid numbers[4];
	unsigned int level;
};

struct thread_info {
	unsigned long flags;
};

struct load_weight {
	unsigned long weight;
	__u32 inv_weight;
};

struct sched_entity {
	__u64 vruntime;
	struct load_weight load;
	__u64 sum_exec_runtime;
};

struct rlimit {
	unsigned long rlim_cur, rlim_max;
};

struct signal_struct {
	struct rlimit rlim[16];
	int group_exit_code;
};

struct mm_struct {
	int unused;
	unsigned long cpu_bitmap[];
};

/* In the kernel these are in an anonymous struct. */
struct mm_struct___flat {
	unsigned long total_vm;
	unsigned long arg_start, arg_end;
	unsigned long saved_auxv[8];
};

struct task_struct {
	struct task_struct *real_parent;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct pid *thread_pid;
	int exit_code;
	int pid, tgid;
	unsigned int flags;
	char comm[16];
	__u64 start_time;
	struct sched_entity se;
	struct thread_info thread_info;
	const void *stack;
	volatile unsigned int __state;
};

struct sk_buff {
	unsigned int len, data_len;
	unsigned char *head, *data;
	char cb[48];
	__u32 priority;
	__be16 protocol;
	__u16 network_header;
	__u32 mark;
	struct sk_buff *next;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct sock_common {
	union {
		__u64 skc_addrpair;
		struct {
			__be32 skc_daddr, skc_rcv_saddr;
		};
	};
	union {
		struct {
			__be16 skc_dport;
			__u16 skc_num;
		};
	};
	unsigned short skc_family;
	struct in6_addr skc_v6_daddr;
};

struct sock {
	struct sock_common __sk_common;
	int sk_rcvbuf;
};
CORE_END

SEC("raw_tp/direct")
int direct(struct task_struct **args)
{
	struct task_struct *task = args[0];
	__u64 sum = task->pid + task->tgid + task->flags + task->start_time + task->__state;

	sum += task->real_parent->real_parent->tgid;
	sum += task->comm[0] + task->comm[5] + task->comm[15];
	sum += task->se.vruntime + task->se.load.weight + task->se.load.inv_weight;
	sum += task->signal->rlim[0].rlim_cur + task->signal->rlim[3].rlim_max + task->signal->rlim[15].rlim_cur;
	sum += task->thread_info.flags + (__u64)task->stack;
	sum += task->thread_pid->numbers[0].nr + task->thread_pid->level;
	sum += task->mm->cpu_bitmap[0] + task->mm->cpu_bitmap[7];
	return sum;
}

SEC("raw_tp/anonymous")
int anonymous(void **args)
{
	struct mm_struct___flat *mm = args[0];
	struct sk_buff *skb = args[1];
	struct sock *sk = args[2];
	__u64 sum = mm->total_vm + mm->arg_start + mm->arg_end + mm->saved_auxv[1];

	sum += skb->len + skb->data_len + skb->priority + skb->protocol + skb->network_header + skb->mark;
	sum += skb->cb[0] + skb->cb[47] + skb->data[0] + skb->next->len;
	sum += sk->__sk_common.skc_daddr + sk->__sk_common.skc_rcv_saddr + sk->__sk_common.skc_addrpair;
	sum += sk->__sk_common.skc_dport + sk->__sk_common.skc_num + sk->__sk_common.skc_family;
	sum += sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32[3] + sk->__sk_common.skc_v6_daddr.in6_u.u6_addr8[9];
	sum += sk->sk_rcvbuf;
	return sum;
}

SEC("raw_tp/stores")
int stores(void **args)
{
	struct task_struct *task = args[0];
	struct sk_buff *skb = args[1];

	task->pid = 7;
	task->start_time = 0;
	task->comm[3] = 'x';
	task->flags = (unsigned long)args[2];
	task->se.vruntime = (unsigned long)args[3];
	skb->protocol = 0x0800;
	skb->mark += 5;
	__sync_fetch_and_add(&skb->priority, 3);
	__sync_fetch_and_add(&task->start_time, 3);
	return 0;
}

SEC("raw_tp/probed")
int probed(void **args)
{
	struct task_struct *task = args[0];
	char comm[16];

	BPF_CORE_READ_STR_INTO(&comm, task, real_parent, comm);
	return BPF_CORE_READ(task, real_parent, signal, group_exit_code) + BPF_CORE_READ(task, thread_pid, numbers[0].nr) +
	       BPF_CORE_READ(task, se.load.weight) + comm[1];
}

SEC("raw_tp/addresses")
int addresses(void **args)
{
	struct task_struct *task = args[0];
	void *place = __builtin_preserve_access_index(&task->comm);
	void *element = __builtin_preserve_access_index(&task->signal->rlim[5]);
	void *root = __builtin_preserve_access_index(&task[3].pid);
	void *second = __builtin_preserve_access_index(&task[2]);

	return (__u64)place + (__u64)element + (__u64)root + (__u64)second;
}

SEC("raw_tp/questions")
int questions(void **args)
{
	struct task_struct *task = args[0];
	__u64 sum = bpf_core_field_exists(task->comm) + 2 * bpf_core_field_exists(task->se.load.weight);

	sum += bpf_core_field_size(task->comm) + bpf_core_field_size(task->se) + bpf_core_field_size(task->real_parent);
	sum += bpf_core_field_size(task->signal->rlim) + bpf_core_field_size(task->signal->rlim[2]);
	sum += bpf_core_field_size(task->mm->cpu_bitmap) + bpf_core_field_size(struct sock, __sk_common);
	sum += __builtin_preserve_field_info(task->pid, BPF_FIELD_SIGNED) + 2 * __builtin_preserve_field_info(task->flags, BPF_FIELD_SIGNED);
	sum += __builtin_preserve_field_info(task->start_time, BPF_FIELD_LSHIFT_U64);
	sum += __builtin_preserve_field_info(task->flags, BPF_FIELD_RSHIFT_U64);
	sum += __builtin_preserve_field_info(task->flags, BPF_FIELD_LSHIFT_U64);
	sum += __builtin_preserve_field_info(task->thread_pid->numbers[2].nr, BPF_FIELD_BYTE_OFFSET);
	return sum;
}
