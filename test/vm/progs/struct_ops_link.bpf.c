// The same as a link (6.4).
#include "cc.bpf.h"

SEC(".struct_ops.link") struct tcp_congestion_ops counting_link = COUNTING("tsbpf_link");
