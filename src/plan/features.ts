// Feature probes as data: a few steps that only a kernel with the feature takes, or refuses in its own way.

import { type BtfTypeInput, encodeBtf } from '../btf/index.js';
import { fromHex } from '../bytes/index.js';
import { BPF_F_MMAPABLE, BPF_F_SLEEPABLE } from '../uapi/bpf.js';
import { BTF_FUNC_GLOBAL, BTF_FUNC_STATIC, BTF_INT_SIGNED, BTF_VAR_STATIC } from '../uapi/btf.js';
import { BPF_ATTACH_TYPE, BPF_FUNC, BPF_MAP_TYPE } from '../uapi/enums.js';
import { callHelper, EXIT, probeProgram, R0_IS_0 } from './probe-program.js';
import type { Attr, FdRef, Step } from './step.js';

export type FeatureName =
  | 'arg_ctx_tag'
  | 'bpf_cookie'
  | 'btf_func'
  | 'btf_datasec'
  | 'btf_global_func'
  | 'btf_float'
  | 'btf_decl_tag'
  | 'btf_type_tag'
  | 'btf_enum64'
  | 'btf_qmark_datasec'
  | 'ldimm64_full_range'
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
  /** A feature that this one refines: without that there is not this one either, however the last step fails. */
  readonly refines?: FeatureName;
}

/** An fd that is never open: the kernel complains about it only after it has understood the rest. */
export const BAD_FD: FdRef = { fd: 'none' };

/** r1 = the place at 2^30 in a map: larger than offsets could be. */
const FAR_INTO_MAP = '18210000000000000000000000000040';
/** Where an arena may be, in the eyes of user space; nothing is mapped there. */
const SOME_ADDRESS = 1n << 44n;

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

/** A function that calls a global one, whose `void *` parameter the tag makes a context; the helper takes nothing else. */
const ARG_CTX: readonly BtfTypeInput[] = [
  INT,
  { kind: 'PTR', type: 0 },
  { kind: 'FUNC_PROTO', type: 1, params: [{ name: 'a', type: 2 }] },
  { kind: 'FUNC', name: 'a', type: 3, linkage: BTF_FUNC_GLOBAL },
  { kind: 'FUNC_PROTO', type: 1, params: [{ name: 'b', type: 2 }] },
  { kind: 'FUNC', name: 'b', type: 5, linkage: BTF_FUNC_GLOBAL },
  { kind: 'DECL_TAG', name: 'arg:ctx', type: 6, component: 0, attribute: false },
];
const CALL_NEXT_BUT_ONE = '8510000001000000';

export const FEATURES: Readonly<Record<FeatureName, Feature>> = {
  arg_ctx_tag: {
    what: 'knows by a tag that a parameter is the context',
    since: '6.8',
    steps: () => [
      ...btf('', '', ARG_CTX).steps(),
      probeProgram('BPF_PROG_TYPE_KPROBE', CALL_NEXT_BUT_ONE + EXIT + callHelper(BPF_FUNC.BPF_FUNC_get_func_ip) + EXIT, {
        prog_btf_fd: { fd: 'probe btf' },
        func_info_rec_size: 8,
        func_info: new Uint8Array(Uint32Array.of(0, 4, 2, 6).buffer),
        func_info_cnt: 2,
      }),
    ],
  },
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
  ldimm64_full_range: {
    what: 'takes the address of any place in an arena, wherever it is in it',
    since: '7.0',
    steps: () => [
      {
        id: 'probe map',
        why: 'an arena of one page',
        makes: 'fd',
        call: 'bpf',
        cmd: 'BPF_MAP_CREATE',
        attr: {
          map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARENA,
          max_entries: 1,
          map_flags: BPF_F_MMAPABLE,
          map_extra: SOME_ADDRESS,
        },
      },
      probeProgram('BPF_PROG_TYPE_SYSCALL', FAR_INTO_MAP + R0_IS_0 + EXIT, {
        insns: { bytes: fromHex(FAR_INTO_MAP + R0_IS_0 + EXIT), fds: [{ at: 4, ref: { fd: 'probe map' } }] },
        prog_flags: BPF_F_SLEEPABLE,
      }),
    ],
    // Older kernels find the place too far for any map (EINVAL); newer ones look how large this one is.
    failsWith: 'ERANGE',
  },
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
    refines: 'uprobe_multi',
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
