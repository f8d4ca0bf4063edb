// How programs are attached where that touches nobody else: to functions that nobody calls, to this process, to maps of our own. Where
// attaching would touch others, the kernel is asked to attach to something that is not there: its refusal shows whether it knows the way.

import type { Btf, BtfKind } from '../btf/index.js';
import { BPF_ATTACH_TYPE, BPF_MAP_TYPE, type BpfAttachType, type BpfProgType } from '../uapi/enums.js';
import {
  PERF_ATTR_SIZE_VER0,
  PERF_ATTR_SIZE_VER1,
  PERF_COUNT_SW_CPU_CLOCK,
  PERF_FLAG_FD_CLOEXEC,
  PERF_TYPE,
} from '../uapi/perf-event.js';
import { BAD_FD } from './features.js';
import { PROBE_PROGRAM } from './probe-program.js';
import type { Attr, Step } from './step.js';
import { failsAs, type Outcome } from './type-probes.js';

/** What hooks are probed with. What is undefined could not be found out, or is not there. */
export interface HookTargets {
  readonly btf: Btf | undefined;
  /** The id of a tracepoint that hardly ever fires. */
  readonly tracepoint: number | undefined;
  /** Numbers of the perf event sources of kprobes and uprobes. */
  readonly kprobePmu: number | undefined;
  readonly uprobePmu: number | undefined;
  /** Where `QUIET_FUNCTION` lies in the kernel. */
  readonly address: bigint | undefined;
  /** A place in a program, and the only process that is to be watched there. */
  readonly file: { readonly path: string; readonly offset: bigint; readonly pid: number };
}

/** Functions and a tracepoint that the kernel calls only in test runs of BPF programs. */
export const QUIET_FUNCTION = 'bpf_fentry_test1';
export const QUIET_TRACEPOINT = 'bpf_test_finish';

/** Steps to be done, or why they cannot be. */
export type Prepared = { readonly steps: readonly Step[] } | { readonly missing: string };

export interface HookPart {
  /** As in SEC(). */
  readonly name: string;
  readonly type: BpfProgType;
  /** Where it came later than the hook that it is of. */
  readonly since?: string;
  readonly attachType?: BpfAttachType;
  /** What of the kernel's BTF the program is for. */
  readonly target?: { readonly kind: BtfKind; readonly name: string; readonly member?: string };
  /** What the program returns; 0 if not given. */
  readonly returns?: 1;
  readonly flags?: number;
  /** Where success is no answer: see `progTypeProbe`. */
  readonly loads?: (outcome: Outcome) => boolean;
  readonly attach?: Attach;
}

/** Steps behind the load of the program. Without `has`, they attach; with it, their last is to fail in that way. */
export interface Attach {
  readonly steps: (targets: HookTargets, part: HookPart) => Prepared;
  readonly has?: (outcome: Outcome) => boolean;
}

const PROG = { fd: PROBE_PROGRAM };
const LINK = 'probe link';
const attachType = ({ attachType: type }: HookPart): Attr => (type ? { attach_type: BPF_ATTACH_TYPE[type] } : {});

const link = (part: HookPart, attr: Attr, why: string): Step => ({
  id: LINK,
  why,
  makes: 'fd',
  call: 'bpf',
  cmd: 'BPF_LINK_CREATE',
  attr: { prog_fd: PROG, ...attachType(part), ...attr },
});

/** Programs that know their target since they were loaded, and raw tracepoints by name. */
export const open = (name?: string): Attach => ({
  steps: () => ({
    steps: [
      {
        id: LINK,
        why: 'attach it for a moment, where nothing happens',
        makes: 'fd',
        call: 'bpf',
        cmd: 'BPF_RAW_TRACEPOINT_OPEN',
        attr: { ...(name && { name }), prog_fd: PROG },
      },
    ],
  }),
});

export const iterate: Attach = { steps: (_, part) => ({ steps: [link(part, {}, 'what iterators would be made of')] }) };

