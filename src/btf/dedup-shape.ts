// What of a type can be compared without following its references, and the hash of just that.

import { BTF_KIND, BTF_KIND_WORDS } from '../uapi/btf.js';
import { type Canon, kindAt, startOf, vlenAt } from './dedup-map.js';

const HEAD = 3;
const { STRUCT, UNION, ENUM, ENUM64, TYPEDEF, ARRAY, FUNC_PROTO, INT, FWD, FLOAT } = BTF_KIND;
const isComposite = (kind: number): boolean => kind === STRUCT || kind === UNION;
export const isAnyEnum = (kind: number): boolean => kind === ENUM || kind === ENUM64;

const mix = (hash: number, value: number): number => {
  const h = Math.imul(hash ^ value, 0x9e3779b1);
  return h ^ (h >>> 15);
};

/** How many words a type takes. */
function sizeInWords(canon: Canon, id: number): number {
  const { fixed, element } = BTF_KIND_WORDS[kindAt(canon, id)] as (typeof BTF_KIND_WORDS)[number];
  return HEAD + fixed + element * vlenAt(canon, id);
}

/**
 * Enums by their name alone, since a declaration knows no more of them; structs and typedefs without the types that they refer to;
 * anything else as it stands.
 */
export function hashOf(canon: Canon, id: number): number {
  const { words } = canon;
  const at = startOf(canon, id);
  const kind = kindAt(canon, id);
  let hash = mix(0, words[at] as number);
  if (isAnyEnum(kind)) return hash;
  hash = mix(hash, words[at + 1] as number);
  if (kind === TYPEDEF) return hash;
  const end = at + sizeInWords(canon, id);
  if (!isComposite(kind)) {
    for (let i = at + 2; i < end; i++) hash = mix(hash, words[i] as number);
    return hash;
  }
  hash = mix(hash, words[at + 2] as number);
  for (let i = at + HEAD; i < end; i += 3) hash = mix(mix(hash, words[i] as number), words[i + 2] as number);
  return hash;
}

/** All words, ids of other types too. */
export function sameWords(canon: Canon, a: number, b: number): boolean {
  const { words } = canon;
  const atA = startOf(canon, a);
  const atB = startOf(canon, b);
  if (words[atA + 1] !== words[atB + 1]) return false; // kind and number of elements, so the size
  const size = sizeInWords(canon, a);
  for (let i = 0; i < size; i++) if (words[atA + i] !== words[atB + i]) return false;
  return true;
}

export const sameEnum = sameWords;

/** The same enum, or a declaration of it, which may be of another kind and size. @see libbpf btf_compat_enum */
export function sameOrDeclaredEnum(canon: Canon, a: number, b: number): boolean {
  if (!isAnyEnum(kindAt(canon, a)) || !isAnyEnum(kindAt(canon, b))) return false;
  if (vlenAt(canon, a) > 0 && vlenAt(canon, b) > 0) return sameEnum(canon, a, b);
  return canon.words[startOf(canon, a)] === canon.words[startOf(canon, b)];
}

/** For each kind, which words do not refer to other types: of the head, after it, and of each element. */
const OWN = new Map<
  number,
  { readonly head: readonly number[]; readonly fixed: readonly number[]; readonly element: readonly number[] }
>([
  [STRUCT, { head: [0, 1, 2], fixed: [], element: [0, 2] }],
  [UNION, { head: [0, 1, 2], fixed: [], element: [0, 2] }],
  [ARRAY, { head: [0, 1, 2], fixed: [2], element: [] }],
  [FUNC_PROTO, { head: [0, 1], fixed: [], element: [0] }],
  [INT, { head: [0, 1, 2], fixed: [0], element: [] }],
  [FWD, { head: [0, 1, 2], fixed: [], element: [] }],
  [FLOAT, { head: [0, 1, 2], fixed: [], element: [] }],
]);
const REFERENCE = { head: [0, 1], fixed: [], element: [] };
/** Nothing that a graph leads to. */
const NEVER_SAME = new Set<number>([BTF_KIND.VAR, BTF_KIND.DATASEC, BTF_KIND.DECL_TAG]);

/** Everything but the types that they refer to. */
export function sameShape(canon: Canon, a: number, b: number): boolean {
  const kind = kindAt(canon, a);
  if (kind !== kindAt(canon, b) || NEVER_SAME.has(kind)) return false;
  if (isAnyEnum(kind)) return sameOrDeclaredEnum(canon, a, b);
  const { words } = canon;
  const atA = startOf(canon, a);
  const atB = startOf(canon, b);
  const { head, fixed, element } = OWN.get(kind) ?? REFERENCE;
  for (const i of head) if (words[atA + i] !== words[atB + i]) return false;
  for (const i of fixed) if (words[atA + HEAD + i] !== words[atB + HEAD + i]) return false;
  if (element.length === 0) return true;
  const size = (BTF_KIND_WORDS[kind] as (typeof BTF_KIND_WORDS)[number]).element;
  const length = size * vlenAt(canon, a);
  for (let at = HEAD; at < HEAD + length; at += size)
    for (const i of element) if (words[atA + at + i] !== words[atB + at + i]) return false;
  return true;
}
