// What a section name says of the programs in it: type, attach type, flags, and the family that attaches them.

import { nearestFew } from '../bytes/index.js';
import type { BpfAttachType, BpfProgType } from '../uapi/enums.js';

/** How programs are attached: see src/attach for those that are there. A row without one is for its user to attach. */
export type AttachFamily =
  | 'kprobe'
  | 'uprobe'
  | 'kprobe_multi'
  | 'kprobe_session'
  | 'uprobe_multi'
  | 'ksyscall'
  | 'usdt'
  | 'tracepoint'
  | 'raw_tracepoint'
  | 'trace'
  | 'lsm'
  | 'iter'
  | 'tracing_multi';

export interface SecDef {
  /** `x+` matches `x` and `x/…`; `x` matches only itself. */
  readonly sec: string;
  readonly type: BpfProgType;
  readonly attachType?: BpfAttachType;
  readonly attach?: AttachFamily;
  readonly sleepable?: true;
  /** The attach target is looked up in the kernel's BTF. */
  readonly attachBtf?: true;
  readonly frags?: true;
  /** Loaded for links on many user functions at once (BPF_TRACE_UPROBE_MULTI), where the kernel has them. */
  readonly multiUprobe?: true;
}

/**
 * SEC() prefixes; the first match in this order wins.
 * @see libbpf section_defs, src/libbpf.c
 */
