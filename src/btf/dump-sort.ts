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
const isSilent = (kind: number): boolean => kind === K.FUNC || kind === K.VAR || kind === K.DATASEC;
const MAX_CHAIN = 1000;

/**
 * Ids from 1 on, as bpftool asks for them: by rank, by the name of what is referred to, by their own, by a hash of their contents, by id.
 * It sorts void among them and then leaves out the first of all, whatever that is; so do we.
 * @param texts Names by number; its numbers are not in any order.
 * @throws {FormatError} for references in a circle.
 * @see bpftool sort_btf_c, src/btf.c
 */
export function sortedForC(flat: FlatBtf, texts: Texts): Uint32Array {
  const types = flat.at.length;
  const ranks = new Uint8Array(types);
  const sortNames = new Uint32Array(types);
  const ownNames = new Uint32Array(types);
  let least = LAST;
  for (let id = 0; id < types; id++) {
    const rank = rankOf(flat, id);
    ranks[id] = rank;
    if (rank < least && !isSilent(kindOf(flat, id))) least = rank;
  }
  let ids = new Uint32Array(types);
  if (least === LAST) {
    // What prints nothing matters only here, where it may be the first of all.
    for (let id = 0; id < types; id++) ids[id] = id;
    ranks.fill(LAST);
  } else {
    let count = 0;
    for (let id = 0; id < types; id++) if (!isSilent(kindOf(flat, id)) && !isSpent(flat, ranks, id)) ids[count++] = id;
    ids = ids.subarray(0, count);
  }
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    sortNames[id] = texts.of(sortNameOf(flat, id));
    ownNames[id] = texts.of(nameOf(flat, id));
  }
  const places = placesOf(texts, flat.strings);
  for (const names of [sortNames, ownNames]) for (let id = 0; id < types; id++) names[id] = places[names[id] as number] as number;
  const sorted = byCount(byCount(byCount(ids, ownNames, texts.count), sortNames, texts.count), ranks, LAST + 1);
  const hashes = new Hashes(flat);
  for (let start = 0, end = 0; start < sorted.length; start = end) {
    const first = sorted[start] as number;
    for (end = start + 1; end < sorted.length; end++) {
      const next = sorted[end] as number;
      if (ownNames[first] !== ownNames[next] || sortNames[first] !== sortNames[next] || ranks[first] !== ranks[next]) break;
    }
    if (end - start > 1) hashes.sort(sorted.subarray(start, end));
  }
  return sorted.subarray(1);
}

/** Stable. `keys`, by id, are less than `count`. */
function byCount(ids: Uint32Array, keys: Uint32Array | Uint8Array, count: number): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < ids.length; i++) {
    const next = (keys[ids[i] as number] as number) + 1;
    starts[next] = (starts[next] as number) + 1;
  }
  for (let i = 0; i < count; i++) starts[i + 1] = (starts[i + 1] as number) + (starts[i] as number);
  const sorted = new Uint32Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    const key = keys[id] as number;
    const at = starts[key] as number;
    sorted[at] = id;
    starts[key] = at + 1;
  }
  return sorted;
}

/** By a text's number, its place among all texts in the order of their bytes. */
function placesOf(texts: Texts, strings: Uint8Array): Uint32Array {
  const starts = new Uint32Array(texts.count);
  const ids = new Uint32Array(texts.count);
  for (let id = 0; id < ids.length; id++) {
    starts[id] = texts.offset(id);
    ids[id] = id;
  }
  sortTexts(ids, starts, strings, 0);
  const places = new Uint32Array(texts.count);
  for (let place = 0; place < ids.length; place++) places[ids[place] as number] = place;
  return places;
}

/** A key of 32 bits and a position are a number that is exact, and numbers are sorted without asking back. */
const MOST_POSITIONS = 2 ** 20;

