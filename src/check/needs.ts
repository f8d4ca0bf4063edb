// What a kernel must be built with: options of its configuration by type of program and map, by helper and by hook. What depends on an
// option, and when it is missed, is in include/linux/bpf_types.h, kernel/trace/bpf_trace.c, kernel/events/core.c, net/core/filter.c,
// net/core/sock_map.c and kernel/bpf (6.1 and 7.3 were read).

import type { SourceLine } from '../errors.js';
import type { AttachFamily, BpfFunction } from '../object/index.js';
import type { BpfAttachType, BpfFunc, BpfMapType, BpfProgType } from '../uapi/enums.js';
import type { Finding } from './finding.js';
import { type CheckedKernel, hasKind } from './kernel.js';
import { isBuiltWith } from './kernel-config.js';
import { showsSign } from './signs.js';

/** An option, and what hangs on it. */
export interface Need {
  readonly setting: string;
  /** What is missing without it, after "The kernel has no". */
  readonly what: string;
  readonly concern: Finding['concern'];
  readonly stage: Finding['stage'];
  /** There is another way, or it is enough for most. */
  readonly soft?: true;
  /** A function that is among the types of kernels that were built with it. */
  readonly witness?: string;
  /** Where the object needs it: the line of C, if it is one line. */
  readonly source?: SourceLine | undefined;
}

const grouped = <T extends string>(
  rows: Readonly<Record<string, readonly string[]>>,
  prefix: string,
): ReadonlyMap<string, string> =>
  new Map(Object.entries(rows).flatMap(([setting, names]) => names.map((name) => [`${prefix}${name}` as T, setting] as const)));

const PROGRAMS = grouped<BpfProgType>(
  {
    CONFIG_NET: [
      'SOCKET_FILTER',
      'SCHED_CLS',
      'SCHED_ACT',
      'XDP',
      'LWT_IN',
      'LWT_OUT',
      'LWT_XMIT',
      'LWT_SEG6LOCAL',
      'SOCK_OPS',
      'SK_SKB',
      'SK_MSG',
      'FLOW_DISSECTOR',
    ],
    CONFIG_CGROUP_BPF: ['CGROUP_SKB', 'CGROUP_SOCK', 'CGROUP_SOCK_ADDR', 'CGROUP_DEVICE', 'CGROUP_SYSCTL', 'CGROUP_SOCKOPT'],
    CONFIG_BPF_EVENTS: ['KPROBE', 'TRACEPOINT', 'PERF_EVENT', 'RAW_TRACEPOINT', 'RAW_TRACEPOINT_WRITABLE', 'TRACING'],
    CONFIG_BPF_LIRC_MODE2: ['LIRC_MODE2'],
    CONFIG_INET: ['SK_REUSEPORT', 'SK_LOOKUP'],
    CONFIG_BPF_JIT: ['STRUCT_OPS', 'EXT'],
    CONFIG_BPF_LSM: ['LSM'],
    CONFIG_NETFILTER_BPF_LINK: ['NETFILTER'],
  },
  'BPF_PROG_TYPE_',
);
const PROGRAM_WITNESS: Readonly<Partial<Record<BpfProgType, string>>> = {
  BPF_PROG_TYPE_LIRC_MODE2: 'lirc_prog_attach',
  BPF_PROG_TYPE_NETFILTER: 'bpf_nf_link_attach',
};

const MAPS = grouped<BpfMapType>(
  {
    CONFIG_CGROUPS: ['CGROUP_ARRAY', 'CGRP_STORAGE'],
    CONFIG_CGROUP_BPF: ['CGROUP_STORAGE', 'PERCPU_CGROUP_STORAGE'],
    CONFIG_PERF_EVENTS: ['STACK_TRACE'],
    CONFIG_BPF_LSM: ['INODE_STORAGE'],
    CONFIG_NET: ['DEVMAP', 'DEVMAP_HASH', 'SK_STORAGE', 'CPUMAP'],
    CONFIG_XDP_SOCKETS: ['XSKMAP'],
    CONFIG_INET: ['SOCKMAP', 'SOCKHASH', 'REUSEPORT_SOCKARRAY'],
    CONFIG_BPF_JIT: ['STRUCT_OPS', 'ARENA'],
  },
  'BPF_MAP_TYPE_',
);

