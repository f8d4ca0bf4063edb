// A setting that no kernel has, and that must be set.
#include "vm.bpf.h"

extern int CONFIG_NO_SUCH_OPTION __kconfig;
int value;

SEC("tc") int look(struct __sk_buff *skb)
{
	value = CONFIG_NO_SUCH_OPTION;
	return 0;
}
