// A step: one system call as a value, with its decoded attributes and its reason. A plan is a list of them.

import type { Where } from '../errors.js';
import type { BpfCmd } from '../uapi/enums.js';
import type { PerfEventIoc } from '../uapi/perf-event.js';
import type { RLimit } from '../uapi/resource.js';

/** A descriptor that an earlier step makes, by that step's id: `map exec_start`. */
export interface FdRef {
  readonly fd: string;
}

/** Bytes with holes for descriptors: instructions that refer to maps. `at` counts bytes; each hole is a 32-bit number. */
export interface WithFds {
  readonly bytes: Uint8Array;
  readonly fds: readonly { readonly at: number; readonly ref: FdRef }[];
}

export type AttrValue = number | bigint | string | Uint8Array | FdRef | WithFds;
export type Attr = Readonly<Record<string, AttrValue>>;

export type Step = {
  /** Unique in its plan. */
  readonly id: string;
  /** One sentence for people. */
  readonly why: string;
  /** What of the object it is for, in errors. */
  readonly where?: Where;
  /** The result is a descriptor, or the address of a mapping, which the session owns from then on. */
  readonly makes?: 'fd' | 'memory';
  /** A failure is noted, and the plan goes on: what this step does is of use, but nothing stands on it. */
  readonly optional?: true;
  /** Fields that this step does without where the optional step that makes the descriptor failed. */
  readonly lessWithout?: { readonly fd: string; readonly fields: readonly string[] };
  /** The call in place of this one, on kernels that refuse it with `errno`. */
  readonly otherwise?: { readonly errno: string; readonly why: string; readonly call: StepCall };
  /** Signals wait until the call is over, but for those that end a process. Of an earlier try, one came in between. */
  readonly undisturbed?: true;
  /** A failure with this errno says that it was done before. */
  readonly doneIf?: string;
  /** What ends it, when the session is closed. Descriptors and mappings are closed without it. */
  readonly end?: StepCall;
  /** What takes it back, should a later step fail. */
  readonly undo?: StepCall;
} & StepCall;

export type StepCall =
  | { readonly call: 'bpf'; readonly cmd: BpfCmd; readonly attr: Attr }
  | { readonly call: 'perf_event_open'; readonly attr: Attr; readonly pid: number; readonly cpu: number; readonly flags: number }
  | { readonly call: 'ioctl'; readonly on: FdRef; readonly request: PerfEventIoc; readonly arg: number | FdRef }
  | { readonly call: 'prlimit64'; readonly resource: RLimit; readonly limit: bigint }
  /** A descriptor that is of no use any more. */
  | { readonly call: 'close'; readonly on: FdRef }
  /** Another descriptor of what `from`, one of this process, stands for. */
  | { readonly call: 'fcntl'; readonly request: 'F_DUPFD_CLOEXEC'; readonly from: number }
  /** The memory of a map or a perf event, shared, for reading and writing; anywhere if `address` is 0. `contents` is written to it at `contentsAt`. */
  | {
      readonly call: 'mmap';
      readonly on: FdRef;
      readonly address: bigint;
      readonly length: number;
      readonly contents?: Uint8Array;
      readonly contentsAt?: number;
    }
  /** A directory. */
  | { readonly call: 'open'; readonly path: string }
  | { readonly call: 'mkdir'; readonly path: string; readonly mode: number }
  | { readonly call: 'unlink'; readonly path: string }
  | { readonly call: 'rmdir'; readonly path: string }
  /** Mounts a file system that has no device. */
  | { readonly call: 'mount'; readonly type: string; readonly target: string };
export type BpfStep = Step & { readonly call: 'bpf' };

export const isFdRef = (value: AttrValue): value is FdRef => typeof value === 'object' && 'fd' in value;
export const isWithFds = (value: AttrValue): value is WithFds => typeof value === 'object' && 'fds' in value;

/** `bpf(BPF_MAP_CREATE)`, `ioctl(PERF_EVENT_IOC_ENABLE)`: as errors and traces name the call. */
export function callName(step: StepCall): string {
  switch (step.call) {
    case 'bpf':
      return `bpf(${step.cmd})`;
    case 'ioctl':
      return `ioctl(${step.request})`;
    case 'fcntl':
      return `fcntl(${step.request})`;
    case 'prlimit64':
      return `prlimit64(${step.resource})`;
    default:
      return step.call;
  }
}

/** Every descriptor that a step needs. */
export function* fdRefs(step: StepCall): Generator<FdRef> {
  if ('on' in step) yield step.on;
  if (step.call === 'ioctl' && typeof step.arg === 'object') yield step.arg;
  if (step.call !== 'bpf' && step.call !== 'perf_event_open') return;
  for (const value of Object.values(step.attr)) {
    if (isFdRef(value)) yield value;
    else if (isWithFds(value)) for (const { ref } of value.fds) yield ref;
  }
}
