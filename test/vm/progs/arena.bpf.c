// Memory that programs and user space share (6.9).
#include "vm.bpf.h"

#define __arena __attribute__((address_space(1)))

struct {
	__uint(type, 33);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
} arena SEC(".maps");

int __arena number = 41;

SEC("syscall") int bump(void *ctx)
{
	number++;
	return number;
}
