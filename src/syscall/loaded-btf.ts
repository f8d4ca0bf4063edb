// The BTFs that are in the kernel: its own, its modules', and what programs and maps brought.

import { type Btf, parseBtf } from '../btf/index.js';
import { region } from '../bytes/index.js';
import { SyscallError, UsageError } from '../errors.js';
import { kernelBtf } from './kernel-btf.js';
import {
  type BtfInfo,
  btfBytesOf,
  btfIdOfProgram,
  btfInfoOf,
  type Descriptor,
  type MapTypes,
  openById,
  openPinned,
  typesOfMap,
  type WalkedKind,
  walk,
} from './objects.js';

/** A BTF in the kernel, and who uses it. */
export interface LoadedBtf extends BtfInfo {
  readonly id: number;
  /** Programs and maps, in the order in which bpftool lists them. */
  readonly progIds: readonly number[];
  readonly mapIds: readonly number[];
}

/**
 * All of them in the order of their ids, or the one with this id.
 * @throws {SyscallError} EPERM without CAP_SYS_ADMIN, ENOENT when there is no such id.
 */
export function loadedBtfs(only?: number): LoadedBtf[] {
  const progs = new Users();
  const maps = new Users();
  for (const { id, fd } of walk('prog')) progs.add(btfIdOfProgram(fd), id);
  for (const { id, fd } of walk('map')) maps.add(typesOfMap(fd).btfId, id);
  const describe = (id: number, fd: number): LoadedBtf => ({ id, ...btfInfoOf(fd), progIds: progs.of(id), mapIds: maps.of(id) });
  if (only !== undefined) {
    using found = mustOpen('btf', only);
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

function mustOpen(kind: WalkedKind, id: number): Descriptor {
  const found = openById(kind, id);
  if (found) return found;
  throw new SyscallError(`bpf(BPF_${kind.toUpperCase()}_GET_FD_BY_ID)`, 'ENOENT', {
    doing: `There is no ${kind} ${id}`,
    remedy: kind === 'btf' ? 'tsbpf btf list shows those that there are.' : 'It may have been unloaded meanwhile.',
  });
}

/**
 * A BTF of the kernel by its id.
 * @param base For those of modules; the running kernel's if not given.
 * @throws {SyscallError} EPERM without CAP_SYS_ADMIN, ENOENT when there is no such id.
 */
export function loadedBtf(id: number, base?: Btf): Btf {
  using found = mustOpen('btf', id);
  const { name, isKernel } = btfInfoOf(found.fd);
  const isModule = isKernel && name !== 'vmlinux';
  return parseBtf(region(btfBytesOf(found.fd), { file: `btf ${id}` }), base ?? (isModule ? kernelBtf() : undefined));
}

/** A program or map: by id, or by the path where it is pinned. */
export type Selector = { readonly id: number } | { readonly pinned: string };

function select(kind: WalkedKind, by: Selector): Descriptor {
  if ('id' in by) return mustOpen(kind, by.id);
  const found = openPinned(by.pinned);
  if (found) return found;
  throw new SyscallError('bpf(BPF_OBJ_GET)', 'ENOENT', {
    doing: `Nothing is pinned at ${by.pinned}`,
    where: { file: by.pinned },
  });
}

const withoutTypes = (kind: string): UsageError => new UsageError(`This ${kind} was loaded without BTF`);

/**
 * The id of the BTF that a program was loaded with.
 * @throws {SyscallError}; {UsageError} when it has none.
 */
export function programBtfId(by: Selector): number {
  using found = select('prog', by);
  const id = btfIdOfProgram(found.fd);
  if (id === 0) throw withoutTypes('program');
  return id;
}

/**
 * The types of a map.
 * @throws {SyscallError}; {UsageError} when it has none.
 */
export function mapTypes(by: Selector): MapTypes {
  using found = select('map', by);
  const types = typesOfMap(found.fd);
  if (types.btfId === 0) throw withoutTypes('map');
  return types;
}