const refused = (errno: string, attr: Attr, what: string): Attach => ({
  steps: (_, part) => ({ steps: [link(part, attr, `ask for it on ${what}`)] }),
  has: failsAs(errno),
});
const NO_DEVICE = 0x7fffffff;
export const onCgroup = refused('EBADF', { target_fd: BAD_FD }, 'a cgroup that is none');
export const onNetns = refused('EBADF', { target_fd: BAD_FD }, 'a network namespace that is none');
export const onDevice = refused('ENODEV', { target_fd: NO_DEVICE }, 'a network device that is none');
export const onFamily = refused('EAFNOSUPPORT', {}, 'a protocol family that is none');

/** A perf event of this process alone, or of a function that nobody calls; the program is on it for a moment. */
const onEvent = (what: string, event: (targets: HookTargets) => { attr: Attr; everywhere?: true } | undefined): Attach => ({
  steps: (targets) => {
    const found = event(targets);
    if (!found) return { missing: what };
    return {
      steps: [
        {
          id: 'probe event',
          why: 'a perf event to attach to',
          makes: 'fd',
          call: 'perf_event_open',
          attr: { size: PERF_ATTR_SIZE_VER0, flags: DISABLED, ...found.attr },
          pid: found.everywhere ? -1 : 0,
          cpu: found.everywhere ? 0 : -1,
          flags: PERF_FLAG_FD_CLOEXEC,
        },
        {
          id: LINK,
          why: 'attach it for a moment',
          call: 'ioctl',
          on: { fd: 'probe event' },
          request: 'PERF_EVENT_IOC_SET_BPF',
          arg: PROG,
        },
      ],
    };
  },
});
const DISABLED = 1;

export const onClock = onEvent('', () => ({ attr: { type: PERF_TYPE.PERF_TYPE_SOFTWARE, config: PERF_COUNT_SW_CPU_CLOCK } }));
export const onTracepoint = onEvent('the id of a tracepoint, which is in tracefs', ({ tracepoint: config }) =>
  config ? { attr: { type: PERF_TYPE.PERF_TYPE_TRACEPOINT, config } } : undefined,
);
export const onKprobe = onEvent(
  'the perf event source of kprobes (/sys/bus/event_source/devices/kprobe)',
  ({ kprobePmu: type }) => (type ? { attr: { type, kprobe_func: QUIET_FUNCTION }, everywhere: true } : undefined),
);
export const onUprobe = onEvent(
  'the perf event source of uprobes (/sys/bus/event_source/devices/uprobe)',
  ({ uprobePmu: type, file: { path, offset } }) =>
    type ? { attr: { type, size: PERF_ATTR_SIZE_VER1, uprobe_path: path, probe_offset: offset } } : undefined,
);

const u64 = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);
export const onKprobes: Attach = {
  steps: ({ address }, part) =>
    address
      ? // No flags, and one function: both are in the place of bpf_cookie.
        { steps: [link(part, { bpf_cookie: 1n << 32n, addrs: u64(address) }, 'attach it for a moment, where nothing happens')] }
      : { missing: `the address of ${QUIET_FUNCTION}, which /proc/kallsyms shows to those with CAP_SYSLOG` },
};
export const onUprobes: Attach = {
  steps: ({ file: { path, offset, pid } }, part) => ({
    steps: [link(part, { path, offsets: u64(offset), cnt: 1, pid }, 'attach it to this process for a moment')],
  }),
};
export const onSockmap: Attach = {
  steps: (_, part) => ({
    steps: [
      {
        id: 'probe map',
        why: 'what such programs are attached to',
        makes: 'fd',
        call: 'bpf',
        cmd: 'BPF_MAP_CREATE',
        attr: { map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_SOCKMAP, key_size: 4, value_size: 4, max_entries: 1 },
      },
      {
        id: LINK,
        why: 'attach it to a map of our own',
        call: 'bpf',
        cmd: 'BPF_PROG_ATTACH',
        attr: { target_fd: { fd: 'probe map' }, attach_bpf_fd: PROG, ...attachType(part) },
      },
    ],
  }),
};
