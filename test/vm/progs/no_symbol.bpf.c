// A symbol that no kernel has, and that must be there.
#include "vm.bpf.h"

extern const void no_such_symbol __ksym;
u64 value;

SEC("tc") int look(struct __sk_buff *skb)
{
	value = (u64)&no_such_symbol;
	return 0;
}
