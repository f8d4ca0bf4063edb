// Hashes by which bpftool tells types of one name apart: of their contents, so that they order alike in all kernels.

import { FormatError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import { positionsBy } from './dump-texts.js';
import type { FlatBtf } from './flat.js';
import type { TypeId } from './types.js';

const K = BTF_KIND;
const REFERENCES = [K.TYPE_TAG, K.CONST, K.PTR, K.VOLATILE, K.RESTRICT, K.TYPEDEF, K.DECL_TAG, K.ARRAY].reduce(
  (bits, kind) => bits | (1 << kind),
  0,
);
/** Whether a type is what it is by another: `thirds` has that. */
export const isReference = (kind: number): boolean => ((REFERENCES >>> kind) & 1) === 1;

/** References are followed so far. */
export const MAX_CHAIN = 1000;
export const inCircle = (flat: FlatBtf, id: TypeId): FormatError =>
  new FormatError(`Type ${id} goes through more than ${MAX_CHAIN} references, perhaps in a circle`, { where: flat.btf.where });

const FACTOR = 31;

/** 64-bit hashes of what types are made of, as two halves: signed, as the machine adds and multiplies fastest, and compared unsigned. */
export class Hashes {
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

  /** By hash, then by id, in which order they come: by the low halves first, and what is of one high half stays so. */
  sort(ids: Uint32Array): void {
    for (const halves of [this.#lows, this.#highs]) {
      const positions = positionsBy(Uint32Array.from(ids, (id) => halves[this.#of(id, true)] as number));
      ids.set(positions.map((position) => ids[position] as number));
    }
  }

  /** Where the hash is. @see bpftool btf_type_disambig_hash, src/btf.c */
  #of(id: TypeId, withMembers: boolean, depth = 0): number {
    const flat = this.#flat;
    const { words } = flat;
    const place = withMembers ? id + flat.at.length : id;
    if (this.#known[place] === 1) return place;
    if (depth > MAX_CHAIN) throw inCircle(flat, id);
    const kind = flat.kinds[id] as number;
    const start = flat.at[id] as number;
    const first = start + 3;
    const count = (words[start + 1] as number) & 0xffffff;
    const isComposite = withMembers && (kind === K.STRUCT || kind === K.UNION);
    // What it refers to first: there is one place only for the hash that is being computed.
    const to = isReference(kind) ? this.#of(flat.thirds[id] as TypeId, withMembers, depth + 1) : -1;
    if (isComposite) for (let i = 0; i < count; i++) this.#of(words[first + i * 3 + 1] as number, false, depth + 1);
    this.#low = 0;
    this.#high = 0;
    this.#addName(flat.names[id] as number);
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
