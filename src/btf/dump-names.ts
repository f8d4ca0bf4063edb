// Names in a C dump: which are the same text, and how often each was used, so that the second `foo` becomes `foo___2`.

import { BTF_KIND } from '../uapi/btf.js';
import { type FlatBtf, vlenOf } from './flat.js';
import type { TypeId } from './types.js';

/** A name is a number here: equal texts have the same, wherever they stand. */
export type NameId = number;

const FIRST_SIZE = 1 << 10;
/** Bytes of a string table for each name in it, or less: with slots for so many the table of names need not grow. */
const BYTES_A_NAME = 16;
/** FNV-1a. */
const HASH_START = 0x811c9dc5;
const HASH_STEP = 0x01000193;

/** Gives equal texts of a string table the same small number. */
export class Texts {
  readonly #strings: Uint8Array;
  /** By the four bytes in which a text starts: the number, plus 1, of the one that was asked for last; 0 where nobody asked. */
  readonly #known: Uint32Array;
  /** Open addressing: a text's number plus 1. */
  #slots: Uint32Array;
  #offsets: Uint32Array;
  #hashes: Int32Array;
  /** So many texts so far. */
  count = 0;

  constructor(strings: Uint8Array) {
    this.#strings = strings;
    this.#known = new Uint32Array((strings.length >>> 2) + 1);
    let size = FIRST_SIZE;
    while (size < (2 * strings.length) / BYTES_A_NAME) size *= 2;
    this.#slots = new Uint32Array(size);
    this.#offsets = new Uint32Array(size / 2);
    this.#hashes = new Int32Array(size / 2);
  }

  of(offset: number): NameId {
    const known = (this.#known[offset >>> 2] as number) - 1;
    if (known >= 0 && this.#offsets[known] === offset) return known;
    const id = this.#find(offset);
    this.#known[offset >>> 2] = id + 1;
    return id;
  }
  /** Where a text stands, once at least. */
  offset(id: NameId): number {
    return this.#offsets[id] as number;
  }

  #find(start: number): NameId {
    const bytes = this.#strings;
    let hash = HASH_START;
    for (let i = start; bytes[i] !== 0; i++) hash = Math.imul(hash ^ (bytes[i] as number), HASH_STEP);
    hash |= 0;
    if (this.count * 2 >= this.#slots.length) this.#grow();
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = (this.#slots[slot] as number) - 1;
      if (found < 0) {
        this.#slots[slot] = this.count + 1;
        this.#hashes[this.count] = hash;
        this.#offsets[this.count] = start;
        return this.count++;
      }
      if (this.#hashes[found] === hash && this.#isSame(found, start)) return found;
    }
  }
  #isSame(id: NameId, start: number): boolean {
    const strings = this.#strings;
    const at = this.#offsets[id] as number;
    for (let i = 0; ; i++) {
      const byte = strings[start + i];
      if (strings[at + i] !== byte) return false;
      if (byte === 0) return true;
    }
  }
  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let id = 0; id < this.count; id++) {
      let slot = (this.#hashes[id] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
    const offsets = new Uint32Array(slots.length / 2);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    const hashes = new Int32Array(slots.length / 2);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
  }
}

/** Counts uses of names; C has one name space for tags and one for everything else. */
class Uses {
  #counts = new Uint32Array(FIRST_SIZE);
  next(name: NameId): number {
    if (name >= this.#counts.length) {
      const larger = new Uint32Array(Math.max(this.#counts.length * 2, name + 1));
      larger.set(this.#counts);
      this.#counts = larger;
    }
    const count = (this.#counts[name] as number) + 1;
    this.#counts[name] = count;
    return count;
  }
}

const NOT_YET = 0;

/**
 * The names that types go by. A type's name is settled when it is first printed, so numbers follow the order of the output; each
 * `…Use` gives how many types have had the name by now: 1 is printed as it is, 2 as `name___2`.
 * @see libbpf btf_dump_resolve_name, src/btf_dump.c
 */
export class CNames {
  readonly texts: Texts;
  readonly #flat: FlatBtf;
  readonly #tags = new Uses();
  readonly #idents = new Uses();
  readonly #settled: Uint32Array;

  constructor(flat: FlatBtf, texts: Texts) {
    this.#flat = flat;
    this.texts = texts;
    this.#settled = new Uint32Array(flat.at.length);
  }

  /** Of a struct, union, enum or integer. */
  tagUse(id: TypeId): number {
    return this.#use(id, this.#tags);
  }
  typedefUse(id: TypeId): number {
    return this.#use(id, this.#idents);
  }
  /** Enumerators are among the identifiers, and counted each time. */
  enumeratorUse(offset: number): number {
    return this.#idents.next(this.texts.of(offset));
  }

  #use(id: TypeId, uses: Uses): number {
    const settled = this.#settled[id] as number;
    if (settled !== NOT_YET) return settled;
    const offset = this.#flat.names[id] as number;
    const use = offset === 0 || isForward(this.#flat, id) ? 1 : uses.next(this.texts.of(offset));
    this.#settled[id] = use;
    return use;
  }
}

/** What only declares takes no name away. An enum of 64 bits is never taken for a forward. */
function isForward(flat: FlatBtf, id: TypeId): boolean {
  const kind = flat.kinds[id] as number;
  return kind === BTF_KIND.FWD || (kind === BTF_KIND.ENUM && vlenOf(flat, id) === 0);
}
