// A setting that came with Linux 6.7, and must be set.
#include "vm.bpf.h"

extern bool CONFIG_NETKIT __kconfig;
int value;

SEC("tc") int look(struct __sk_buff *skb)
{
	value = CONFIG_NETKIT;
	return 0;
}
