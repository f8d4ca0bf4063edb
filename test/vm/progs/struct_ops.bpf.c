// TCP congestion control, attached as every kernel since 5.6 knows it.
#include "cc.bpf.h"

SEC(".struct_ops") struct tcp_congestion_ops counting = COUNTING("tsbpf_counting");
