// The BTFs that are in the kernel: its own, its modules', and what programs and maps brought.

import type { Btf } from '../btf/index.js';
import { SyscallError } from '../errors.js';
import type { ShownBtf } from '../live/index.js';
import { btfById } from './btf-by-id.js';
import { holders } from './holders.js';
import { btfIdOfProgram, btfInfoOf, type Descriptor, openById, typesOfMap, walk } from './objects.js';

/**
 * All of them in the order of their ids, or the one with this id.
 * @throws {SyscallError} EPERM without CAP_SYS_ADMIN, ENOENT when there is no such id.
 */
export function loadedBtfs(only?: number): ShownBtf[] {
  const progs = new Users();
  const maps = new Users();
  for (const { id, fd } of walk('prog')) progs.add(btfIdOfProgram(fd), id);
  for (const { id, fd } of walk('map')) maps.add(typesOfMap(fd).btfId, id);
  const pids = holders('btf');
  const describe = (id: number, fd: number): ShownBtf => ({
    id,
    ...btfInfoOf(fd),
    progIds: progs.of(id),
    mapIds: maps.of(id),
    pids: pids.get(id) ?? [],
  });
  if (only !== undefined) {
    using found = mustOpen(only);
    return [describe(only, found.fd)];
  }
  return Array.from(walk('btf'), ({ id, fd }) => describe(id, fd));
}

/** Buckets of bpftool's hash table when it has grown for the first time. */
const FIRST_BUCKETS = 4;

/**
 * Ids by BTF, in bpftool's order: each goes to the front of its bucket, and each time that the table grows the buckets are turned
 * around. @see libbpf hashmap_insert and hashmap_grow, src/hashmap.c
 */
class Users {
  readonly #byBtf = new Map<number, number[]>();
  #entries = 0;
  #buckets = 0;

  add(btfId: number, id: number): void {
    if (btfId === 0) return;
    if (Math.floor(((this.#entries + 1) * 4) / 3) > this.#buckets) this.#grow();
    this.#byBtf.set(btfId, [id, ...(this.#byBtf.get(btfId) ?? [])]);
    this.#entries++;
  }
  of(btfId: number): readonly number[] {
    return this.#byBtf.get(btfId) ?? [];
  }
  #grow(): void {
    this.#buckets = Math.max(FIRST_BUCKETS, this.#buckets * 2);
    for (const ids of this.#byBtf.values()) ids.reverse();
  }
}

function mustOpen(id: number): Descriptor {
  return openById('btf', id) ?? gone(id);
}

function gone(id: number): never {
  throw new SyscallError('bpf(BPF_BTF_GET_FD_BY_ID)', 'ENOENT', {
    doing: `There is no btf ${id}`,
    remedy: 'tsbpf btf list shows those that there are.',
  });
}

/**
 * A BTF of the kernel by its id.
 * @param base For those of modules; the running kernel's if not given.
 * @throws {SyscallError} EPERM without CAP_SYS_ADMIN, ENOENT when there is no such id.
 */
export function loadedBtf(id: number, base?: Btf): Btf {
  return btfById(id, base) ?? gone(id);
}
