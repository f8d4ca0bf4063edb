// Whether a kernel has a program type, a map type, a helper: what bpftool asks, as data. Each probe is a few steps, and how the last
// of them fails where the kernel has it.

import { type BtfTypeInput, encodeBtf } from '../btf/index.js';
import { BPF_F_MMAPABLE, BPF_F_NO_PREALLOC, BPF_F_SLEEPABLE } from '../uapi/bpf.js';
import { BTF_INT_SIGNED } from '../uapi/btf.js';
import {
  BPF_ATTACH_TYPE,
  BPF_FUNC,
  BPF_MAP_TYPE,
  BPF_PROG_TYPE,
  type BpfAttachType,
  type BpfFunc,
  type BpfMapType,
  type BpfProgType,
} from '../uapi/enums.js';
import { callHelper, EXIT, probeProgram, R0_IS_0 } from './probe-program.js';
import type { Attr, Step } from './step.js';

/** What came of a probe: nothing but its success, or how its last step failed. */
export type Outcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly errno: string; readonly call: string; readonly log: string };

export interface Probe {
  readonly steps: readonly Step[];
  /** Whether the kernel has what is asked for. */
  readonly has: (outcome: Outcome) => boolean;
}

const succeeds = (outcome: Outcome): boolean => outcome.ok;
/** It is there if the last step fails so, and says so in the verifier's log. */
export const failsAs =
  (errno: string, says = '') =>
  (outcome: Outcome): boolean =>
    !outcome.ok && outcome.errno === errno && outcome.log.includes(says);

/** `BPF_PROG_TYPE_SOCKET_FILTER` -> `socket_filter`, as libbpf and bpftool call it. */
export const shortName = (name: string): string =>
  name
    .replace(/^BPF_(PROG_TYPE|MAP_TYPE|FUNC)_|^BPF_/, '')
    .replace(/_DEPRECATED$/, '')
    .toLowerCase();

const known = <T extends string>(table: Readonly<Record<T, number>>): T[] =>
  (Object.keys(table) as T[]).filter((name) => table[name] !== 0);
export const PROG_TYPES: readonly BpfProgType[] = known(BPF_PROG_TYPE);
export const MAP_TYPES: readonly BpfMapType[] = known(BPF_MAP_TYPE);
export const HELPERS: readonly BpfFunc[] = known(BPF_FUNC);

const LOG_BYTES = 1 << 14;
const withLog = (): Attr => ({ log_level: 1, log_size: LOG_BYTES, log_buf: new Uint8Array(LOG_BYTES) });
const expecting = (type: BpfAttachType): Attr => ({ expected_attach_type: BPF_ATTACH_TYPE[type] });

interface ProgType {
  readonly attr?: Attr;
  readonly has?: (outcome: Outcome) => boolean;
  /** No program of it loads without a target, so there is none that could call a helper. */
  readonly noHelpers?: true;
}

/** Type 1 of the kernel's BTF is no function; a kernel that says so knows the program type. */
const notAFunction = failsAs('EINVAL', 'attach_btf_id 1 is not a function');

/** Program types that want more than instructions. @see libbpf probe_prog_load, src/libbpf_probes.c */
const PROG_TYPE_ROWS: Readonly<Partial<Record<BpfProgType, ProgType>>> = {
  BPF_PROG_TYPE_CGROUP_SOCK_ADDR: { attr: expecting('BPF_CGROUP_INET4_CONNECT') },
  BPF_PROG_TYPE_CGROUP_SOCKOPT: { attr: expecting('BPF_CGROUP_GETSOCKOPT') },
  BPF_PROG_TYPE_SK_LOOKUP: { attr: expecting('BPF_SK_LOOKUP') },
  BPF_PROG_TYPE_LIRC_MODE2: { attr: expecting('BPF_LIRC_MODE2') },
  BPF_PROG_TYPE_NETFILTER: { attr: expecting('BPF_NETFILTER') },
  BPF_PROG_TYPE_SYSCALL: { attr: { prog_flags: BPF_F_SLEEPABLE } },
  BPF_PROG_TYPE_TRACING: {
    attr: { ...expecting('BPF_TRACE_FENTRY'), attach_btf_id: 1 },
    has: notAFunction,
    noHelpers: true,
  },
  BPF_PROG_TYPE_LSM: { attr: { ...expecting('BPF_LSM_MAC'), attach_btf_id: 1 }, has: notAFunction, noHelpers: true },
  BPF_PROG_TYPE_EXT: {
    attr: { attach_btf_id: 1 },
    has: failsAs('EINVAL', 'Cannot replace kernel functions'),
    noHelpers: true,
  },
  BPF_PROG_TYPE_STRUCT_OPS: { has: failsAs('ENOTSUPP'), noHelpers: true },
};

