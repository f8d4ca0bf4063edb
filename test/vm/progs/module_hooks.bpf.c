// Functions, a tracepoint and a type of modules.
#include "vm.bpf.h"

struct net_device;
struct veth_priv {
	unsigned int requested_headroom;
} __attribute__((preserve_access_index));
struct veth_priv___not {
	int no_such_member;
} __attribute__((preserve_access_index));

int opened, named, closed, headroom_offset, exists, missing;

SEC("?fentry/veth_open") int BPF_PROG(on_open, struct net_device *dev)
{
	opened++;
	return 0;
}

SEC("?fexit/veth:veth_open") int BPF_PROG(on_opened, struct net_device *dev, int result)
{
	named += result == 0;
	return 0;
}

SEC("?fentry/veth:veth_close") int BPF_PROG(on_close, struct net_device *dev)
{
	closed++;
	return 0;
}

SEC("?tp_btf/xfs_attr_list_sf") int BPF_PROG(on_xfs, void *context)
{
	return 0;
}

SEC("?tc") int types(struct __sk_buff *skb)
{
	exists = bpf_core_type_exists(struct veth_priv);
	if (exists)
		headroom_offset = bpf_core_field_offset(struct veth_priv, requested_headroom);
	missing = bpf_core_field_exists(struct veth_priv___not, no_such_member);
	return 3;
}

SEC("?fentry/no_such_module:veth_open") int BPF_PROG(on_nothing)
{
	return 0;
}
