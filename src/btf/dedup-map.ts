// What all passes of deduplication share: the types' words, and the map from each type to its canonical one.

import type { Btf } from './btf.js';

export interface Canon {
  readonly btf: Btf;
  /** Types from this id on are deduplicated; those before it are the base's, canonical as they are. */
  readonly first: number;
  /** The types, the base's as well, which passes change in place. */
  readonly words: Uint32Array;
  readonly starts: Uint32Array;
  /** By id: another type's id, the same id for a canonical type, or no id (OPEN) for what is not decided yet. */
  readonly map: Uint32Array;
}

/** Ids are less than this. @see libbpf BTF_MAX_NR_TYPES */
export const MOST_TYPES = 0x7fffffff;
export const OPEN = 0xffffffff;

export const isMapped = ({ map }: Canon, id: number): boolean => (map[id] as number) < MOST_TYPES;

/** Follows the map to its end. */
export function resolve(canon: Canon, id: number): number {
  let at = id;
  while (isMapped(canon, at) && canon.map[at] !== at) at = canon.map[at] as number;
  return at;
}

export const startOf = ({ starts }: Canon, id: number): number => starts[id - 1] as number;
const infoOf = ({ words, starts }: Canon, id: number): number => words[(starts[id - 1] as number) + 1] as number;
export const kindAt = (canon: Canon, id: number): number => (id === 0 ? 0 : (infoOf(canon, id) >>> 24) & 0x7f);
export const vlenAt = (canon: Canon, id: number): number => infoOf(canon, id) & 0xffffff;
