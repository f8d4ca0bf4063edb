// A program that throws, and the function that catches (6.7).
#include "vm.bpf.h"

extern void bpf_throw(u64 cookie) __ksym;

__attribute__((noinline)) int caught(u64 cookie)
{
	return cookie + 1;
}

int thrown;

SEC("tc") __attribute__((btf_decl_tag("exception_callback:caught"))) int throws(struct __sk_buff *skb)
{
	thrown++;
	bpf_throw(41);
	return 0;
}