export const SEC_DEFS: readonly SecDef[] = [
  { sec: 'socket', type: 'BPF_PROG_TYPE_SOCKET_FILTER' },
  { sec: 'sk_reuseport/migrate', type: 'BPF_PROG_TYPE_SK_REUSEPORT', attachType: 'BPF_SK_REUSEPORT_SELECT_OR_MIGRATE' },
  { sec: 'sk_reuseport', type: 'BPF_PROG_TYPE_SK_REUSEPORT', attachType: 'BPF_SK_REUSEPORT_SELECT' },
  { sec: 'kprobe+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'kprobe' },
  { sec: 'uprobe+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'uprobe' },
  { sec: 'uprobe.s+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'uprobe', sleepable: true },
  { sec: 'kretprobe+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'kprobe' },
  { sec: 'uretprobe+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'uprobe' },
  { sec: 'uretprobe.s+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'uprobe', sleepable: true },
  { sec: 'kprobe.multi+', type: 'BPF_PROG_TYPE_KPROBE', attachType: 'BPF_TRACE_KPROBE_MULTI', attach: 'kprobe_multi' },
  { sec: 'kretprobe.multi+', type: 'BPF_PROG_TYPE_KPROBE', attachType: 'BPF_TRACE_KPROBE_MULTI', attach: 'kprobe_multi' },
  { sec: 'kprobe.session+', type: 'BPF_PROG_TYPE_KPROBE', attachType: 'BPF_TRACE_KPROBE_SESSION', attach: 'kprobe_session' },
  { sec: 'uprobe.multi+', type: 'BPF_PROG_TYPE_KPROBE', attachType: 'BPF_TRACE_UPROBE_MULTI', attach: 'uprobe_multi' },
  { sec: 'uretprobe.multi+', type: 'BPF_PROG_TYPE_KPROBE', attachType: 'BPF_TRACE_UPROBE_MULTI', attach: 'uprobe_multi' },
  { sec: 'uprobe.session+', type: 'BPF_PROG_TYPE_KPROBE', attachType: 'BPF_TRACE_UPROBE_SESSION', attach: 'uprobe_multi' },
  {
    sec: 'uprobe.multi.s+',
    type: 'BPF_PROG_TYPE_KPROBE',
    attachType: 'BPF_TRACE_UPROBE_MULTI',
    attach: 'uprobe_multi',
    sleepable: true,
  },
  {
    sec: 'uretprobe.multi.s+',
    type: 'BPF_PROG_TYPE_KPROBE',
    attachType: 'BPF_TRACE_UPROBE_MULTI',
    attach: 'uprobe_multi',
    sleepable: true,
  },
  {
    sec: 'uprobe.session.s+',
    type: 'BPF_PROG_TYPE_KPROBE',
    attachType: 'BPF_TRACE_UPROBE_SESSION',
    attach: 'uprobe_multi',
    sleepable: true,
  },
  { sec: 'ksyscall+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'ksyscall' },
  { sec: 'kretsyscall+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'ksyscall' },
  { sec: 'usdt+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'usdt', multiUprobe: true },
  { sec: 'usdt.s+', type: 'BPF_PROG_TYPE_KPROBE', attach: 'usdt', sleepable: true, multiUprobe: true },
  { sec: 'tc/ingress', type: 'BPF_PROG_TYPE_SCHED_CLS', attachType: 'BPF_TCX_INGRESS' },
  { sec: 'tc/egress', type: 'BPF_PROG_TYPE_SCHED_CLS', attachType: 'BPF_TCX_EGRESS' },
  { sec: 'tcx/ingress', type: 'BPF_PROG_TYPE_SCHED_CLS', attachType: 'BPF_TCX_INGRESS' },
  { sec: 'tcx/egress', type: 'BPF_PROG_TYPE_SCHED_CLS', attachType: 'BPF_TCX_EGRESS' },
  { sec: 'tc', type: 'BPF_PROG_TYPE_SCHED_CLS' },
  { sec: 'classifier', type: 'BPF_PROG_TYPE_SCHED_CLS' },
  { sec: 'action', type: 'BPF_PROG_TYPE_SCHED_ACT' },
  { sec: 'netkit/primary', type: 'BPF_PROG_TYPE_SCHED_CLS', attachType: 'BPF_NETKIT_PRIMARY' },
  { sec: 'netkit/peer', type: 'BPF_PROG_TYPE_SCHED_CLS', attachType: 'BPF_NETKIT_PEER' },
  { sec: 'tracepoint+', type: 'BPF_PROG_TYPE_TRACEPOINT', attach: 'tracepoint' },
  { sec: 'tp+', type: 'BPF_PROG_TYPE_TRACEPOINT', attach: 'tracepoint' },
  { sec: 'tracepoint.s+', type: 'BPF_PROG_TYPE_TRACEPOINT', attach: 'tracepoint', sleepable: true },
  { sec: 'tp.s+', type: 'BPF_PROG_TYPE_TRACEPOINT', attach: 'tracepoint', sleepable: true },
  { sec: 'raw_tracepoint+', type: 'BPF_PROG_TYPE_RAW_TRACEPOINT', attach: 'raw_tracepoint' },
  { sec: 'raw_tp+', type: 'BPF_PROG_TYPE_RAW_TRACEPOINT', attach: 'raw_tracepoint' },
  { sec: 'raw_tracepoint.s+', type: 'BPF_PROG_TYPE_RAW_TRACEPOINT', attach: 'raw_tracepoint', sleepable: true },
  { sec: 'raw_tp.s+', type: 'BPF_PROG_TYPE_RAW_TRACEPOINT', attach: 'raw_tracepoint', sleepable: true },
  { sec: 'raw_tracepoint.w+', type: 'BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE', attach: 'raw_tracepoint' },
  { sec: 'raw_tp.w+', type: 'BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE', attach: 'raw_tracepoint' },
  { sec: 'tp_btf+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_TRACE_RAW_TP', attach: 'trace', attachBtf: true },
  {
    sec: 'tp_btf.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_TRACE_RAW_TP',
    attach: 'trace',
    sleepable: true,
    attachBtf: true,
  },
  { sec: 'fentry+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_TRACE_FENTRY', attach: 'trace', attachBtf: true },
  { sec: 'fmod_ret+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_MODIFY_RETURN', attach: 'trace', attachBtf: true },
  { sec: 'fexit+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_TRACE_FEXIT', attach: 'trace', attachBtf: true },
  {
    sec: 'fentry.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_TRACE_FENTRY',
    attach: 'trace',
    sleepable: true,
    attachBtf: true,
  },
  {
    sec: 'fmod_ret.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_MODIFY_RETURN',
    attach: 'trace',
    sleepable: true,
    attachBtf: true,
  },
  {
    sec: 'fexit.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_TRACE_FEXIT',
    attach: 'trace',
    sleepable: true,
    attachBtf: true,
  },
  { sec: 'fsession+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_TRACE_FSESSION', attach: 'trace', attachBtf: true },
  {
    sec: 'fsession.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_TRACE_FSESSION',
    attach: 'trace',
    sleepable: true,
    attachBtf: true,
  },
  { sec: 'fsession.multi+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_TRACE_FSESSION_MULTI', attach: 'tracing_multi' },
  {
    sec: 'fsession.multi.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_TRACE_FSESSION_MULTI',
    attach: 'tracing_multi',
    sleepable: true,
  },
  { sec: 'fentry.multi+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_TRACE_FENTRY_MULTI', attach: 'tracing_multi' },
  { sec: 'fexit.multi+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_TRACE_FEXIT_MULTI', attach: 'tracing_multi' },
  {
    sec: 'fentry.multi.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_TRACE_FENTRY_MULTI',
    attach: 'tracing_multi',
    sleepable: true,
  },
  {
    sec: 'fexit.multi.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_TRACE_FEXIT_MULTI',
    attach: 'tracing_multi',
    sleepable: true,
  },
  { sec: 'freplace+', type: 'BPF_PROG_TYPE_EXT', attach: 'trace', attachBtf: true },
  { sec: 'lsm+', type: 'BPF_PROG_TYPE_LSM', attachType: 'BPF_LSM_MAC', attach: 'lsm', attachBtf: true },
  { sec: 'lsm.s+', type: 'BPF_PROG_TYPE_LSM', attachType: 'BPF_LSM_MAC', attach: 'lsm', sleepable: true, attachBtf: true },
  { sec: 'lsm_cgroup+', type: 'BPF_PROG_TYPE_LSM', attachType: 'BPF_LSM_CGROUP', attachBtf: true },
  { sec: 'iter+', type: 'BPF_PROG_TYPE_TRACING', attachType: 'BPF_TRACE_ITER', attach: 'iter', attachBtf: true },
  {
    sec: 'iter.s+',
    type: 'BPF_PROG_TYPE_TRACING',
    attachType: 'BPF_TRACE_ITER',
    attach: 'iter',
    sleepable: true,
    attachBtf: true,
  },
  { sec: 'syscall', type: 'BPF_PROG_TYPE_SYSCALL', sleepable: true },
  { sec: 'xdp.frags/devmap', type: 'BPF_PROG_TYPE_XDP', attachType: 'BPF_XDP_DEVMAP', frags: true },
  { sec: 'xdp/devmap', type: 'BPF_PROG_TYPE_XDP', attachType: 'BPF_XDP_DEVMAP' },
  { sec: 'xdp.frags/cpumap', type: 'BPF_PROG_TYPE_XDP', attachType: 'BPF_XDP_CPUMAP', frags: true },
  { sec: 'xdp/cpumap', type: 'BPF_PROG_TYPE_XDP', attachType: 'BPF_XDP_CPUMAP' },
  { sec: 'xdp.frags', type: 'BPF_PROG_TYPE_XDP', attachType: 'BPF_XDP', frags: true },
  { sec: 'xdp', type: 'BPF_PROG_TYPE_XDP', attachType: 'BPF_XDP' },
  { sec: 'perf_event', type: 'BPF_PROG_TYPE_PERF_EVENT' },
  { sec: 'lwt_in', type: 'BPF_PROG_TYPE_LWT_IN' },
  { sec: 'lwt_out', type: 'BPF_PROG_TYPE_LWT_OUT' },
  { sec: 'lwt_xmit', type: 'BPF_PROG_TYPE_LWT_XMIT' },
  { sec: 'lwt_seg6local', type: 'BPF_PROG_TYPE_LWT_SEG6LOCAL' },
  { sec: 'sockops', type: 'BPF_PROG_TYPE_SOCK_OPS', attachType: 'BPF_CGROUP_SOCK_OPS' },
  { sec: 'sk_skb/stream_parser', type: 'BPF_PROG_TYPE_SK_SKB', attachType: 'BPF_SK_SKB_STREAM_PARSER' },
  { sec: 'sk_skb/stream_verdict', type: 'BPF_PROG_TYPE_SK_SKB', attachType: 'BPF_SK_SKB_STREAM_VERDICT' },
  { sec: 'sk_skb/verdict', type: 'BPF_PROG_TYPE_SK_SKB', attachType: 'BPF_SK_SKB_VERDICT' },
  { sec: 'sk_skb', type: 'BPF_PROG_TYPE_SK_SKB' },
  { sec: 'sk_msg', type: 'BPF_PROG_TYPE_SK_MSG', attachType: 'BPF_SK_MSG_VERDICT' },
  { sec: 'lirc_mode2', type: 'BPF_PROG_TYPE_LIRC_MODE2', attachType: 'BPF_LIRC_MODE2' },
  { sec: 'flow_dissector', type: 'BPF_PROG_TYPE_FLOW_DISSECTOR', attachType: 'BPF_FLOW_DISSECTOR' },
  { sec: 'cgroup_skb/ingress', type: 'BPF_PROG_TYPE_CGROUP_SKB', attachType: 'BPF_CGROUP_INET_INGRESS' },
  { sec: 'cgroup_skb/egress', type: 'BPF_PROG_TYPE_CGROUP_SKB', attachType: 'BPF_CGROUP_INET_EGRESS' },
  { sec: 'cgroup/skb', type: 'BPF_PROG_TYPE_CGROUP_SKB' },
  { sec: 'cgroup/sock_create', type: 'BPF_PROG_TYPE_CGROUP_SOCK', attachType: 'BPF_CGROUP_INET_SOCK_CREATE' },
  { sec: 'cgroup/sock_release', type: 'BPF_PROG_TYPE_CGROUP_SOCK', attachType: 'BPF_CGROUP_INET_SOCK_RELEASE' },
  { sec: 'cgroup/sock', type: 'BPF_PROG_TYPE_CGROUP_SOCK', attachType: 'BPF_CGROUP_INET_SOCK_CREATE' },
  { sec: 'cgroup/post_bind4', type: 'BPF_PROG_TYPE_CGROUP_SOCK', attachType: 'BPF_CGROUP_INET4_POST_BIND' },
  { sec: 'cgroup/post_bind6', type: 'BPF_PROG_TYPE_CGROUP_SOCK', attachType: 'BPF_CGROUP_INET6_POST_BIND' },
  { sec: 'cgroup/bind4', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_INET4_BIND' },
  { sec: 'cgroup/bind6', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_INET6_BIND' },
  { sec: 'cgroup/connect4', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_INET4_CONNECT' },
  { sec: 'cgroup/connect6', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_INET6_CONNECT' },
  { sec: 'cgroup/connect_unix', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UNIX_CONNECT' },
  { sec: 'cgroup/sendmsg4', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UDP4_SENDMSG' },
  { sec: 'cgroup/sendmsg6', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UDP6_SENDMSG' },
  { sec: 'cgroup/sendmsg_unix', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UNIX_SENDMSG' },
  { sec: 'cgroup/recvmsg4', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UDP4_RECVMSG' },
  { sec: 'cgroup/recvmsg6', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UDP6_RECVMSG' },
  { sec: 'cgroup/recvmsg_unix', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UNIX_RECVMSG' },
  { sec: 'cgroup/getpeername4', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_INET4_GETPEERNAME' },
  { sec: 'cgroup/getpeername6', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_INET6_GETPEERNAME' },
  { sec: 'cgroup/getpeername_unix', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UNIX_GETPEERNAME' },
  { sec: 'cgroup/getsockname4', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_INET4_GETSOCKNAME' },
  { sec: 'cgroup/getsockname6', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_INET6_GETSOCKNAME' },
  { sec: 'cgroup/getsockname_unix', type: 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR', attachType: 'BPF_CGROUP_UNIX_GETSOCKNAME' },
  { sec: 'cgroup/sysctl', type: 'BPF_PROG_TYPE_CGROUP_SYSCTL', attachType: 'BPF_CGROUP_SYSCTL' },
  { sec: 'cgroup/getsockopt', type: 'BPF_PROG_TYPE_CGROUP_SOCKOPT', attachType: 'BPF_CGROUP_GETSOCKOPT' },
  { sec: 'cgroup/setsockopt', type: 'BPF_PROG_TYPE_CGROUP_SOCKOPT', attachType: 'BPF_CGROUP_SETSOCKOPT' },
  { sec: 'cgroup/dev', type: 'BPF_PROG_TYPE_CGROUP_DEVICE', attachType: 'BPF_CGROUP_DEVICE' },
  { sec: 'struct_ops+', type: 'BPF_PROG_TYPE_STRUCT_OPS' },
  { sec: 'struct_ops.s+', type: 'BPF_PROG_TYPE_STRUCT_OPS', sleepable: true },
  { sec: 'sk_lookup', type: 'BPF_PROG_TYPE_SK_LOOKUP', attachType: 'BPF_SK_LOOKUP' },
  { sec: 'netfilter', type: 'BPF_PROG_TYPE_NETFILTER', attachType: 'BPF_NETFILTER' },
];

/** What was meant by a name without a meaning, with its target: `tracepont/a/b` -> `tracepoint/a/b`, `xdp/eth0` -> `xdp`. */
export function nearestSection(section: string): string | undefined {
  const [head = '', ...target] = section.split('/');
  const whole = SEC_DEFS.filter(({ sec }) => !sec.endsWith('+')).map(({ sec }) => sec);
  if (whole.includes(head)) return nearestFew(section, whole, { most: 1 })[0] ?? head;
  const prefixes = SEC_DEFS.filter(({ sec }) => sec.endsWith('+')).map(({ sec }) => sec.slice(0, -1));
  const prefix = nearestFew(head, prefixes, { most: 1 })[0];
  if (prefix !== undefined) return [prefix, ...target].join('/');
  return nearestFew(section, whole, { most: 1 })[0];
}

/** The row for a section name without its leading `?`; undefined when libbpf has no meaning for it either. */
export const secDef = (section: string): SecDef | undefined =>
  SEC_DEFS.find(({ sec }) =>
    sec.endsWith('+') ? section === sec.slice(0, -1) || section.startsWith(`${sec.slice(0, -1)}/`) : section === sec,
  );
