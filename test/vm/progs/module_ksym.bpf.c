// A variable of a module by its type: nf_tables has one for each CPU.
#include "vm.bpf.h"

struct nft_inner_tun_ctx {
	u16 type;
};
extern const struct nft_inner_tun_ctx nft_pcpu_tun_ctx __ksym;

int found;

SEC("tc") int look(struct __sk_buff *skb)
{
	found = bpf_per_cpu_ptr(&nft_pcpu_tun_ctx, 0) != 0;
	return 4;
}
