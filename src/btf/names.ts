// Finding types by name without turning a kernel's 126,000 names into strings.

import { utf8Bytes } from '../bytes/index.js';
import { BTF_KIND, type BtfKind } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import type { TypeId } from './types.js';

/**
 * The name as CO-RE compares it: without a flavor. For `a___b` that is `a`; of several `___` the last counts.
 * @see libbpf bpf_core_essential_name_len, src/relo_core.c
 */
export function essentialName(name: string): string {
  for (let i = name.length - 5; i >= 0; i--) {
    if (name[i] !== '_' && name.startsWith('___', i + 1) && name[i + 4] !== '_') return name.slice(0, i + 1);
  }
  return name;
}

const UNDERSCORE = 95;

const hashStep = (hash: number, byte: number): number => (Math.imul(hash, 31) + byte) | 0;

/**
 * A hash table over essential names: one pass of a few milliseconds over a kernel, then each question costs the same
 * whatever the kernel's size. Types of one name are found in the order of their ids.
 */
export class NameIndex {
  readonly #btf: Btf;
  readonly #first: Int32Array; // bucket -> own type index + 1
  readonly #next: Int32Array; // own type index -> the next of the same bucket
  readonly #mask: number;

  constructor(btf: Btf) {
    this.#btf = btf;
    const { words, starts, strings } = btf;
    const { bytes } = strings;
    const firstString = btf.base?.stringsEnd ?? 0;
    let size = 1024;
    while (size < starts.length) size *= 2;
    this.#mask = size - 1;
    this.#first = new Int32Array(size);
    this.#next = new Int32Array(starts.length);
    // Backwards, so that each chain starts with the smallest id.
    for (let i = starts.length - 1; i >= 0; i--) {
      const offset = words[starts[i] as number] as number;
      if (offset === 0) continue;
      const bucket =
        (offset >= firstString
          ? hashName(bytes, offset - firstString)
          : hashName(btf.base?.strings.bytes as Uint8Array, offset)) & this.#mask;
      this.#next[i] = this.#first[bucket] as number;
      this.#first[bucket] = i + 1;
    }
  }

  /** Own types whose name up to a flavor is that of `name`, whatever their kind, in ascending order. */
  essential(name: string): TypeId[] {
    const wanted = utf8Bytes(essentialName(name));
    let hash = 0;
    for (const byte of wanted) hash = hashStep(hash, byte);
    const found: TypeId[] = [];
    for (let i = this.#first[hash & this.#mask] as number; i !== 0; i = this.#next[i - 1] as number) {
      const id = this.#btf.firstId + i - 1;
      if (essentialName(this.#btf.name(id)) === essentialName(name)) found.push(id);
    }
    return found;
  }
}

/** Hash of the essential name at `start`, in one pass: wherever a flavor may begin, the hash so far is kept. */
function hashName(bytes: Uint8Array, start: number): number {
  let hash = 0;
  let run = 0; // underscores just before `i`
  let beforeRun = 0; // the hash in front of them
  let essential = 0;
  let flavored = false;
  for (let i = start; ; i++) {
    const byte = bytes[i] as number;
    if (byte === UNDERSCORE) {
      if (run++ === 0) beforeRun = hash;
    } else if (run !== 0) {
      if (byte !== 0 && run === 3 && i - start > 3) {
        essential = beforeRun;
        flavored = true;
      }
      run = 0;
    }
    if (byte === 0) return flavored ? essential : hash;
    hash = hashStep(hash, byte);
  }
}

const indexes = new WeakMap<Btf, NameIndex>();

/** The index of a BTF, built when first asked for. */
export function nameIndex(btf: Btf): NameIndex {
  const known = indexes.get(btf);
  if (known) return known;
  const index = new NameIndex(btf);
  indexes.set(btf, index);
  return index;
}

/** The first type of exactly this name and one of these kinds, the base's before a split BTF's own; undefined if none. */
export function findType(btf: Btf, name: string, ...kinds: readonly BtfKind[]): TypeId | undefined {
  const inBase = btf.base && findType(btf.base, name, ...kinds);
  if (inBase !== undefined) return inBase;
  return nameIndex(btf)
    .essential(name)
    .find((id) => btf.name(id) === name && (kinds.length === 0 || kinds.includes(btf.kind(id))));
}

/** Own types of one kind, in ascending order. */
export function* typesOf(btf: Btf, kind: BtfKind): Generator<TypeId> {
  for (let id = btf.firstId; id < btf.length; id++) if (btf.kindNumber(id) === BTF_KIND[kind]) yield id;
}
