// A program for every kind of place that `cgroup show`, `net show` and `perf show` look at. Each lets everything pass.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PROGRAM(SECTION, NAME, RESULT) \
  SEC(SECTION) int NAME(void *ctx) { return RESULT; }

#if PART == 0 // what tests attach by themselves
PROGRAM("xdp", let_pass, XDP_PASS)
PROGRAM("tc", a_classifier_with_a_long_name, 0)
PROGRAM("tc", go_on, -1)
PROGRAM("flow_dissector", dissect, BPF_FLOW_DISSECTOR_CONTINUE)
PROGRAM("netfilter", accept, 1)

PROGRAM("cgroup_skb/ingress", c_ingress, 1)
PROGRAM("cgroup_skb/egress", c_egress, 1)
PROGRAM("cgroup_skb/egress", c_egress_in_all_groups_below, 1)
PROGRAM("cgroup/sock_create", c_sock_create, 1)
PROGRAM("cgroup/sock_release", c_sock_release, 1)
PROGRAM("cgroup/bind4", c_bind4, 1)
PROGRAM("cgroup/bind6", c_bind6, 1)
PROGRAM("cgroup/post_bind4", c_post_bind4, 1)
PROGRAM("cgroup/post_bind6", c_post_bind6, 1)
PROGRAM("cgroup/connect4", c_connect4, 1)
PROGRAM("cgroup/connect6", c_connect6, 1)
PROGRAM("cgroup/connect_unix", c_connect_unix, 1)
PROGRAM("cgroup/getpeername4", c_getpeername4, 1)
PROGRAM("cgroup/getpeername6", c_getpeername6, 1)
PROGRAM("cgroup/getpeername_unix", c_getpeername_unix, 1)
PROGRAM("cgroup/getsockname4", c_getsockname4, 1)
PROGRAM("cgroup/getsockname6", c_getsockname6, 1)
PROGRAM("cgroup/getsockname_unix", c_getsockname_unix, 1)
PROGRAM("cgroup/sendmsg4", c_sendmsg4, 1)
PROGRAM("cgroup/sendmsg6", c_sendmsg6, 1)
PROGRAM("cgroup/sendmsg_unix", c_sendmsg_unix, 1)
PROGRAM("cgroup/recvmsg4", c_recvmsg4, 1)
PROGRAM("cgroup/recvmsg6", c_recvmsg6, 1)
PROGRAM("cgroup/recvmsg_unix", c_recvmsg_unix, 1)
PROGRAM("sockops", c_sock_ops, 1)
PROGRAM("cgroup/dev", c_device, 1)
PROGRAM("cgroup/sysctl", c_sysctl, 1)
PROGRAM("cgroup/getsockopt", c_getsockopt, 1)
PROGRAM("cgroup/setsockopt", c_setsockopt, 1)

PROGRAM("uprobe", on_probe, 0)
#else
PROGRAM("raw_tp/sched_process_fork", on_fork, 0)
PROGRAM("tp/sched/sched_process_exit", on_exit, 0)
#endif

char _license[] SEC("license") = "GPL";
