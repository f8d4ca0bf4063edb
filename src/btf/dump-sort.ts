// The order in which bpftool asks for types in a C dump: by what they are and what they are called, so that two kernels' headers compare well.

import { FormatError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import type { Texts } from './dump-names.js';
import { type FlatBtf, kindOf, nameOf, thirdOf, vlenOf } from './flat.js';
import type { TypeId } from './types.js';

const K = BTF_KIND;
const LAST = 10;
/** Ranks by kind: of what has a name, and of what has none. Others are last. */
const RANKS: Readonly<Record<number, readonly [named: number, anonymous: number]>> = {
  [K.ENUM]: [1, 0],
  [K.ENUM64]: [1, 0],
  [K.INT]: [2, 2],
  [K.FLOAT]: [2, 2],
  [K.STRUCT]: [3, LAST],
  [K.UNION]: [3, LAST],
  [K.FUNC_PROTO]: [4, LAST],
};
const RANK_OF = Array.from({ length: 32 }, (_, kind) => RANKS[kind] ?? [LAST, LAST]);
const REFERENCES = [K.TYPE_TAG, K.CONST, K.PTR, K.VOLATILE, K.RESTRICT, K.TYPEDEF, K.DECL_TAG].reduce(
  (bits, kind) => bits | (1 << kind),
  0,
);
const isReference = (kind: number): boolean => ((REFERENCES >>> kind) & 1) === 1;
/** Asking for one of these prints nothing. */
const SILENT = new Set([K.FUNC, K.VAR, K.DATASEC]);
const MAX_CHAIN = 1000;

/**
 * Ids from 1 on, as bpftool asks for them: by rank, by the name of what is referred to, by their own, by a hash of their contents, by id.
 * It sorts void among them and then leaves out the first of all, whatever that is; so do we.
 * @param texts Names by number; its numbers are not in any order.
 * @throws {FormatError} for references in a circle.
 * @see bpftool sort_btf_c, src/btf.c
 */
export function sortedForC(flat: FlatBtf, texts: Texts): TypeId[] {
  const types = flat.at.length;
  const ranks = new Uint8Array(types);
  const sortNames = new Uint32Array(types);
  const ownNames = new Uint32Array(types);
  let ids: TypeId[] = [];
  let least = LAST;
  for (let id = 0; id < types; id++) {
    const rank = rankOf(flat, id);
    ranks[id] = rank;
    if (rank < least) least = rank;
    if (SILENT.has(kindOf(flat, id))) continue;
    ids.push(id);
  }
  // Silent types matter only where the first of all might be one.
  if (least === LAST) ids = Array.from({ length: types }, (_, id) => id);
  for (const id of ids) {
    sortNames[id] = texts.of(sortNameOf(flat, id));
    ownNames[id] = texts.of(nameOf(flat, id));
  }
  const place = placesOf(texts, flat.strings);
  let sorted = Uint32Array.from(ids);
  sorted = byCount(sorted, (id) => place[ownNames[id] as number] as number, texts.count);
  sorted = byCount(sorted, (id) => place[sortNames[id] as number] as number, texts.count);
  sorted = byCount(sorted, (id) => ranks[id] as number, LAST + 1);
  const isSame = (a: number, b: number): boolean =>
    ranks[a] === ranks[b] && sortNames[a] === sortNames[b] && ownNames[a] === ownNames[b];
  const hashes = new Hashes(flat);
  for (let start = 0; start < sorted.length; ) {
    let end = start + 1;
    while (end < sorted.length && isSame(sorted[start] as number, sorted[end] as number)) end++;
    if (end - start > 1) hashes.sort(sorted.subarray(start, end));
    start = end;
  }
  return Array.from(sorted.subarray(1));
}

/** Stable; `keyOf` gives less than `keys`. */
function byCount(ids: Uint32Array, keyOf: (id: TypeId) => number, keys: number): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(keys + 1);
  for (let i = 0; i < ids.length; i++) {
    const next = keyOf(ids[i] as number) + 1;
    starts[next] = (starts[next] as number) + 1;
  }
  for (let i = 0; i < keys; i++) starts[i + 1] = (starts[i + 1] as number) + (starts[i] as number);
  const sorted = new Uint32Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const key = keyOf(ids[i] as number);
    sorted[starts[key] as number] = ids[i] as number;
    starts[key] = (starts[key] as number) + 1;
  }
  return sorted;
}

/** By a text's number, its place among all texts in the order of their bytes. */
function placesOf(texts: Texts, strings: Uint8Array): Uint32Array {
  const list: { readonly text: string; readonly id: number }[] = [];
  for (let id = 0; id < texts.count; id++) {
    const start = texts.offset(id);
    list.push({ text: bytesAsText(strings, start), id });
  }
  list.sort((a, b) => (a.text < b.text ? -1 : 1));
  const places = new Uint32Array(texts.count);
  for (const [place, { id }] of list.entries()) places[id] = place;
  return places;
}

/** A character for each byte: strings compare as their bytes do. */
function bytesAsText(strings: Uint8Array, start: number): string {
  let text = '';
  for (let i = start; strings[i] !== 0; i++) text += String.fromCharCode(strings[i] as number);
  return text;
}

