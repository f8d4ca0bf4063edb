// Records for a perf event array.
#include "vm.bpf.h"

struct {
	__uint(type, 4);
	__uint(max_entries, 64);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

u64 next = 0;

SEC("tc") int write(struct __sk_buff *skb)
{
	u64 record[2] = { next, ~next };

	next++;
	return bpf_perf_event_output(skb, &events, 0xffffffffULL, record, sizeof(record));
}
