// Runs a probe: its steps, all that they make closed again, and what came of it.

import { SyscallError, VerifierError } from '../errors.js';
import { drive, execute, type Kernel } from '../load/index.js';
import type { Outcome, Probe, Step } from '../plan/index.js';
import { realKernel } from './kernel.js';

/** What comes of steps; nothing is left of them. */
export function outcomeOf(steps: readonly Step[], kernel: Kernel = realKernel): Outcome {
  try {
    drive(execute(steps, kernel))[Symbol.dispose]();
    return { ok: true };
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return { ok: false, errno: error.errno, call: error.call, log: error instanceof VerifierError ? error.log : '' };
  }
}

/** Whether the kernel has what a probe asks for. */
export const ask = ({ steps, has }: Probe, kernel?: Kernel): boolean => has(outcomeOf(steps, kernel));
