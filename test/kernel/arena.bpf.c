// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Compiled by arena.test.ts: an arena at an address of its own choice, with a variable in it. */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	__uint(map_flags, 1 << 10); /* BPF_F_MMAPABLE */
	__uint(max_entries, 4);
	enum { address_of_arena = 1ULL << 44 } map_extra;
} arena SEC(".maps");

int __attribute__((address_space(1))) counter = 7;

SEC("syscall")
int count(void *ctx)
{
	return ++counter;
}
