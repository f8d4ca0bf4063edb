// A program that others hook into, and replace a function of.
#include "vm.bpf.h"

__attribute__((noinline)) int replaceable(struct __sk_buff *skb, int by)
{
	volatile int result = by + 1;
	return result;
}

SEC("tc") int whole(struct __sk_buff *skb)
{
	return replaceable(skb, 40);
}