/** Helpers that a kernel has a number for whatever it was built with. Of a kernel with types, each is a function among them. */
const HELPERS = grouped<BpfFunc>(
  {
    CONFIG_BPF_KPROBE_OVERRIDE: ['override_return'],
    CONFIG_BPF_LIRC_MODE2: ['rc_repeat', 'rc_keydown', 'rc_pointer_rel'],
    CONFIG_IPV6_SEG6_BPF: ['lwt_seg6_store_bytes', 'lwt_seg6_action', 'lwt_seg6_adjust_srh'],
    CONFIG_XFRM: ['skb_get_xfrm_state'],
    CONFIG_CGROUPS: ['get_current_cgroup_id', 'get_current_ancestor_cgroup_id'],
    CONFIG_SOCK_CGROUP_DATA: ['skb_cgroup_id', 'skb_ancestor_cgroup_id', 'sk_cgroup_id', 'sk_ancestor_cgroup_id'],
    CONFIG_CGROUP_NET_CLASSID: ['skb_cgroup_classid'],
    CONFIG_BPF_LSM: ['inode_storage_get', 'inode_storage_delete'],
    CONFIG_SYN_COOKIES: [
      'tcp_raw_gen_syncookie_ipv4',
      'tcp_raw_gen_syncookie_ipv6',
      'tcp_raw_check_syncookie_ipv4',
      'tcp_raw_check_syncookie_ipv6',
    ],
    CONFIG_INET: [
      'sk_lookup_tcp',
      'sk_lookup_udp',
      'skc_lookup_tcp',
      'sk_release',
      'get_listener_sock',
      'skb_ecn_set_ce',
      'tcp_check_syncookie',
      'tcp_gen_syncookie',
      'sk_assign',
    ],
  },
  'BPF_FUNC_',
);
/** Where no configuration is given, types of functions tell of these alone: others may be there under another name. */
const WITNESSED: ReadonlySet<string> = new Set([
  'CONFIG_BPF_KPROBE_OVERRIDE',
  'CONFIG_BPF_LIRC_MODE2',
  'CONFIG_IPV6_SEG6_BPF',
  'CONFIG_XFRM',
]);

type Row = readonly [setting: string, what: string, soft?: 'soft'];

/** What attaching takes, by how a program is attached. */
const FAMILIES: Readonly<Partial<Record<AttachFamily, readonly Row[]>>> = {
  kprobe: [['CONFIG_KPROBE_EVENTS', 'kprobes for perf events']],
  ksyscall: [['CONFIG_KPROBE_EVENTS', 'kprobes for perf events']],
  uprobe: [['CONFIG_UPROBE_EVENTS', 'uprobes for perf events']],
  usdt: [['CONFIG_UPROBE_EVENTS', 'uprobes for perf events']],
  kprobe_multi: [['CONFIG_FPROBE', 'links to many functions (kprobe.multi)']],
  kprobe_session: [['CONFIG_FPROBE', 'links to many functions (kprobe.session)']],
  uprobe_multi: [['CONFIG_UPROBES', 'uprobes']],
};
const TRAMPOLINES: readonly Row[] = [
  ['CONFIG_BPF_JIT', 'trampolines, which fentry and its like run by'],
  ['CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS', 'trampolines at its functions'],
];
const FILTERS: readonly Row[] = [['CONFIG_NET_CLS_BPF', 'filters by BPF (tc); links of 6.6 do without', 'soft']];
const TCX: readonly Row[] = [['CONFIG_NET_XGRESS', 'links at ingress and egress (tcx)']];
const NETKIT: readonly Row[] = [['CONFIG_NETKIT', 'netkit devices']];
const LWT: readonly Row[] = [['CONFIG_LWTUNNEL_BPF', 'routes that run BPF programs']];

