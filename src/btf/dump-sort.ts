// The order in which bpftool asks for types in a C dump: by what they are and what they are called, so that two kernels' headers compare well.

import { BTF_KIND } from '../uapi/btf.js';
import { Hashes, inCircle, isReference, MAX_CHAIN } from './dump-hash.js';
import type { Texts } from './dump-names.js';
import { placesOf } from './dump-texts.js';
import { type FlatBtf, vlenOf } from './flat.js';
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
/** Asking for one of these prints nothing. */
const isSilent = (kind: number): boolean => kind === K.FUNC || kind === K.VAR || kind === K.DATASEC;

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
    if (rank < least && !isSilent(flat.kinds[id] as number)) least = rank;
  }
  let ids = new Uint32Array(types);
  if (least === LAST) {
    // What prints nothing matters only here, where it may be the first of all.
    for (let id = 0; id < types; id++) ids[id] = id;
    ranks.fill(LAST);
  } else {
    let count = 0;
    for (let id = 0; id < types; id++)
      if (!isSilent(flat.kinds[id] as number) && !isSpent(flat, ranks, least, id)) ids[count++] = id;
    ids = ids.subarray(0, count);
  }
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    sortNames[id] = texts.of(sortNameOf(flat, id));
    ownNames[id] = texts.of(flat.names[id] as number);
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

/** @see bpftool btf_type_rank, src/btf.c */
function rankOf(flat: FlatBtf, id: TypeId): number {
  const { kinds, names, thirds } = flat;
  let isNamed = false;
  let at = id;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    const kind = kinds[at] as number;
    isNamed ||= names[at] !== 0;
    if (!isReference(kind)) return (RANK_OF[kind] as readonly [number, number])[isNamed ? 0 : 1];
    if (!isNamed) return LAST;
    at = thirds[at] as TypeId;
  }
  throw inCircle(flat, id);
}

/** @see bpftool btf_type_sort_name, src/btf.c */
function sortNameOf(flat: FlatBtf, id: TypeId): number {
  const at = endOf(flat, id);
  const own = flat.names[at] as number;
  const kind = flat.kinds[at];
  const isAnonymousEnum = (kind === K.ENUM || kind === K.ENUM64) && own === 0 && at === id && vlenOf(flat, at) > 0;
  return isAnonymousEnum ? (flat.words[(flat.at[at] as number) + 3] as number) : own;
}

/** Where references lead. */
function endOf(flat: FlatBtf, id: TypeId): TypeId {
  let at = id;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    if (!isReference(flat.kinds[at] as number)) return at;
    at = flat.thirds[at] as TypeId;
  }
  throw inCircle(flat, id);
}

/**
 * Whether asking for this one, when the last rank's turn comes, prints nothing: it has no name, and all that it refers to has been
 * printed by then. So are three of four types of a kernel: pointers, prototypes of functions, pointers to functions.
 */
function isSpent(flat: FlatBtf, ranks: Uint8Array, least: number, id: TypeId): boolean {
  if (flat.names[id] !== 0) return false;
  const at = namedOrEnd(flat, id);
  if (flat.names[at] !== 0 || flat.kinds[at] !== K.FUNC_PROTO) return isPrinted(flat, ranks, least, at);
  if (!isPrinted(flat, ranks, least, flat.thirds[at] as TypeId)) return false;
  const first = (flat.at[at] as number) + 3;
  const end = first + 2 * vlenOf(flat, at);
  for (let param = first; param < end; param += 2)
    if (!isPrinted(flat, ranks, least, flat.words[param + 1] as TypeId)) return false;
  return true;
}

/**
 * Whether a type is void, or leads to one with a name of an earlier rank, which was asked for itself. Of the least rank is the one that
 * is left out, which is not asked for.
 */
function isPrinted(flat: FlatBtf, ranks: Uint8Array, least: number, id: TypeId): boolean {
  const at = namedOrEnd(flat, id);
  return at === 0 || (flat.names[at] !== 0 && (ranks[at] as number) < LAST && (ranks[at] as number) > least);
}

/** The first that has a name on the way that references lead, or where they end. */
function namedOrEnd(flat: FlatBtf, id: TypeId): TypeId {
  const { kinds, names, thirds } = flat;
  let at = id;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    if (names[at] !== 0 || !isReference(kinds[at] as number)) return at;
    at = thirds[at] as TypeId;
  }
  throw inCircle(flat, id);
}
