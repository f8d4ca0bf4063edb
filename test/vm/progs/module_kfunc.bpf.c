// A function that a module offers to programs (nf_conntrack, 6.1).
#include "vm.bpf.h"

struct nf_conn {
	int mark;
};
struct bpf_sock_tuple {
	struct {
		__be32 saddr, daddr;
		__be16 sport, dport;
	} ipv4;
};
struct bpf_ct_opts {
	s32 netns_id;
	s32 error;
	u8 l4proto;
	u8 dir;
	u8 reserved[2];
};

extern struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb, struct bpf_sock_tuple *tuple, u32 size, struct bpf_ct_opts *opts,
					 u32 opts_size) __ksym;
extern void bpf_ct_release(struct nf_conn *ct) __ksym;

int error;

SEC("tc") int lookup(struct __sk_buff *skb)
{
	struct bpf_sock_tuple tuple = { .ipv4 = { .saddr = 1, .daddr = 2, .sport = 3, .dport = 4 } };
	struct bpf_ct_opts opts = { .netns_id = -1, .l4proto = 6 };
	struct nf_conn *ct = bpf_skb_ct_lookup(skb, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));

	error = opts.error;
	if (!ct)
		return 1;
	bpf_ct_release(ct);
	return 2;
}
