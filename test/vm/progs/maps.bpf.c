// Maps in maps, programs in maps, and maps under a name.
#include "vm.bpf.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, 12);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &first, &second } };

struct {
	__uint(type, 13);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 8);
		__type(key, u32);
		__type(value, u32);
	});
} by_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, u32);
	__type(value, u64);
} kept SEC(".maps");

int tail(struct __sk_buff *skb);

struct {
	__uint(type, 3);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(struct __sk_buff *));
} jumps SEC(".maps") = { .values = { [1] = &tail } };

SEC("tc") int tail(struct __sk_buff *skb)
{
	return 77;
}

SEC("tc") int jump(struct __sk_buff *skb)
{
	u32 key = 1, zero = 0;
	void *inner = bpf_map_lookup_elem(&outer, &key);
	u64 *value = inner ? bpf_map_lookup_elem(inner, &zero) : 0;
	u64 *pinned = bpf_map_lookup_elem(&kept, &zero);

	if (value)
		*value += 5;
	if (pinned)
		*pinned += 1;
	bpf_map_lookup_elem(&by_hash, &key);
	bpf_tail_call(skb, &jumps, 1);
	return 1;
}