/** The same by attach type. */
const ATTACH_TYPES: Readonly<Partial<Record<BpfAttachType, readonly Row[]>>> = {
  BPF_TRACE_FENTRY: TRAMPOLINES,
  BPF_TRACE_FEXIT: TRAMPOLINES,
  BPF_TRACE_FSESSION: TRAMPOLINES,
  BPF_TRACE_FENTRY_MULTI: TRAMPOLINES,
  BPF_TRACE_FEXIT_MULTI: TRAMPOLINES,
  BPF_TRACE_FSESSION_MULTI: TRAMPOLINES,
  BPF_MODIFY_RETURN: TRAMPOLINES,
  BPF_LSM_MAC: TRAMPOLINES,
  BPF_LSM_CGROUP: [['CONFIG_CGROUP_BPF', 'LSM programs by cgroup'], ...TRAMPOLINES],
  BPF_CGROUP_SOCK_OPS: [['CONFIG_CGROUP_BPF', 'programs by cgroup']],
  BPF_TCX_INGRESS: TCX,
  BPF_TCX_EGRESS: TCX,
  BPF_NETKIT_PRIMARY: NETKIT,
  BPF_NETKIT_PEER: NETKIT,
  BPF_SK_SKB_STREAM_PARSER: [['CONFIG_BPF_STREAM_PARSER', 'parsers of streams (sk_skb/stream_parser)']],
};
/** The same by program type, for those that are attached in one way. */
const ATTACH_PROGRAMS: Readonly<Partial<Record<BpfProgType, readonly Row[]>>> = {
  BPF_PROG_TYPE_SCHED_ACT: [['CONFIG_NET_ACT_BPF', 'actions by BPF']],
  BPF_PROG_TYPE_LWT_IN: LWT,
  BPF_PROG_TYPE_LWT_OUT: LWT,
  BPF_PROG_TYPE_LWT_XMIT: LWT,
  BPF_PROG_TYPE_LWT_SEG6LOCAL: [['CONFIG_IPV6_SEG6_BPF', 'BPF at segments of IPv6 routes']],
};

/** struct_ops types of parts of a kernel that can be left out. */
const STRUCT_OPS: Readonly<Record<string, string>> = {
  tcp_congestion_ops: 'CONFIG_INET',
  sched_ext_ops: 'CONFIG_SCHED_CLASS_EXT',
  hid_bpf_ops: 'CONFIG_HID_BPF',
};

export const structOpsNeeds = (types: readonly string[]): Need[] =>
  types.flatMap((type): Need[] => {
    const setting = STRUCT_OPS[type.replace(/^bpf_struct_ops_/, '')];
    return setting === undefined ? [] : [{ setting, what: `struct ${type}`, concern: 'struct_ops', stage: 'load' }];
  });

const row = ([setting, what, soft]: Row): Need => ({
  setting,
  what,
  concern: 'attach',
  stage: 'attach',
  ...(soft && { soft: true }),
});
const attaching = (rows: readonly Row[] | undefined): Need[] => (rows ?? []).map(row);

/** `tc/ingress` names a link of 6.6, but such programs also run as filters, as they always did. */
const AS_FILTER = 'as a filter';
/** Sections whose attach type says no more than that there may be a link, and how their programs run where a kernel does not have it. */
const OLDER_WAYS: Readonly<Record<string, string>> = { 'tc/ingress': AS_FILTER, 'tc/egress': AS_FILTER, xdp: 'by netlink' };

/** How it runs on kernels without its attach type, where it does. */
export const olderWay = ({ def }: Pick<BpfFunction, 'def'>): string | undefined => def && OLDER_WAYS[def.sec];

