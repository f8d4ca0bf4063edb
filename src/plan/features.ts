// Feature probes as data: a few steps that only a kernel with the feature takes, or refuses in its own way.

import { type BtfTypeInput, encodeBtf } from '../btf/index.js';
import { BTF_FUNC_GLOBAL, BTF_FUNC_STATIC, BTF_INT_SIGNED, BTF_VAR_STATIC } from '../uapi/btf.js';
import { BPF_ATTACH_TYPE, BPF_FUNC } from '../uapi/enums.js';
import { callHelper, EXIT, probeProgram, R0_IS_0 } from './probe-program.js';
import type { Attr, FdRef, Step } from './step.js';

export type FeatureName =
  | 'bpf_cookie'
  | 'btf_func'
  | 'btf_datasec'
  | 'btf_global_func'
  | 'btf_float'
  | 'btf_decl_tag'
  | 'btf_type_tag'
  | 'btf_enum64'
  | 'btf_qmark_datasec'
  | 'memcg_account'
  | 'perf_link'
  | 'uprobe_multi'
  | 'uprobe_multi_pid';

export interface Feature {
  /** What the kernel can do if it has it. */
  readonly what: string;
  readonly since: string;
  readonly steps: () => readonly Step[];
  /** How the last step fails on a kernel that has the feature; undefined when it succeeds there. */
  readonly failsWith?: string;
}

/** An fd that is never open: the kernel complains about it only after it has understood the rest. */
export const BAD_FD: FdRef = { fd: 'none' };

const INT: BtfTypeInput = { kind: 'INT', name: 'int', size: 4, bits: 32, bitOffset: 0, encoding: BTF_INT_SIGNED };
const VAR: BtfTypeInput = { kind: 'VAR', name: 'x', type: 1, linkage: BTF_VAR_STATIC };
const func = (linkage: number): BtfTypeInput[] => [
  INT,
  { kind: 'FUNC_PROTO', type: 0, params: [{ name: 'a', type: 1 }] },
  { kind: 'FUNC', name: 'x', type: 2, linkage },
];
const datasec = (name: string): BtfTypeInput[] => [
  INT,
  VAR,
  { kind: 'DATASEC', name, size: 4, vars: [{ type: 2, offset: 0, size: 4 }] },
];

/** A kernel that knows a kind of type takes a BTF with one of it. */
const btf = (what: string, since: string, types: readonly BtfTypeInput[]): Feature => ({
  what,
  since,
  steps: () => {
    const blob = encodeBtf(types);
    return [
      {
        id: 'probe btf',
        why: 'see whether the kernel knows a kind of type',
        makes: 'fd',
        call: 'bpf',
        cmd: 'BPF_BTF_LOAD',
        attr: { btf: blob, btf_size: blob.length },
      },
    ];
  },
});

export const FEATURES: Readonly<Record<FeatureName, Feature>> = {
  bpf_cookie: {
    what: 'tells programs the cookie of their link',
    since: '5.15',
    steps: () => [probeProgram('BPF_PROG_TYPE_TRACEPOINT', callHelper(BPF_FUNC.BPF_FUNC_get_attach_cookie) + EXIT)],
  },
  btf_func: btf('knows the types of functions', '5.0', func(BTF_FUNC_STATIC)),
  btf_datasec: btf('knows variables and data sections', '5.2', datasec('.data')),
  btf_global_func: btf('tells global functions from static ones', '5.6', func(BTF_FUNC_GLOBAL)),
  btf_float: btf('knows floating point types', '5.13', [{ kind: 'FLOAT', name: 'float', size: 4 }]),
  btf_decl_tag: btf('knows tags of declarations', '5.16', [
    INT,
    VAR,
    { kind: 'DECL_TAG', name: 'tag', type: 2, component: -1, attribute: false },
  ]),
  btf_type_tag: btf('knows tags of types', '5.17', [
    INT,
    { kind: 'TYPE_TAG', name: 'tag', type: 1, attribute: false },
    { kind: 'PTR', type: 2 },
  ]),
  btf_enum64: btf('knows enumerators of 64 bits', '6.0', [
    { kind: 'ENUM64', name: 'enum64', size: 8, signed: false, values: [] },
  ]),
  btf_qmark_datasec: btf('takes data sections whose name starts with "?"', '6.8', datasec('?.data')),
  memcg_account: {
    what: 'charges BPF memory to the memory cgroup instead of RLIMIT_MEMLOCK',
    since: '5.11',
    // The helper bpf_ktime_get_coarse_ns came with the same release; there is nothing else to see the change by.
    steps: () => [
      probeProgram('BPF_PROG_TYPE_SOCKET_FILTER', callHelper(BPF_FUNC.BPF_FUNC_ktime_get_coarse_ns) + R0_IS_0 + EXIT),
    ],
  },
  perf_link: {
    what: 'attaches programs to perf events by links',
    since: '5.15',
    steps: () => [
      probeProgram('BPF_PROG_TYPE_TRACEPOINT', R0_IS_0 + EXIT),
      {
        id: 'probe link',
        why: 'see whether the kernel knows links on perf events',
        makes: 'fd',
        call: 'bpf',
        cmd: 'BPF_LINK_CREATE',
        attr: { prog_fd: { fd: 'probe program' }, target_fd: BAD_FD, attach_type: BPF_ATTACH_TYPE.BPF_PERF_EVENT },
      },
    ],
    failsWith: 'EBADF',
  },
  uprobe_multi: {
    what: 'attaches a program to many user functions by one link',
    since: '6.6',
    steps: () => uprobeMulti({}),
    failsWith: 'EBADF',
  },
  uprobe_multi_pid: {
    what: 'lets such a link follow a process, where it followed a thread before',
    since: '6.10',
    steps: () => uprobeMulti({ pid: NO_PID }),
    failsWith: 'EINVAL',
  },
};

const NO_PID = 0xffffffff;

/** A link on a "file" that is none: the kernel says so only after it has understood the rest. */
const uprobeMulti = (attr: Attr): Step[] => [
  probeProgram('BPF_PROG_TYPE_KPROBE', R0_IS_0 + EXIT, { expected_attach_type: BPF_ATTACH_TYPE.BPF_TRACE_UPROBE_MULTI }),
  {
    id: 'probe link',
    why: 'see whether the kernel knows links on many user functions',
    makes: 'fd',
    call: 'bpf',
    cmd: 'BPF_LINK_CREATE',
    attr: {
      prog_fd: { fd: 'probe program' },
      target_fd: BAD_FD,
      attach_type: BPF_ATTACH_TYPE.BPF_TRACE_UPROBE_MULTI,
      path: '/',
      offsets: new Uint8Array(8),
      cnt: 1,
      ...attr,
    },
  },
];
