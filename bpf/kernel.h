/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The few kernel types that our programs read. Only the members that are used stand here: CO-RE finds where the running
 * kernel has them, so nothing depends on the kernel of the machine that compiles this.
 */
#ifndef TSBPF_KERNEL_H
#define TSBPF_KERNEL_H

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef int pid_t;
typedef _Bool bool;
#define true 1
#define false 0

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct task_struct {
	pid_t tgid;
	int exit_code;
	struct task_struct *real_parent;
};

struct trace_event_raw_sched_process_exec {
	u32 __data_loc_filename;
};

#pragma clang attribute pop

/* Its fields are not read; the program's argument only needs a type. */
struct trace_event_raw_sched_process_template;

#endif
