// A function that came with Linux 6.6, and must be there.
#include "vm.bpf.h"

extern const void tcx_prog_attach __ksym;
u64 value;

SEC("tc") int look(struct __sk_buff *skb)
{
	value = (u64)&tcx_prog_attach;
	return 0;
}
