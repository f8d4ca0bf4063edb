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

/** Memory that buffers show, or showed before it was closed: as long as one of them lives, something is mapped there. */
interface Place {
  readonly address: number;
  readonly length: number;
  /** Buffers over it that are not collected yet, those of mappings that are long closed too. */
  buffers: number;
  /** `session`: mapped until `unmap`, whoever looks at it. `nobody`: empty pages, which another mapping may replace. */
  owner: 'buffer' | 'session' | 'nobody';
}
const places = new Map<number, Place>();
const released = new FinalizationRegistry<Place>((place) => {
  place.buffers--;
  if (place.buffers > 0) return;
  places.delete(place.address);
  if (place.owner !== 'session') syscall('munmap', place.address, place.length);
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
 * empty pages that an earlier mapping left are. Buffers of that one show the new memory.
 * @returns The address, or a negated errno.
 */
export function mapShared(fd: number, length: number, at: bigint): number {
  const place = at === 0n ? undefined : places.get(Number(at));
  const isFree = place?.owner === 'nobody' && place.length === length;
  const fixed = at === 0n ? 0 : isFree ? MAP_FIXED : MAP_FIXED_NOREPLACE;
  const address = syscall('mmap', at, length, PROT_READ | PROT_WRITE, MAP_SHARED | fixed, fd, 0);
  if (place && isFree) {
    if (address >= 0) place.owner = 'session';
    else empty(place); // older kernels unmap before they refuse
  }
  return address;
}

/** Ends a mapping of `mapShared` that has no buffer of its own. */
export function unmap(address: number, length: number): void {
  const place = places.get(address);
  if (place) empty(place);
  else syscall('munmap', address, length);
}

function empty(place: Place): void {
  syscall('mmap', place.address, place.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  place.owner = 'nobody';
}

/** Memory that is mapped already, as a buffer that may outlive it. */
export function owned(address: number, length: number): Mapping {
  const buffer = bufferAt(address, length);
  const place = places.get(address) ?? { address, length, buffers: 0, owner: 'buffer' };
  places.set(address, place);
  place.buffers++;
  released.register(buffer, place);
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    empty(place);
  };
  return { buffer, close, [Symbol.dispose]: close };
}