export function progTypeProbe(type: BpfProgType): Probe {
  const { attr = {}, has = succeeds } = PROG_TYPE_ROWS[type] ?? {};
  return { steps: [probeProgram(type, R0_IS_0 + EXIT, { ...attr, ...withLog() })], has };
}

/** Attach types of tracing and LSM programs. One may be there and another not, which the probe of the program type cannot tell. */
export const TRACING_ATTACH_TYPES: readonly BpfAttachType[] = [
  'BPF_TRACE_RAW_TP',
  'BPF_TRACE_FENTRY',
  'BPF_TRACE_FEXIT',
  'BPF_MODIFY_RETURN',
  'BPF_TRACE_ITER',
  'BPF_TRACE_FSESSION',
  'BPF_LSM_MAC',
  'BPF_LSM_CGROUP',
];

/** How the kernel names what it wanted in place of type 1: a tracepoint's typedef, or a function. */
const notATarget = (outcome: Outcome): boolean =>
  !outcome.ok && outcome.errno === 'EINVAL' && /^attach_btf_id 1 is not a (function|typedef)/m.test(outcome.log);

export const attachTypeProbe = (type: BpfAttachType): Probe => ({
  steps: [
    probeProgram(type.startsWith('BPF_LSM') ? 'BPF_PROG_TYPE_LSM' : 'BPF_PROG_TYPE_TRACING', R0_IS_0 + EXIT, {
      ...expecting(type),
      attach_btf_id: 1,
      ...withLog(),
    }),
  ],
  has: notATarget,
});

/** How verifiers refuse a helper: one they never heard of, one of other program types (two spellings; the last since Linux 6.12). */
const REFUSED = /invalid func |unknown func |program of this type cannot use helper /;

export const mayCallHelper = (outcome: Outcome): boolean =>
  outcome.ok || (outcome.errno !== 'EPERM' && !REFUSED.test(outcome.log));

/**
 * Whether programs of a type may call a helper: refused for its arguments, which it gets none of, is yes.
 * @returns undefined for a type whose programs do not load without a target.
 * @see libbpf libbpf_probe_bpf_helper, src/libbpf_probes.c
 */
export function helperProbe(type: BpfProgType, helper: BpfFunc): Probe | undefined {
  const { attr = {}, noHelpers } = PROG_TYPE_ROWS[type] ?? {};
  if (noHelpers) return undefined;
  return {
    steps: [probeProgram(type, callHelper(BPF_FUNC[helper]) + EXIT, { ...attr, ...withLog() })],
    has: mayCallHelper,
  };
}

/** Helpers whose use, and already their probing, makes the kernel write to its log. */
export const NOISY_HELPERS: ReadonlySet<BpfFunc> = new Set([
  'BPF_FUNC_trace_printk',
  'BPF_FUNC_trace_vprintk',
  'BPF_FUNC_probe_write_user',
]);

interface MapType {
  readonly attr: Attr;
  readonly before?: readonly Step[];
  readonly has?: (outcome: Outcome) => boolean;
}

const MAP = { key_size: 4, value_size: 4, max_entries: 1 } as const;
const RING: MapType = { attr: { max_entries: 4096 } };
const CGROUP_STORAGE: MapType = { attr: { key_size: 16, value_size: 8 } };

/** `struct { int cnt; struct bpf_spin_lock l; }`: what the storage maps of kernel objects may hold. */
const storageTypes = (): Uint8Array => {
  const types: BtfTypeInput[] = [
    { kind: 'INT', name: 'int', size: 4, bits: 32, bitOffset: 0, encoding: BTF_INT_SIGNED },
    { kind: 'STRUCT', name: 'bpf_spin_lock', size: 4, members: [{ name: 'val', type: 1, bitOffset: 0, bitfieldSize: 0 }] },
    {
      kind: 'STRUCT',
      name: 'val',
      size: 8,
      members: [
        { name: 'cnt', type: 1, bitOffset: 0, bitfieldSize: 0 },
        { name: 'l', type: 2, bitOffset: 32, bitfieldSize: 0 },
      ],
    },
  ];
  return encodeBtf(types);
};
const storage = (): MapType => {
  const btf = storageTypes();
  return {
    before: [
      {
        id: 'probe btf',
        why: 'types that the map wants',
        makes: 'fd',
        call: 'bpf',
        cmd: 'BPF_BTF_LOAD',
        attr: { btf, btf_size: btf.length },
      },
    ],
    attr: {
      key_size: 4,
      value_size: 8,
      map_flags: BPF_F_NO_PREALLOC,
      btf_fd: { fd: 'probe btf' },
      btf_key_type_id: 1,
      btf_value_type_id: 3,
    },
  };
};
const ofMaps = (): MapType => ({
  before: [
    {
      id: 'probe inner map',
      why: 'what the map is to hold',
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_MAP_CREATE',
      attr: { map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH, ...MAP },
    },
  ],
  attr: { ...MAP, inner_map_fd: { fd: 'probe inner map' } },
});

