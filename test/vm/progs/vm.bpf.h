/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs of this suite share. Kernel types have only the members that are used: CO-RE finds them. */
#ifndef TSBPF_VM_H
#define TSBPF_VM_H

#include "../../../bpf/kernel.h"
typedef __s32 s32;
#define BPF_F_MMAPABLE (1U << 10)
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

struct __sk_buff {
	__u32 len;
};

char LICENSE[] SEC("license") = "GPL";

#endif
