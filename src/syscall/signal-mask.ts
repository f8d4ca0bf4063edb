// Calls during which signals wait: some, such as BPF_PROG_LOAD, give up as soon as one is pending for the thread that makes them.

import { constants } from 'node:os';
import { SyscallError } from '../errors.js';
import { errnoName } from '../uapi/errno.js';
import { syscall } from './libc.js';

const SIG_SETMASK = 2;
const SET_BYTES = 8;

/** Whoever ends the process does not have to wait. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const WAITING = ENDING.reduce((set, name) => set & ~(1n << BigInt(constants.signals[name] - 1)), 0xffffffffffffffffn);

/**
 * Calls `work` while signals wait for this thread, but for those that end a process. They are delivered afterwards.
 * @throws {SyscallError}
 */
export function whileSignalsWait<T>(work: () => T): T {
  const before = exchange(WAITING);
  try {
    return work();
  } finally {
    exchange(before);
  }
}

/** Sets which signals wait for this thread, a bit for each. @returns which did. */
function exchange(set: bigint): bigint {
  const bytes = new Uint8Array(new ArrayBuffer(2 * SET_BYTES));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, set, true);
  const result = syscall('rt_sigprocmask', SIG_SETMASK, bytes.subarray(0, SET_BYTES), bytes.subarray(SET_BYTES), SET_BYTES);
  if (result < 0) throw new SyscallError('rt_sigprocmask', errnoName(-result), { doing: 'Cannot hold signals back' });
  return view.getBigUint64(SET_BYTES, true);
}
