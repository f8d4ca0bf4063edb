// Mapped memory. Memory behind a live ArrayBuffer is never unmapped, because touching a stale view would kill the process: on
// close the mapping is replaced in place by empty pages, and those are released when the buffer is collected.

import { SyscallError } from '../errors.js';
import { errnoName } from '../uapi/errno.js';
import { bufferAt, syscall } from './libc.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_FIXED_NOREPLACE = 0x100000;

export interface Mapping extends Disposable {
  readonly buffer: ArrayBuffer;
  close(): void;
}

const released = new FinalizationRegistry<{ readonly address: number; readonly length: number }>(({ address, length }) => {
  syscall('munmap', address, length);
});

/**
 * Maps part of a file.
 * @param sharing MAP_SHARED for what the kernel and we both write or read live; MAP_PRIVATE for files.
 * @throws {SyscallError} when the kernel refuses.
 */
export function map(
  fd: number,
  offset: number,
  length: number,
  access: 'read' | 'read-write',
  sharing: 'shared' | 'private' = 'shared',
): Mapping {
  const protection = PROT_READ | (access === 'read-write' ? PROT_WRITE : 0);
  const address = syscall('mmap', 0, length, protection, sharing === 'shared' ? MAP_SHARED : MAP_PRIVATE, fd, offset);
  if (address < 0) throw new SyscallError('mmap', errnoName(-address), { doing: `Cannot map ${length} bytes at ${offset}` });
  return owned(address, length);
}

/** @returns The address, or a negated errno. Nothing else that is mapped there is replaced. */
export const mapShared = (fd: number, length: number, at: bigint): number =>
  syscall('mmap', at, length, PROT_READ | PROT_WRITE, MAP_SHARED | (at === 0n ? 0 : MAP_FIXED_NOREPLACE), fd, 0);

/** Memory that is mapped already, as a buffer that may outlive it. */
export function owned(address: number, length: number): Mapping {
  const buffer = bufferAt(address, length);
  released.register(buffer, { address, length });
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    syscall('mmap', address, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  };
  return { buffer, close, [Symbol.dispose]: close };
}
