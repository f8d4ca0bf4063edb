// Finding types by name without turning a kernel's 126,000 names into strings.

import { LONGEST_NAME, utf8Bytes } from '../bytes/index.js';
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

/** So many questions are answered by going through all names, which costs a tenth of what building the table does. */
const SCANS = 4;

/** A hash table over essential names. Types of one name are chained in the order of their ids. */
interface Table {
  /** Bucket -> own type index + 1. */
  readonly first: Int32Array;
  /** Own type index -> the next of the same bucket. */
  readonly next: Int32Array;
  readonly mask: number;
}

/**
 * Finds types by essential name. A process that asks for a handful of names never pays for the table; for one that asks for
 * many, it takes one pass of some milliseconds over a kernel, and then each question costs the same whatever the kernel's size.
 */
export class NameIndex {
  readonly #btf: Btf;
  /** What was asked before: a plan asks whether a name is there, then CO-RE asks for it. */
  readonly #known = new Map<string, readonly TypeId[]>();
  #scans = 0;
  #table: Table | undefined;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** Own types whose name up to a flavor is that of `name`, whatever their kind, in ascending order. */
  essential(name: string): readonly TypeId[] {
    const wanted = essentialName(name);
    const known = this.#known.get(wanted);
    if (known) return known;
    const bytes = utf8Bytes(wanted);
    const candidates = this.#table || this.#scans++ >= SCANS ? this.#lookUp(bytes) : scan(this.#btf, bytes);
    const found = candidates
      .map((index) => this.#btf.firstId + index)
      .filter((id) => essentialName(this.#btf.name(id)) === wanted);
    this.#known.set(wanted, found);
    return found;
  }

  #lookUp(wanted: Uint8Array): number[] {
    this.#table ??= buildTable(this.#btf);
    const { first, next, mask } = this.#table;
    let hash = 0;
    for (const byte of wanted) hash = hashStep(hash, byte);
    const found: number[] = [];
    for (let i = first[hash & mask] as number; i !== 0; i = next[i - 1] as number) found.push(i - 1);
    return found;
  }
}

/** Indexes of own types whose names begin with these bytes. A plain loop, because it runs before it is compiled. */
function scan(btf: Btf, wanted: Uint8Array): number[] {
  const { words, starts } = btf;
  const { bytes } = btf.strings;
  const firstOwn = btf.base?.stringsEnd ?? 0;
  const first = wanted[0];
  const found: number[] = [];
  for (let i = 0; i < starts.length; i++) {
    const offset = words[starts[i] as number] as number;
    if (offset >= firstOwn ? bytes[offset - firstOwn] === first : offset !== 0) {
      if (startsWith(placeOf(btf, offset), wanted)) found.push(i);
    }
  }
  return found;
}

const startsWith = ({ bytes, at }: Place, wanted: Uint8Array): boolean => wanted.every((byte, n) => bytes[at + n] === byte);

function buildTable(btf: Btf): Table {
  const types = btf.length - btf.firstId;
  let size = 1024;
  while (size < types) size *= 2;
  const mask = size - 1;
  const first = new Int32Array(size);
  const next = new Int32Array(types);
  forEachName(btf, (i, bytes, at) => {
    const bucket = hashName(bytes, at) & mask;
    next[i] = first[bucket] as number;
    first[bucket] = i + 1;
  });
  return { first, next, mask };
}

/**
 * Hash of the essential name at `start`, in one pass: wherever a flavor may begin, the hash so far is kept.
 * What is no name, because it starts past the table or is too long, has a hash too; asking for it by id says what is wrong.
 */
function hashName(bytes: Uint8Array, start: number): number {
  let hash = 0;
  let run = 0; // underscores just before `i`
  let beforeRun = 0; // the hash in front of them
  let essential = 0;
  let flavored = false;
  const limit = start + LONGEST_NAME;
  for (let i = start; ; i++) {
    const byte = i < limit ? (bytes[i] ?? 0) : 0;
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

/**
 * Visits own types that have a name, with the place of its bytes. Backwards: who chains what it is given ends with the smallest
 * index in front.
 */
function forEachName(btf: Btf, visit: (index: number, bytes: Uint8Array, at: number) => void): void {
  const { words, starts } = btf;
  for (let i = starts.length - 1; i >= 0; i--) {
    const offset = words[starts[i] as number] as number;
    if (offset === 0) continue;
    const { bytes, at } = placeOf(btf, offset);
    visit(i, bytes, at);
  }
}

interface Place {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Where the string at `offset` stands: names of split BTF may be in a base. */
function placeOf(btf: Btf, offset: number): Place {
  let owner = btf;
  while (owner.base && offset < owner.base.stringsEnd) owner = owner.base;
  return { bytes: owner.strings.bytes, at: offset - (owner.base?.stringsEnd ?? 0) };
}

const indexes = new WeakMap<Btf, NameIndex>();

/** The index of a BTF. */
export function nameIndex(btf: Btf): NameIndex {
  const known = indexes.get(btf);
  if (known) return known;
  const index = new NameIndex(btf);
  indexes.set(btf, index);
  return index;
}

/** The first type of exactly this name and one of these kinds, the base's before a split BTF's own; undefined if none. */
export function findType(btf: Btf, name: string, ...kinds: readonly BtfKind[]): TypeId | undefined {
  return (btf.base && findType(btf.base, name, ...kinds)) ?? findOwnType(btf, name, ...kinds);
}

/** As `findType`, among the types that are the blob's own. */
export function findOwnType(btf: Btf, name: string, ...kinds: readonly BtfKind[]): TypeId | undefined {
  return nameIndex(btf)
    .essential(name)
    .find((id) => btf.name(id) === name && (kinds.length === 0 || kinds.includes(btf.kind(id))));
}

/** Own types of one kind, in ascending order. */
export function* typesOf(btf: Btf, kind: BtfKind): Generator<TypeId> {
  for (let id = btf.firstId; id < btf.length; id++) if (btf.kindNumber(id) === BTF_KIND[kind]) yield id;
}
