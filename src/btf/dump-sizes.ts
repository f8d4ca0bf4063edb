// Sizes and alignments as a C dump needs them: for every member of every struct, where a broken type counts as 0 instead of ending all.

import { FormatError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import type { FlatBtf } from './flat.js';
import type { TypeId } from './types.js';

const {
  INT,
  PTR,
  ARRAY,
  STRUCT,
  UNION,
  ENUM,
  TYPEDEF,
  VOLATILE,
  CONST,
  RESTRICT,
  VAR,
  DATASEC,
  FLOAT,
  DECL_TAG,
  TYPE_TAG,
  ENUM64,
} = BTF_KIND;

const set = (...kinds: readonly number[]): number => kinds.reduce((bits, kind) => bits | (1 << kind), 0);
const has = (kinds: number, kind: number): boolean => ((kinds >>> kind) & 1) === 1;
const OWN_SIZE = set(INT, STRUCT, UNION, ENUM, ENUM64, DATASEC, FLOAT);
const FOLLOWED = set(TYPEDEF, VOLATILE, CONST, RESTRICT, VAR, DECL_TAG, TYPE_TAG);
const SIZED_LIKE_INT = set(INT, ENUM, ENUM64, FLOAT);
/** libbpf follows at most so many references for a size. */
const MAX_DEPTH = 32;
/** For an alignment it follows all there are; a circle of structs would never end. */
const MAX_NESTING = 1000;
const LARGEST = 0xffffffff;
const UNKNOWN = 255;

/** `2^n` as one byte, because there is one for each type. */
export class CSizes {
  readonly #flat: FlatBtf;
  readonly #aligns: Uint8Array;

  constructor(flat: FlatBtf) {
    this.#flat = flat;
    this.#aligns = new Uint8Array(flat.at.length).fill(UNKNOWN);
  }

  /** Bytes; 0 for what has no size, or one past 4 GiB. @see libbpf btf__resolve_size, src/btf.c */
  size(id: TypeId): number {
    const { words, at, pointerSize } = this.#flat;
    let type = id;
    let count = 1;
    for (let depth = 0; depth < MAX_DEPTH && type !== 0; depth++) {
      const start = at[type] as number;
      const kind = ((words[start + 1] as number) >>> 24) & 0x7f;
      if (kind === ARRAY) {
        count *= words[start + 5] as number;
        if (count > LARGEST) return 0;
        type = words[start + 3] as number;
      } else if (has(FOLLOWED, kind)) type = words[start + 2] as number;
      else {
        const size = kind === PTR ? pointerSize : has(OWN_SIZE, kind) ? (words[start + 2] as number) : 0;
        return count * size > LARGEST ? 0 : count * size;
      }
    }
    return 0;
  }

  /** Bytes; 0 for what has none, 1 for a packed struct. @see libbpf btf__align_of, src/btf.c */
  align(id: TypeId, depth = 0): number {
    const known = this.#aligns[id] as number;
    if (known !== UNKNOWN) return known;
    if (depth > MAX_NESTING)
      throw new FormatError(`Type ${id} stands in more than ${MAX_NESTING} others, perhaps in itself`, {
        where: this.#flat.btf.where,
      });
    const align = this.#compute(id, depth);
    this.#aligns[id] = align;
    return align;
  }

  #compute(id: TypeId, depth: number): number {
    const flat = this.#flat;
    const kind = flat.kinds[id] as number;
    const third = flat.thirds[id] as number;
    if (has(SIZED_LIKE_INT, kind)) return Math.min(flat.pointerSize, third);
    if (kind === PTR) return flat.pointerSize;
    if (kind === STRUCT || kind === UNION) return this.#ofMembers(id, depth);
    if (kind === ARRAY || (has(FOLLOWED, kind) && kind !== VAR && kind !== DECL_TAG)) return this.align(third, depth + 1);
    return 0;
  }

  #ofMembers(id: TypeId, depth: number): number {
    const { words, at } = this.#flat;
    const start = at[id] as number;
    const info = words[start + 1] as number;
    const end = start + 3 + (info & 0xffffff) * 3;
    let most = 1;
    for (let member = start + 3; member < end; member += 3) {
      const align = this.align(words[member + 1] as number, depth + 1);
      if (align === 0) return 0;
      if (align > most) most = align;
      if (isMisplaced(words[member + 2] as number, info, align)) return 1;
    }
    return (words[start + 2] as number) % most === 0 ? most : 1;
  }

  /**
   * Whether a struct must have been declared packed.
   * @see libbpf btf_is_struct_packed, src/btf_dump.c
   */
  isPacked(id: TypeId): boolean {
    const { words, at } = this.#flat;
    const start = at[id] as number;
    const info = words[start + 1] as number;
    const end = start + 3 + (info & 0xffffff) * 3;
    let most = 1;
    for (let member = start + 3; member < end; member += 3) {
      const align = this.align(words[member + 1] as number);
      if (align !== 0 && isMisplaced(words[member + 2] as number, info, align)) return true;
      if (align > most) most = align;
    }
    return (words[start + 2] as number) % most !== 0;
  }
}

/** Whether a member that is no bitfield lies where its type would not. */
function isMisplaced(offset: number, info: number, align: number): boolean {
  const isBitfield = info >>> 31 === 1 && offset >>> 24 !== 0;
  return !isBitfield && offset % (8 * align) !== 0;
}
