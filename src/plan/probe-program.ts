// Small programs that are loaded to see whether the kernel takes them, and nothing else. They never run.

import { BPF_PROG_TYPE, type BpfProgType } from '../uapi/enums.js';
import type { Attr, BpfStep } from './step.js';

/** Instructions as hex: `r0 = 0`, `r0 = 1`, `exit`, and the call of a helper by its number. */
export const R0_IS_0 = 'b700000000000000';
export const R0_IS_1 = 'b700000001000000';
export const EXIT = '9500000000000000';
export const callHelper = (helper: number): string => `85000000${helper.toString(16).padStart(2, '0')}000000`;

const bytes = (hexText: string) => Uint8Array.from(hexText.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

export const PROBE_PROGRAM = 'probe program';

/** The step that loads `insns` (hex) as a program of some type. */
export const probeProgram = (type: BpfProgType, insns: string, attr: Attr = {}): BpfStep => ({
  id: PROBE_PROGRAM,
  why: 'see whether the kernel takes a small program',
  makes: 'fd',
  call: 'bpf',
  cmd: 'BPF_PROG_LOAD',
  attr: { prog_type: BPF_PROG_TYPE[type], insn_cnt: insns.length / 16, insns: bytes(insns), license: 'GPL', ...attr },
});
