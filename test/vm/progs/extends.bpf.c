// Hooks into target.bpf.c.
#include "vm.bpf.h"

int seen;

SEC("?freplace/replaceable") int other(struct __sk_buff *skb, int by)
{
	return by + 100;
}

SEC("?fentry/replaceable") int BPF_PROG(on_call, struct __sk_buff *skb, int by)
{
	seen = by;
	return 0;
}

SEC("?fexit/whole") int BPF_PROG(on_end, struct __sk_buff *skb, int result)
{
	seen = result;
	return 0;
}
