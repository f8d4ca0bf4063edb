// The rights that an object needs, and what lockdown takes away: tables of what the kernel asks for, by program type, map type and
// helper. See bpf_prog_load, is_net_admin_prog_type, is_perfmon_prog_type and map_create, kernel/bpf/syscall.c; bpf_tracing_func_proto,
// kernel/trace/bpf_trace.c.

import type { BpfFunc, BpfMapType, BpfProgType } from '../uapi/enums.js';

export type Capability = 'CAP_BPF' | 'CAP_PERFMON' | 'CAP_NET_ADMIN' | 'CAP_SYS_ADMIN' | 'CAP_DAC_READ_SEARCH' | 'CAP_SYSLOG';

const types = (names: string): ReadonlySet<string> => new Set(names.split(' ').map((name) => `BPF_PROG_TYPE_${name}`));

const NET_ADMIN = types(
  'SCHED_CLS SCHED_ACT XDP LWT_IN LWT_OUT LWT_XMIT LWT_SEG6LOCAL SK_SKB SK_MSG FLOW_DISSECTOR CGROUP_DEVICE CGROUP_SOCK CGROUP_SOCK_ADDR CGROUP_SOCKOPT CGROUP_SYSCTL SOCK_OPS EXT NETFILTER',
);
const PERFMON = types('KPROBE TRACEPOINT PERF_EVENT RAW_TRACEPOINT RAW_TRACEPOINT_WRITABLE TRACING LSM STRUCT_OPS EXT');
/** Programs of these types may be loaded by anybody, where the sysctl kernel.unprivileged_bpf_disabled is 0. */
const UNPRIVILEGED = types('SOCKET_FILTER CGROUP_SKB');

/** What loading a program of this type takes, besides what its helpers do. */
export const programRights = (type: BpfProgType): Capability[] => [
  ...(UNPRIVILEGED.has(type) ? [] : (['CAP_BPF'] as const)),
  ...(PERFMON.has(type) ? (['CAP_PERFMON'] as const) : []),
  ...(NET_ADMIN.has(type) ? (['CAP_NET_ADMIN'] as const) : []),
];

const NETWORK_MAPS: ReadonlySet<string> = new Set<BpfMapType>([
  'BPF_MAP_TYPE_SOCKMAP',
  'BPF_MAP_TYPE_SOCKHASH',
  'BPF_MAP_TYPE_DEVMAP',
  'BPF_MAP_TYPE_DEVMAP_HASH',
  'BPF_MAP_TYPE_XSKMAP',
]);
/** Maps that anybody may make, where the sysctl kernel.unprivileged_bpf_disabled is 0. */
const OPEN_MAPS: ReadonlySet<string> = new Set<BpfMapType>([
  'BPF_MAP_TYPE_ARRAY',
  'BPF_MAP_TYPE_PERCPU_ARRAY',
  'BPF_MAP_TYPE_PROG_ARRAY',
  'BPF_MAP_TYPE_PERF_EVENT_ARRAY',
  'BPF_MAP_TYPE_CGROUP_ARRAY',
  'BPF_MAP_TYPE_ARRAY_OF_MAPS',
  'BPF_MAP_TYPE_HASH',
  'BPF_MAP_TYPE_PERCPU_HASH',
  'BPF_MAP_TYPE_HASH_OF_MAPS',
  'BPF_MAP_TYPE_RINGBUF',
  'BPF_MAP_TYPE_USER_RINGBUF',
]);

/** What making a map of this type takes. */
export const mapRights = (type: string): Capability[] =>
  NETWORK_MAPS.has(type) ? ['CAP_NET_ADMIN'] : OPEN_MAPS.has(type) ? [] : ['CAP_BPF'];

/** What a helper takes besides. */
export const HELPER_RIGHTS: Readonly<Partial<Record<BpfFunc, Capability>>> = { BPF_FUNC_probe_write_user: 'CAP_SYS_ADMIN' };

/** What a kernel in lockdown refuses: `integrity` is the weaker mode, and `confidentiality` refuses that too. */
export type Lockdown = 'integrity' | 'confidentiality';
export const HELPER_LOCKDOWN: Readonly<Partial<Record<BpfFunc, Lockdown>>> = {
  BPF_FUNC_probe_write_user: 'integrity',
  BPF_FUNC_probe_read: 'confidentiality',
  BPF_FUNC_probe_read_str: 'confidentiality',
  BPF_FUNC_probe_read_kernel: 'confidentiality',
  BPF_FUNC_probe_read_kernel_str: 'confidentiality',
};
