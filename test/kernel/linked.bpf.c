// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Compiled by linked.test.ts, once for each PART. */
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
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#if PART == 0 /* Maps of maps and program arrays with initial values. */
#define ARRAY 2
#define PROG_ARRAY 3
#define ARRAY_OF_MAPS 12
#define HASH_OF_MAPS 13

struct inner {
	__uint(type, ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, __u64);
} first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, int);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { [0] = &first, [3] = &second } };

struct {
	__uint(type, HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, int);
	__array(values, struct inner);
} hashed SEC(".maps") = { .values = { [2] = &second } };

int tail(void *ctx);

struct {
	__uint(type, PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = { .values = { [1] = (void *)&tail } };

/* Where each map was found, as a bit. */
SEC("tc") int start(void *ctx)
{
	int found = 0;

	for (int i = 0; i < 4; i++) {
		int key = i;

		if (bpf_map_lookup_elem(&outer, &key))
			found |= 1 << i;
		if (bpf_map_lookup_elem(&hashed, &key))
			found |= 16 << i;
	}
	bpf_map_update_elem(&first, &(int){ 0 }, &(__u64){ found }, 0);
	bpf_tail_call(ctx, &jumps, 1);
	return -1;
}

SEC("tc") int tail(void *ctx)
{
	__u64 *value = bpf_map_lookup_elem(&first, &(int){ 0 });

	return value ? *value : -2;
}
#endif

#if PART == 1 /* A congestion control that does as little as the kernel allows. */
struct sock;
struct tcp_congestion_ops___tsbpf {
	__u32 (*ssthresh)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	char name[16];
	__u32 not_in_any_kernel;
};

SEC("struct_ops") __u32 ssthresh(__u64 *ctx) { return 2; }
SEC("struct_ops") __u32 undo_cwnd(__u64 *ctx) { return 2; }
SEC("struct_ops") void cong_avoid(__u64 *ctx) {}

SEC(".struct_ops.link") struct tcp_congestion_ops___tsbpf linked = {
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.name = "tsbpf_linked",
};

SEC(".struct_ops") struct tcp_congestion_ops___tsbpf plain = {
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.name = "tsbpf_plain",
};
#endif

#if PART == 2 /* Variables in an arena. */
#define ARENA 33
#define __arena __attribute__((address_space(1)))
#ifndef __ulong
#define __ulong(name, val) enum { unique_value = val } name
#endif

struct {
	__uint(type, ARENA);
	__uint(map_flags, 1 << 10);
	__uint(max_entries, 8);
#ifdef AT
	__ulong(map_extra, AT);
#endif
} arena SEC(".maps");

__u64 __arena counter = 40;
__u64 __arena *where;

SEC("syscall") int bump(void *ctx)
{
	counter += 2;
	where = &counter;
	return counter;
}
#endif

#if PART == 3 /* Pinned. */
struct {
	__uint(type, 2);
#ifndef ENTRIES
#define ENTRIES 1
#endif
	__uint(max_entries, ENTRIES);
	__type(key, int);
	__type(value, __u64);
	__uint(pinning, 1);
} tsbpf_pinned SEC(".maps");

SEC("syscall") int count(void *ctx)
{
	__u64 *value = bpf_map_lookup_elem(&tsbpf_pinned, &(int){ 0 });

#ifdef REFUSED
	return *(volatile int *)8;
#endif
	return value ? ++*value : -1;
}
#endif

#if PART == 4 /* An exception and who catches it. */
extern void bpf_throw(__u64 cookie) __ksym;

__attribute__((noinline)) int caught(__u64 cookie)
{
	return cookie + 1;
}

SEC("syscall") __attribute__((btf_decl_tag("exception_callback:caught"))) int throws(void *ctx)
{
	bpf_throw(41);
	return 0;
}
#endif
