// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Enumerators: moved, missing, negative, of 64 bits, of another width than the kernel's. */
#include "core.h"

enum bpf_map_type {
	BPF_MAP_TYPE_RINGBUF = 1000, /* 27 */
	BPF_MAP_TYPE_NO_SUCH = 3,
};
enum bpf_map_type___flavor {
	BPF_MAP_TYPE_HASH___x = 77, /* 1 */
};
enum rpm_status {
	RPM_INVALID = -5, /* -1 */
	RPM_ACTIVE = 9, /* 0 */
};
enum no_such_enum {
	NOTHING = 5,
};
enum pid_type___small {
	PIDTYPE_MAX___small = 200,
} __attribute__((packed));
typedef enum bpf_map_type map_type_t; /* not in the kernel, whose enum has another name */
/* 64 bits in the kernel. */
enum perf_callchain_context___narrow {
	PERF_CONTEXT_KERNEL___narrow = 5,
};
#ifdef HAS_ENUM64
enum perf_callchain_context {
	PERF_CONTEXT_USER = (__u64)-512,
	PERF_CONTEXT_MAX = 0x123456789abcdefULL,
};
/* 32 bits in the kernel. */
enum rpm_status___wide {
	RPM_INVALID___wide = -0x100000000LL,
	RPM_BLOCKED___wide = 4,
	RPM_NO_SUCH___wide = 5,
};
#endif

#define ASK(type, name) (bpf_core_enum_value_exists(type, name) * 3 + bpf_core_enum_value(type, name))

SEC("raw_tp/values")
int values(void *ctx)
{
	__u64 sum = ASK(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF) + ASK(enum bpf_map_type___flavor, BPF_MAP_TYPE_HASH___x) +
		    ASK(enum rpm_status, RPM_INVALID) + ASK(enum rpm_status, RPM_ACTIVE) +
		    ASK(enum perf_callchain_context___narrow, PERF_CONTEXT_KERNEL___narrow) +
		    ASK(enum pid_type___small, PIDTYPE_MAX___small);
#ifdef HAS_ENUM64
	sum += ASK(enum perf_callchain_context, PERF_CONTEXT_USER) + ASK(enum perf_callchain_context, PERF_CONTEXT_MAX) +
	       ASK(enum rpm_status___wide, RPM_INVALID___wide) + ASK(enum rpm_status___wide, RPM_BLOCKED___wide) +
	       bpf_core_type_size(enum perf_callchain_context);
#endif
	return sum;
}

SEC("raw_tp/absent")
int absent(void *ctx)
{
	__u64 sum = ASK(enum bpf_map_type, BPF_MAP_TYPE_NO_SUCH) + ASK(enum no_such_enum, NOTHING) + ASK(map_type_t, BPF_MAP_TYPE_RINGBUF);
#ifdef HAS_ENUM64
	sum += ASK(enum rpm_status___wide, RPM_NO_SUCH___wide);
#endif
	return sum;
}
