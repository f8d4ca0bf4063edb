/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What all parity programs begin with. They are compiled and relocated, never run: what they compute means nothing. */
#ifndef TSBPF_PARITY_CORE_H
#define TSBPF_PARITY_CORE_H

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

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

typedef _Bool bool;

/* Types between these two are relocated; the names of their members decide, not their places. */
#define CORE_BEGIN _Pragma("clang attribute push(__attribute__((preserve_access_index)), apply_to = record)")
#define CORE_END _Pragma("clang attribute pop")

/* Newer compilers only. */
#if __clang_major__ >= 15
#define HAS_TYPE_MATCHES 1
#define HAS_ENUM64 1
#endif
#ifdef HAS_TYPE_MATCHES
#define TYPE_MATCHES(type) bpf_core_type_matches(type)
#else
#define TYPE_MATCHES(type) bpf_core_type_exists(type)
#endif

char LICENSE[] SEC("license") = "GPL";

#endif
