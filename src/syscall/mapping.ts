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

/** Pages that stand where a mapping was, for as long as somebody holds a view of it. `taken`: something else is there by now. */
interface Remains {
  readonly address: number;
  readonly length: number;
  taken: boolean;
}
const remains = new Map<number, Remains>();
const released = new FinalizationRegistry<Remains>((rest) => {
  if (rest.taken) return;
  remains.delete(rest.address);
  syscall('munmap', rest.address, rest.length);
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

/**
 * Maps all of a map's memory, at an address of its own choice or anywhere (0). Nothing that is in use there is replaced; the
 * remains of an earlier mapping are.
 * @returns The address, or a negated errno.
 */
export function mapShared(fd: number, length: number, at: bigint): number {
  const rest = at === 0n ? undefined : remains.get(Number(at));
  const isFree = rest?.length === length;
  const fixed = at === 0n ? 0 : isFree ? MAP_FIXED : MAP_FIXED_NOREPLACE;
  const address = syscall('mmap', at, length, PROT_READ | PROT_WRITE, MAP_SHARED | fixed, fd, 0);
  if (address >= 0 && rest && isFree) {
    rest.taken = true;
    remains.delete(address);
  }
  return address;
}

export const unmap = (address: number, length: number): void => {
  syscall('munmap', address, length);
};

/** Memory that is mapped already, as a buffer that may outlive it. */
export function owned(address: number, length: number): Mapping {
  const buffer = bufferAt(address, length);
  const rest: Remains = { address, length, taken: false };
  released.register(buffer, rest);
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    syscall('mmap', address, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    remains.set(address, rest);
  };
  return { buffer, close, [Symbol.dispose]: close };
}
