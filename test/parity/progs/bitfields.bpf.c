// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Bitfields: the load that holds them and the shifts that cut them out, wherever the kernel has them. */
#include "core.h"

CORE_BEGIN
struct task_struct {
	unsigned in_execve : 1;
	unsigned in_iowait : 1;
	unsigned sched_reset_on_fork : 1;
	int exit_code;
};

/* Widths and signs that differ from the kernel's, and what is no bitfield there, or only there. */
struct task_struct___odd {
	int in_execve : 5;
	unsigned long long in_iowait : 40;
	unsigned int frozen;
	unsigned int flags : 3;
	int pid : 31;
	unsigned no_such_bit : 1;
};

struct sk_buff {
	__u8 pkt_type : 3;
	__u8 ip_summed : 2;
	__u8 cloned : 1;
	__u8 encapsulation : 1;
};

struct iphdr {
	__u8 version : 4, ihl : 4;
};

struct tcphdr {
	__be16 source;
	__u16 syn : 1, ack : 1, doff : 4;
};

struct bpf_prog {
	__u16 jited : 1, gpl_compatible : 1;
	__u32 len;
};

struct kvm_segment___desc {
	__u16 limit0;
};
struct desc_struct {
	__u16 dpl : 2, p : 1;
	__u16 base2 : 8;
};
CORE_END

#define ALL(p, field)                                                                                                  \
	(BPF_CORE_READ_BITFIELD(p, field) + BPF_CORE_READ_BITFIELD_PROBED(p, field) +                                  \
	 __builtin_preserve_field_info((p)->field, BPF_FIELD_BYTE_OFFSET) +                                            \
	 __builtin_preserve_field_info((p)->field, BPF_FIELD_BYTE_SIZE) +                                              \
	 __builtin_preserve_field_info((p)->field, BPF_FIELD_LSHIFT_U64) * 3 +                                         \
	 __builtin_preserve_field_info((p)->field, BPF_FIELD_RSHIFT_U64) * 5 +                                         \
	 __builtin_preserve_field_info((p)->field, BPF_FIELD_SIGNED) * 7 + bpf_core_field_exists((p)->field))

SEC("raw_tp/task")
int task(void **args)
{
	struct task_struct *task = args[0];
	struct task_struct___odd *odd = args[0];
	__u64 sum = ALL(task, in_execve) + ALL(task, in_iowait) + ALL(task, sched_reset_on_fork) + ALL(task, exit_code);

	sum += ALL(odd, in_execve) + ALL(odd, in_iowait) + ALL(odd, frozen) + ALL(odd, flags) + ALL(odd, pid);
	return sum + ALL(odd, no_such_bit);
}

SEC("raw_tp/net")
int net(void **args)
{
	struct sk_buff *skb = args[0];
	struct iphdr *ip = args[1];
	struct tcphdr *tcp = args[2];

	return ALL(skb, pkt_type) + ALL(skb, ip_summed) + ALL(skb, cloned) + ALL(skb, encapsulation) + ALL(ip, version) + ALL(ip, ihl) +
	       ALL(tcp, syn) + ALL(tcp, ack) + ALL(tcp, doff);
}

SEC("raw_tp/other")
int other(void **args)
{
	struct bpf_prog *prog = args[0];
	struct desc_struct *desc = args[1];

	return ALL(prog, jited) + ALL(prog, gpl_compatible) + ALL(prog, len) + ALL(desc, dpl) + ALL(desc, p) + ALL(desc, base2);
}

SEC("raw_tp/plain_access")
int plain_access(void **args)
{
	struct task_struct *task = args[0];
	struct task_struct___odd *odd = args[0];

	task->in_iowait = 1;
	return task->in_execve + odd->frozen + odd->flags + odd->in_iowait;
}
