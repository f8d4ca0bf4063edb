// Reading a descriptor that bpf(2) made, to its end: an iterator.

import { readSync } from 'node:fs';
import { SyscallError } from '../errors.js';

/** What fits one call: the kernel's own buffer for an iterator has 8 pages. */
const ROOM = 8 * 4096;

/**
 * All bytes from where the descriptor stands. It stays its owner's.
 * @throws {SyscallError}
 */
export function readToEnd(fd: number): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = new Uint8Array(ROOM);
    const length = readSome(fd, part);
    if (length === 0) return joined(parts);
    parts.push(part.subarray(0, length));
  }
}

/** An iterator whose program wrote nothing for very many things in a row says EAGAIN, and goes on from there. */
function readSome(fd: number, into: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, into, 0, into.length, null);
    } catch (error) {
      const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
      if (errno !== 'EAGAIN') throw new SyscallError('read', errno, { doing: 'Cannot read an iterator' });
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