/** The positions of 32-bit keys in the order of the keys; of equal ones, the first first. */
function positionsBy(keys: Uint32Array): Uint32Array {
  if (keys.length > MOST_POSITIONS)
    return Uint32Array.from(keys, (_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
  const numbers = new Float64Array(keys.length);
  for (let i = 0; i < keys.length; i++) numbers[i] = (keys[i] as number) * MOST_POSITIONS + i;
  numbers.sort();
  const positions = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) positions[i] = (numbers[i] as number) % MOST_POSITIONS;
  return positions;
}

/** So few are sorted faster one by one. */
const FEW = 64;

/** Sorts texts, which start at `starts` by id and are the same up to `from`, four bytes at a time. No two of them are the same. */
function sortTexts(ids: Uint32Array, starts: Uint32Array, strings: Uint8Array, from: number): void {
  const keys = new Uint32Array(ids.length);
  for (let i = 0; i < ids.length; i++) keys[i] = fourBytes(strings, (starts[ids[i] as number] as number) + from);
  const positions = positionsBy(keys);
  const before = ids.slice();
  for (let start = 0, end = 0; start < ids.length; start = end) {
    const key = keys[positions[start] as number] as number;
    for (end = start; end < ids.length && keys[positions[end] as number] === key; end++)
      ids[end] = before[positions[end] as number] as number;
    if (end - start > FEW) sortTexts(ids.subarray(start, end), starts, strings, from + 4);
    else if (end - start > 1) insertTexts(ids, start, end, starts, strings, from + 4);
  }
}

/** Sorts what stands from `first` to `end`. */
function insertTexts(ids: Uint32Array, first: number, end: number, starts: Uint32Array, strings: Uint8Array, from: number): void {
  for (let i = first + 1; i < end; i++) {
    const id = ids[i] as number;
    const start = (starts[id] as number) + from;
    let at = i;
    for (; at > first; at--) {
      const before = ids[at - 1] as number;
      if (compareText(strings, (starts[before] as number) + from, start) < 0) break;
      ids[at] = before;
    }
    ids[at] = id;
  }
}

/** The first of them counts most; those behind the end are 0. */
function fourBytes(strings: Uint8Array, start: number): number {
  let bytes = 0;
  let at = start;
  for (let i = 0; i < 4; i++) {
    const byte = strings[at] as number;
    if (byte !== 0) at++;
    bytes = bytes * 0x100 + byte;
  }
  return bytes;
}

/** As strcmp does. */
export function compareText(strings: Uint8Array, a: number, b: number): number {
  for (let i = 0; ; i++) {
    const difference = (strings[a + i] as number) - (strings[b + i] as number);
    if (difference !== 0 || strings[a + i] === 0) return difference;
  }
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

/**
 * Whether asking for this one, when the last rank's turn comes, prints nothing: it has no name and refers to something that has, of an
 * earlier rank, and that was asked for itself by then. So are half of the types of a kernel, and what they are made of need not be hashed.
 */
function isSpent(flat: FlatBtf, ranks: Uint8Array, id: TypeId): boolean {
  let at = id;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    if (nameOf(flat, at) !== 0) return at !== id && (ranks[at] as number) < LAST;
    const kind = kindOf(flat, at);
    if (kind !== K.ARRAY && !isReference(kind)) return false;
    at = target(flat, at, kind);
  }
  throw inCircle(flat, id);
}

const FACTOR = 31;

/** Parameters are not hashed. */
const isEmptyPrototype = (flat: FlatBtf, id: TypeId): boolean => kindOf(flat, id) === K.FUNC_PROTO && nameOf(flat, id) === 0;

/** 64-bit hashes of what types are made of, as two halves: signed, as the machine adds and multiplies fastest, and compared unsigned. */
class Hashes {
  readonly #flat: FlatBtf;
  /** By id, those with members after those without. */
  readonly #lows: Int32Array;
  readonly #highs: Int32Array;
  readonly #known: Uint8Array;
  /** The one that is being computed. */
  #low = 0;
  #high = 0;

  constructor(flat: FlatBtf) {
    this.#flat = flat;
    this.#lows = new Int32Array(2 * flat.at.length);
    this.#highs = new Int32Array(2 * flat.at.length);
    this.#known = new Uint8Array(2 * flat.at.length);
  }

  /** By hash, then by id, in which order they come. */
  sort(ids: Uint32Array): void {
    // A kernel has 40,000 types without any name in them, such as functions' prototypes. Their hash is 0, and they are in order.
    const rest: TypeId[] = [];
    const places: number[] = [];
    let zeros = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (isEmptyPrototype(this.#flat, id)) {
        ids[zeros++] = id;
        continue;
      }
      const place = this.#of(id, true);
      if (this.#lows[place] === 0 && this.#highs[place] === 0) ids[zeros++] = id;
      else {
        rest.push(id);
        places.push(place);
      }
    }
    const lows = this.#lows;
    const positions = positionsBy(Uint32Array.from(places, (place) => this.#highs[place] as number));
    const isBefore = (a: number, b: number): boolean => {
      const [first, second] = [places[a] as number, places[b] as number];
      return this.#highs[first] === this.#highs[second] && (lows[first] as number) >>> 0 < (lows[second] as number) >>> 0;
    };
    for (let i = 1; i < positions.length; i++) {
      const moved = positions[i] as number;
      let at = i;
      for (; at > 0 && isBefore(moved, positions[at - 1] as number); at--) positions[at] = positions[at - 1] as number;
      positions[at] = moved;
    }
    for (const position of positions) ids[zeros++] = rest[position] as number;
  }

  /** Where the hash is. @see bpftool btf_type_disambig_hash, src/btf.c */
  #of(id: TypeId, withMembers: boolean, depth = 0): number {
    const flat = this.#flat;
    const { words } = flat;
    const place = withMembers ? id + flat.at.length : id;
    if (this.#known[place] === 1) return place;
    if (depth > MAX_CHAIN) throw inCircle(flat, id);
    const kind = kindOf(flat, id);
    const start = flat.at[id] as number;
    const first = start + 3;
    const count = (words[start + 1] as number) & 0xffffff;
    const isComposite = withMembers && (kind === K.STRUCT || kind === K.UNION);
    // What it refers to first: there is one place only for the hash that is being computed.
    const to = isReference(kind) || kind === K.ARRAY ? this.#of(target(flat, id, kind), withMembers, depth + 1) : -1;
    if (isComposite) for (let i = 0; i < count; i++) this.#of(words[first + i * 3 + 1] as number, false, depth + 1);
    this.#low = 0;
    this.#high = 0;
    this.#addName(words[start] as number);
    if (kind === K.ENUM || kind === K.ENUM64) {
      const step = kind === K.ENUM ? 2 : 3;
      for (let i = 0; i < count; i++) this.#addName(words[first + i * step] as number);
    }
    if (kind === K.ARRAY) this.#add(words[start + 5] as number, 0);
    if (to >= 0) this.#add(this.#lows[to] as number, this.#highs[to] as number);
    if (isComposite) {
      for (let member = first; member < first + count * 3; member += 3) {
        this.#addName(words[member] as number);
        const type = words[member + 1] as number;
        this.#add(this.#lows[type] as number, this.#highs[type] as number);
      }
    }
    this.#lows[place] = this.#low;
    this.#highs[place] = this.#high;
    this.#known[place] = 1;
    return place;
  }

  /** Times 31, plus this. */
  #add(low: number, high: number): void {
    const lower = (this.#low & 0xffff) * FACTOR + (low & 0xffff);
    const upper = (this.#low >>> 16) * FACTOR + (low >>> 16) + (lower >>> 16);
    this.#low = (upper << 16) | (lower & 0xffff);
    this.#high = (Math.imul(this.#high, FACTOR) + high + (upper >>> 16)) | 0;
  }
  /** Of the characters as C has them on x86: signed. */
  #addName(offset: number): void {
    if (offset === 0) return;
    const { strings } = this.#flat;
    const [low, high] = [this.#low, this.#high];
    this.#low = 0;
    this.#high = 0;
    for (let i = offset; strings[i] !== 0; i++) {
      const char = ((strings[i] as number) << 24) >> 24;
      this.#add(char, char >> 31);
    }
    const [nameLow, nameHigh] = [this.#low, this.#high];
    this.#low = low;
    this.#high = high;
    this.#add(nameLow, nameHigh);
  }
}