/** What a program takes because of its type and of where it hooks in. */
export function programNeeds(program: Pick<BpfFunction, 'def' | 'type' | 'section' | 'targetProgram'>): Need[] {
  const { def, type, section, targetProgram } = program;
  const setting = PROGRAMS.get(type);
  const witness = PROGRAM_WITNESS[type];
  const own: Need[] =
    setting === undefined
      ? []
      : [{ setting, what: `program type ${type}`, concern: 'type', stage: 'load', ...(witness !== undefined && { witness }) }];
  if (!def || targetProgram) return own;
  const { attachType, attach, attachBtf } = def;
  const typed: Need[] = (attachBtf && type !== 'BPF_PROG_TYPE_EXT') || type === 'BPF_PROG_TYPE_STRUCT_OPS' ? [TYPES] : [];
  const isSyscall = attach === 'tracepoint' && /\/syscalls\//.test(section);
  const older = section === 'tc' || section === 'classifier' || olderWay(program) === AS_FILTER;
  return [
    ...own,
    ...typed,
    ...attaching(attach && FAMILIES[attach]),
    ...(isSyscall ? attaching([['CONFIG_FTRACE_SYSCALLS', 'tracepoints of system calls']]) : []),
    ...attaching(older ? FILTERS : attachType && ATTACH_TYPES[attachType]),
    ...attaching(ATTACH_PROGRAMS[type]),
  ];
}

/** Type ids are the kernel's own, so it must have its types itself: those of a file will not do. */
export const TYPES: Need = {
  setting: 'CONFIG_DEBUG_INFO_BTF',
  what: 'types of its own (BTF), which its numbers are of',
  concern: 'type',
  stage: 'load',
};

export const KFUNC_NEEDS: readonly Need[] = [
  TYPES,
  { setting: 'CONFIG_BPF_JIT', what: 'calls of its functions by programs', concern: 'symbols', stage: 'load' },
];

export const MODULE_TYPES: Need = {
  setting: 'CONFIG_DEBUG_INFO_BTF_MODULES',
  what: 'types of modules',
  concern: 'symbols',
  stage: 'load',
};

export function mapNeeds(type: string, map: string): Need[] {
  const setting = MAPS.get(type);
  return setting === undefined ? [] : [{ setting, what: `${type}, the type of map ${map}`, concern: 'maps', stage: 'load' }];
}

export function helperNeeds(name: string, source: SourceLine | undefined): Need[] {
  const setting = HELPERS.get(name);
  if (setting === undefined) return [];
  const witness = WITNESSED.has(setting) ? { witness: name.replace('BPF_FUNC_', 'bpf_') } : {};
  return [{ setting, what: `helper ${name}`, concern: 'helpers', stage: 'load', source, ...witness }];
}

/** Types of the functions that helpers are: old pahole left those out that cannot be traced, and then nothing follows. */
const HELPERS_HAVE_TYPES = 'bpf_send_signal';

/** Whether a kernel was built for it: by its configuration, else by its types; `open` where nothing that is given tells. */
export function isMet(kernel: CheckedKernel, { setting, witness }: Need): boolean | 'unlikely' | 'open' {
  const built = isBuiltWith(kernel.kconfig, setting);
  if (built !== undefined) return built;
  if (showsSign(kernel, setting)) return true;
  if (witness === undefined) return 'open';
  if (hasKind(kernel, witness, 'FUNC')) return true;
  return hasKind(kernel, HELPERS_HAVE_TYPES, 'FUNC') ? false : 'unlikely';
}

/** A finding for each that a kernel was built without. What nobody knows is no finding: it is told once for all. */
export const checkNeeds = (kernel: CheckedKernel, needs: readonly Need[]): Finding[] =>
  needs.flatMap((need): Finding[] => {
    const met = isMet(kernel, need);
    if (met === true || met === 'open') return [];
    const { setting, what, concern, stage, source, soft } = need;
    if (met === 'unlikely')
      return [
        { concern, verdict: 'unknown', stage, what: `whether the kernel has ${what}: it depends on ${setting}`, source, setting },
      ];
    return [
      {
        concern,
        verdict: soft ? 'unknown' : 'red',
        stage,
        what: `The kernel has no ${what}: it was built without ${setting}`,
        source,
        setting,
      },
    ];
  });
