// Switched off by its section, whose name the types of older kernels may not have.
#include "cc.bpf.h"

SEC("?.struct_ops") struct tcp_congestion_ops counting_off = COUNTING("tsbpf_off");

SEC("tc") int other(struct __sk_buff *skb)
{
	return 5;
}