/** Map types that want other sizes than four bytes each. @see libbpf probe_map_create, src/libbpf_probes.c */
const MAP_TYPE_ROWS: Readonly<Partial<Record<BpfMapType, () => MapType>>> = {
  BPF_MAP_TYPE_STACK_TRACE: () => ({ attr: { ...MAP, value_size: 8 } }),
  BPF_MAP_TYPE_LPM_TRIE: () => ({ attr: { key_size: 8, value_size: 8, max_entries: 1, map_flags: BPF_F_NO_PREALLOC } }),
  BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED: () => CGROUP_STORAGE,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED: () => CGROUP_STORAGE,
  BPF_MAP_TYPE_QUEUE: () => ({ attr: { ...MAP, key_size: 0 } }),
  BPF_MAP_TYPE_STACK: () => ({ attr: { ...MAP, key_size: 0 } }),
  BPF_MAP_TYPE_BLOOM_FILTER: () => ({ attr: { ...MAP, key_size: 0 } }),
  BPF_MAP_TYPE_SK_STORAGE: storage,
  BPF_MAP_TYPE_INODE_STORAGE: storage,
  BPF_MAP_TYPE_TASK_STORAGE: storage,
  BPF_MAP_TYPE_CGRP_STORAGE: storage,
  BPF_MAP_TYPE_RINGBUF: () => RING,
  BPF_MAP_TYPE_USER_RINGBUF: () => RING,
  BPF_MAP_TYPE_ARENA: () => ({ attr: { max_entries: 1, map_flags: BPF_F_MMAPABLE } }),
  BPF_MAP_TYPE_INSN_ARRAY: () => ({ attr: { ...MAP, value_size: 16 } }),
  BPF_MAP_TYPE_RHASH: () => ({ attr: { ...MAP, map_flags: BPF_F_NO_PREALLOC } }),
  BPF_MAP_TYPE_STRUCT_OPS: () => ({ attr: { ...MAP, btf_vmlinux_value_type_id: 1 }, has: failsAs('ENOTSUPP') }),
  BPF_MAP_TYPE_ARRAY_OF_MAPS: ofMaps,
  BPF_MAP_TYPE_HASH_OF_MAPS: ofMaps,
};

export function mapTypeProbe(type: BpfMapType): Probe {
  const { attr, before = [], has = succeeds } = MAP_TYPE_ROWS[type]?.() ?? { attr: MAP };
  const create: Step = {
    id: 'probe map',
    why: 'see whether the kernel makes a small map',
    makes: 'fd',
    call: 'bpf',
    cmd: 'BPF_MAP_CREATE',
    attr: { map_type: BPF_MAP_TYPE[type], ...attr },
  };
  return { steps: [...before, create], has };
}

const R0_MINUS_1 = '1700000001000000';
const LARGEST_OLD_PROGRAM = 4096;

/** What bpftool lists last: abilities of the verifier and instructions, by the key it gives them. */
export const MISC_PROBES: readonly { readonly key: string; readonly title: string; readonly insns: string }[] = [
  { key: 'large_insn_limit', title: 'Large program size limit', insns: 'b700000001000000'.repeat(LARGEST_OLD_PROGRAM) + EXIT },
  {
    key: 'bounded_loops',
    title: 'Bounded loop support',
    insns: `b70000000a000000${R0_MINUS_1}5500feff00000000${EXIT}`,
  },
  { key: 'v2_isa_extension', title: 'ISA extension v2', insns: `${R0_IS_0}a500010000000000b700000001000000${EXIT}` },
  { key: 'v3_isa_extension', title: 'ISA extension v3', insns: `${R0_IS_0}a600010000000000b700000001000000${EXIT}` },
  {
    key: 'v4_isa_extension',
    title: 'ISA extension v4',
    insns: `${R0_IS_0}16000100010000000600000001000000b700000001000000${EXIT}`, // without the branch, what gotol leaps over is unreachable
  },
];

export const miscProbe = (insns: string): Probe => ({
  steps: [probeProgram('BPF_PROG_TYPE_SOCKET_FILTER', insns)],
  has: succeeds,
});
