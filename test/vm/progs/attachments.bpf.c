/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A program for each place that `cgroup show`, `net show` and `perf show` look at, and that the usual machine does not have. */
#include "vm.bpf.h"

SEC("cgroup_skb/egress") int c_egress(void *ctx) { return 1; }
SEC("cgroup/connect4") int c_connect4(void *ctx) { return 1; }
SEC("lsm_cgroup/socket_bind") int c_bind(void *ctx) { return 1; }
SEC("tc") int classify(void *ctx) { return 0; }
SEC("action") int act(void *ctx) { return 0; }
SEC("xdp") int let_pass(void *ctx) { return 2; }
SEC("netkit/primary") int kit(void *ctx) { return 0; }
SEC("kprobe") int on_probe(void *ctx) { return 0; }
SEC("raw_tp/sched_process_fork") int on_fork(void *ctx) { return 0; }
