/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A congestion control that counts and otherwise does as little as the kernel lets it. */
#include "vm.bpf.h"

struct sock;
struct ack_sample;
struct rate_sample;
struct tcp_sock {
	u32 snd_cwnd;
	u32 snd_ssthresh;
} __attribute__((preserve_access_index));

struct tcp_congestion_ops {
	__u32 flags;
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

u64 calls;

SEC("struct_ops/counting_ssthresh") u32 BPF_PROG(counting_ssthresh, struct sock *sk)
{
	return 2;
}

SEC("struct_ops/counting_cong_avoid") void BPF_PROG(counting_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	__sync_fetch_and_add(&calls, 1);
}

SEC("struct_ops/counting_undo_cwnd") u32 BPF_PROG(counting_undo_cwnd, struct sock *sk)
{
	return 10;
}

#define COUNTING(text)                                  \
	{                                                   \
		.ssthresh = (void *)counting_ssthresh,          \
		.cong_avoid = (void *)counting_cong_avoid,      \
		.undo_cwnd = (void *)counting_undo_cwnd,        \
		.name = text,                                   \
	}
