// The one door to the kernel. Whoever gives the Kernel decides what a load is: the real thing, a dry run, a replay.

import type { FdRef, Step } from '../plan/index.js';

/** What a call came to, as the kernel's own calling convention has it: `result` below 0 is a negated errno. */
export interface Reply {
  readonly result: number;
  /** Fields that the kernel wrote to, as bytes: `log_buf`, `log_true_size`. */
  readonly out: ReadonlyMap<string, Uint8Array>;
}

/** Numbers of descriptors that earlier steps made. */
export interface FdTable {
  /** @throws {UsageError} when no step has made it. */
  get(ref: FdRef): number;
}

/** What a step mapped into this process. */
export interface Memory {
  readonly address: number;
  readonly length: number;
}

export interface Kernel {
  /** It performs nothing: its descriptors and addresses are made up. */
  readonly pretends?: true;
  run(step: Step, fds: FdTable): Reply;
  close(fd: number): void;
  unmap(memory: Memory): void;
}

export const reply = (result: number): Reply => ({ result, out: new Map() });