const target = (flat: FlatBtf, id: TypeId, kind: number): TypeId =>
  kind === K.ARRAY ? (flat.words[(flat.at[id] as number) + 3] as number) : thirdOf(flat, id);

const inCircle = (flat: FlatBtf, id: TypeId): FormatError =>
  new FormatError(`Type ${id} goes through more than ${MAX_CHAIN} references, perhaps in a circle`, { where: flat.btf.where });

/** @see bpftool btf_type_rank, src/btf.c */
function rankOf(flat: FlatBtf, id: TypeId): number {
  let isNamed = false;
  let at = id;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    const kind = kindOf(flat, at);
    isNamed ||= nameOf(flat, at) !== 0;
    if (kind !== K.ARRAY && !isReference(kind)) return (RANK_OF[kind] as readonly [number, number])[isNamed ? 0 : 1];
    if (!isNamed) return LAST;
    at = target(flat, at, kind);
  }
  throw inCircle(flat, id);
}

/** @see bpftool btf_type_sort_name, src/btf.c */
function sortNameOf(flat: FlatBtf, id: TypeId): number {
  let at = id;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    const kind = kindOf(flat, at);
    if (kind === K.ARRAY || isReference(kind)) {
      at = target(flat, at, kind);
      continue;
    }
    const own = nameOf(flat, at);
    const isAnonymousEnum = (kind === K.ENUM || kind === K.ENUM64) && own === 0 && at === id && vlenOf(flat, at) > 0;
    return isAnonymousEnum ? (flat.words[(flat.at[at] as number) + 3] as number) : own;
  }
  throw inCircle(flat, id);
}

const FACTOR = 31;
const TWO_32 = 0x100000000;

/** 64-bit hashes of what types are made of, as two halves. */
class Hashes {
  readonly #flat: FlatBtf;
  /** By id: 0 for unknown, else the hash with members or without, two words each. */
  readonly #known: readonly [Map<TypeId, readonly [number, number]>, Map<TypeId, readonly [number, number]>] = [new Map(), new Map()];
  #low = 0;
  #high = 0;

  constructor(flat: FlatBtf) {
    this.#flat = flat;
  }

  /** By hash, then by id. */
  sort(ids: Uint32Array): void {
    const rows = Array.from(ids, (id) => ({ id, hash: this.#of(id, true) }));
    rows.sort((a, b) => a.hash[1] - b.hash[1] || a.hash[0] - b.hash[0] || a.id - b.id);
    for (const [i, { id }] of rows.entries()) ids[i] = id;
  }

  /** Low half, high half. @see bpftool btf_type_disambig_hash, src/btf.c */
  #of(id: TypeId, withMembers: boolean, depth = 0): readonly [number, number] {
    const flat = this.#flat;
    const kind = kindOf(flat, id);
    const known = this.#known[withMembers ? 1 : 0].get(id);
    if (known) return known;
    if (depth > MAX_CHAIN) throw inCircle(flat, id);
    // What it refers to first: the sum so far is kept in one place only.
    const to = isReference(kind) || kind === K.ARRAY ? this.#of(target(flat, id, kind), withMembers, depth + 1) : undefined;
    const members = withMembers && (kind === K.STRUCT || kind === K.UNION) ? this.#ofMembers(id, depth) : undefined;
    this.#low = 0;
    this.#high = 0;
    this.#addName(nameOf(flat, id));
    const start = flat.at[id] as number;
    if (kind === K.ENUM || kind === K.ENUM64) {
      const step = kind === K.ENUM ? 2 : 3;
      for (let i = 0; i < vlenOf(flat, id); i++) this.#addName(flat.words[start + 3 + i * step] as number);
    }
    if (kind === K.ARRAY) this.#add(flat.words[start + 5] as number, 0);
    if (to) this.#add(to[0], to[1]);
    for (const [i, [low, high]] of members?.entries() ?? []) {
      this.#addName(flat.words[start + 3 + i * 3] as number);
      this.#add(low, high);
    }
    const hash = [this.#low, this.#high] as const;
    this.#known[withMembers ? 1 : 0].set(id, hash);
    return hash;
  }
  #ofMembers(id: TypeId, depth: number): (readonly [number, number])[] {
    const { words, at } = this.#flat;
    const first = (at[id] as number) + 3;
    return Array.from({ length: vlenOf(this.#flat, id) }, (_, i) => this.#of(words[first + i * 3 + 1] as number, false, depth + 1));
  }

  #add(low: number, high: number): void {
    const product = this.#low * FACTOR + low;
    this.#low = product % TWO_32;
    this.#high = (this.#high * FACTOR + high + Math.floor(product / TWO_32)) % TWO_32;
  }
  /** Of the characters as C has them on x86: signed. */
  #addName(offset: number): void {
    if (offset === 0) return;
    const { strings } = this.#flat;
    let low = 0;
    let high = 0;
    for (let i = offset; strings[i] !== 0; i++) {
      const byte = strings[i] as number;
      const product = low * FACTOR + (byte < 0x80 ? byte : byte + TWO_32 - 0x100);
      low = product % TWO_32;
      high = (high * FACTOR + (byte < 0x80 ? 0 : TWO_32 - 1) + Math.floor(product / TWO_32)) % TWO_32;
    }
    this.#add(low, high);
  }
}
