// A BTF in the making: types copied from others, with each string once.

import { region, StringPool } from '../bytes/index.js';
import type { Where } from '../errors.js';
import { BTF_MAGIC, BTF_VERSION, btfHeader } from '../uapi/btf.js';
import { Btf } from './btf.js';
import { eachName } from './fields.js';
import type { TypeId } from './types.js';

/** Types and strings to which more can be added. What is there may be changed in place, through `words`. */
export class BtfBuilder {
  readonly strings = new StringPool();
  readonly where: Where;
  #words = new Uint32Array(1024);
  #used = 0;
  #starts = new Uint32Array(128);
  /** One more than the highest id; ids run from 1. */
  length = 1;

  constructor(where: Where = {}) {
    this.where = where;
  }

  /** All types so far. Gone stale once a type is added. */
  get words(): Uint32Array {
    return this.#words.subarray(0, this.#used);
  }
  /** The word at which a type starts. */
  at(id: TypeId): number {
    return this.#starts[id - 1] as number;
  }

  /** Adds a type given as its words. */
  add(type: Uint32Array | readonly number[]): TypeId {
    this.#words = withRoom(this.#words, this.#used + type.length);
    this.#starts = withRoom(this.#starts, this.length);
    this.#starts[this.length - 1] = this.#used;
    this.#words.set(type, this.#used);
    this.#used += type.length;
    return this.length++;
  }
  /** The offset of a string in `from`, here. */
  addString(from: Btf, offset: number): number {
    return this.strings.add(stringBytes(from, offset));
  }
  /** A view as it is now: types that are added later are not in it. */
  view(): Btf {
    return new Btf({
      words: this.words,
      starts: this.#starts.subarray(0, this.length - 1),
      strings: region(this.strings.bytes, this.where),
      base: undefined,
      pointerSize: 8,
    });
  }
}

/** Copies types of one BTF into a builder: their strings are moved over, the ids that they refer to are left as they are. */
export function copier(to: BtfBuilder, from: Btf): (id: TypeId) => TypeId {
  const moved = new Map<number, number>();
  return (id) => {
    const start = from.starts[id - from.firstId] as number;
    const end = from.starts[id - from.firstId + 1] ?? from.words.length;
    const type = from.words.slice(start, end);
    eachName(type, 0, (place) => {
      const offset = type[place] as number;
      const known = moved.get(offset) ?? to.addString(from, offset);
      moved.set(offset, known);
      type[place] = known;
    });
    return to.add(type);
  };
}

/** The bytes of a string, without its NUL. @param offset Must lie in the strings, or in those of a base. */
export function stringBytes({ base, strings }: Btf, offset: number): Uint8Array {
  const start = offset - (base?.stringsEnd ?? 0);
  if (base && start < 0) return stringBytes(base, offset);
  return strings.bytes.subarray(start, strings.bytes.indexOf(0, start));
}

function withRoom(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const larger = new Uint32Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

/** A whole BTF as bytes, in either byte order. Only for BTF without a base. */
export function btfBytes({ words, strings }: Btf, littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(btfHeader.size + words.byteLength + strings.bytes.length);
  const view = new DataView(bytes.buffer);
  const { at, size } = btfHeader;
  view.setUint16(at.magic, BTF_MAGIC, littleEndian);
  view.setUint8(at.version, BTF_VERSION);
  view.setUint32(at.hdr_len, size, littleEndian);
  view.setUint32(at.type_len, words.byteLength, littleEndian);
  view.setUint32(at.str_off, words.byteLength, littleEndian);
  view.setUint32(at.str_len, strings.bytes.length, littleEndian);
  for (const [i, word] of words.entries()) view.setUint32(size + 4 * i, word, littleEndian);
  bytes.set(strings.bytes, size + words.byteLength);
  return bytes;
}
