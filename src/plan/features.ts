// Feature probes as data: a few steps that only a kernel with the feature takes, or refuses in its own way.

import { BPF_ATTACH_TYPE, BPF_FUNC, BPF_PROG_TYPE } from '../uapi/enums.js';
import type { FdRef, Step } from './step.js';

export type FeatureName = 'bpf_cookie' | 'memcg_account' | 'perf_link';

export interface Feature {
  /** What the kernel can do if it has it. */
  readonly what: string;
  readonly since: string;
  readonly steps: readonly Step[];
  /** How the last step fails on a kernel that has the feature; undefined when it succeeds there. */
  readonly failsWith?: string;
}

/** An fd that is never open: the kernel complains about it only after it has understood the rest. */
export const BAD_FD: FdRef = { fd: 'none' };

const EXIT = '9500000000000000';
const call = (helper: number) => `85000000${helper.toString(16).padStart(2, '0')}000000`;
const R0_IS_0 = 'b700000000000000';
const bytes = (hexText: string) => Uint8Array.from(hexText.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const probe = (type: keyof typeof BPF_PROG_TYPE, hexText: string): Step => ({
  id: 'probe program',
  why: 'see whether the kernel takes a small program',
  makes: 'fd',
  call: 'bpf',
  cmd: 'BPF_PROG_LOAD',
  attr: { prog_type: BPF_PROG_TYPE[type], insn_cnt: hexText.length / 16, insns: bytes(hexText), license: 'GPL' },
});

export const FEATURES: Readonly<Record<FeatureName, Feature>> = {
  bpf_cookie: {
    what: 'tells programs the cookie of their link',
    since: '5.15',
    steps: [probe('BPF_PROG_TYPE_TRACEPOINT', call(BPF_FUNC.BPF_FUNC_get_attach_cookie) + EXIT)],
  },
  memcg_account: {
    what: 'charges BPF memory to the memory cgroup instead of RLIMIT_MEMLOCK',
    since: '5.11',
    // The helper bpf_ktime_get_coarse_ns came with the same release; there is nothing else to see the change by.
    steps: [probe('BPF_PROG_TYPE_SOCKET_FILTER', call(BPF_FUNC.BPF_FUNC_ktime_get_coarse_ns) + R0_IS_0 + EXIT)],
  },
  perf_link: {
    what: 'attaches programs to perf events by links',
    since: '5.15',
    steps: [
      probe('BPF_PROG_TYPE_TRACEPOINT', R0_IS_0 + EXIT),
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
};
