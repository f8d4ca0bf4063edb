// Doing something without some of this thread's capabilities.

import { SyscallError } from '../errors.js';
import { _LINUX_CAPABILITY_VERSION_3 } from '../uapi/capability.js';
import { errnoName } from '../uapi/errno.js';
import { syscall } from './libc.js';

const HEADER = Uint8Array.from(new Uint8Array(Uint32Array.of(_LINUX_CAPABILITY_VERSION_3, 0).buffer));
const LOW = 0xffffffffn;

/** Effective, permitted, inheritable of the lower 32 capabilities, then those of the upper. */
function read(): Uint32Array {
  const sets = new Uint32Array(new ArrayBuffer(24));
  check('capget', syscall('capget', HEADER, new Uint8Array(sets.buffer)));
  return sets;
}
const write = (sets: Uint32Array): void => check('capset', syscall('capset', HEADER, new Uint8Array(sets.buffer)));

function check(call: string, result: number): void {
  if (result < 0) throw new SyscallError(call, errnoName(-result), { doing: 'Cannot change capabilities' });
}

export function effectiveCapabilities(): bigint {
  const [low = 0, , , high = 0] = read();
  return BigInt(low) | (BigInt(high) << 32n);
}

/**
 * Calls `work` while `set` is missing from the effective capabilities of this thread; they are there again afterwards.
 * @throws {SyscallError}
 */
export function withoutCapabilities<T>(set: bigint, work: () => T): T {
  const before = read();
  const less = before.slice();
  less[0] = Number(BigInt(less[0] ?? 0) & ~set & LOW);
  less[3] = Number(BigInt(less[3] ?? 0) & ~(set >> 32n) & LOW);
  write(less);
  try {
    return work();
  } finally {
    write(before);
  }
}
