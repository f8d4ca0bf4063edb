// A BTF blob as an index: one pass notes where each type starts; types and names are decoded when asked for.

import { asciiOrUtf8, cString, type Region } from '../bytes/index.js';
import { FormatError, type Where } from '../errors.js';
import { BTF_KIND, BTF_KIND_WORDS, BTF_KINDS, BTF_MAGIC, BTF_VERSION, type BtfKind, btfHeader } from '../uapi/btf.js';
import type { BtfType, TypeId } from './types.js';

/** What `parseBtf` found: the words of the type section in this machine's order, and where each type starts. */
export interface BtfParts {
  readonly words: Uint32Array;
  /** Word position of each own type; own type 0 has id `firstId`. */
  readonly starts: Uint32Array;
  readonly strings: Region;
  readonly base: Btf | undefined;
  /** Known from elsewhere: that of a BPF object is 8, whatever `long` is in its BTF. */
  readonly pointerSize?: number;
}

const NO_NAME = 0;
/** So many types are kept decoded, those decoded last: CO-RE comes back to the same few for each of its records. */
const RECENT = 256;
const kindOfInfo = (info: number): number => (info >>> 24) & 0x7f;
const vlenOfInfo = (info: number): number => info & 0xffffff;
const flagOfInfo = (info: number): boolean => info >>> 31 === 1;

/**
 * BTF, own or split. Ids, offsets and names are checked on every access, so that a broken blob ends in a FormatError
 * wherever it is touched first. But for the last few types nothing is cached: who needs a type twice keeps it.
 */
export class Btf {
  readonly base: Btf | undefined;
  /** Id of the first type that is this blob's own; 1 without a base. */
  readonly firstId: TypeId;
  /** One more than the highest id; ids run from 0 (void). */
  readonly length: number;
  readonly strings: Region;
  readonly #words: Uint32Array;
  readonly #starts: Uint32Array;
  /** String offsets below this belong to the base. */
  readonly #firstString: number;
  #pointerSize: number | undefined;
  /** The last decoded last. The 260 names of `task_struct` take a millisecond cold. */
  readonly #recent = new Map<TypeId, BtfType>();

  constructor({ words, starts, strings, base, pointerSize }: BtfParts) {
    this.#pointerSize = pointerSize;
    this.base = base;
    this.#words = words;
    this.#starts = starts;
    this.strings = strings;
    this.firstId = base ? base.length : 1;
    this.length = this.firstId + starts.length;
    this.#firstString = base ? base.stringsEnd : 0;
  }

  get where(): Where {
    return this.strings.where;
  }
  get stringsEnd(): number {
    return this.#firstString + this.strings.bytes.length;
  }
  /** The type section and the word at which each own type starts, for passes over a whole BTF. */
  get words(): Uint32Array {
    return this.#words;
  }
  get starts(): Uint32Array {
    return this.#starts;
  }

  /**
   * The blob as the kernel takes it: a plain header, the types, the strings; in this machine's byte order. Only for BTF without a base.
   */
  toBytes(): Uint8Array<ArrayBuffer> {
    const strings = this.strings.bytes;
    const bytes = new Uint8Array(btfHeader.size + this.#words.byteLength + strings.length);
    const view = new DataView(bytes.buffer);
    const { at } = btfHeader;
    view.setUint16(at.magic, BTF_MAGIC, true);
    view.setUint8(at.version, BTF_VERSION);
    view.setUint32(at.hdr_len, btfHeader.size, true);
    view.setUint32(at.type_len, this.#words.byteLength, true);
    view.setUint32(at.str_off, this.#words.byteLength, true);
    view.setUint32(at.str_len, strings.length, true);
    bytes.set(new Uint8Array(this.#words.buffer, this.#words.byteOffset, this.#words.byteLength), btfHeader.size);
    bytes.set(strings, btfHeader.size + this.#words.byteLength);
    return bytes;
  }

  /** 4 or 8: the size of the first `long` here; 8 where there is none. */
  get pointerSize(): number {
    this.#pointerSize ??= this.base?.pointerSize ?? findPointerSize(this);
    return this.#pointerSize;
  }

  /** @throws {FormatError} when there is no such type. */
  kind(id: TypeId): BtfKind {
    if (id === 0) return 'VOID';
    return BTF_KINDS[this.kindNumber(id)] as BtfKind;
  }
  /** The BTF_KIND_ number, for loops. */
  kindNumber(id: TypeId): number {
    if (id === 0) return 0;
    if (id < this.firstId && this.base) return this.base.kindNumber(id);
    return kindOfInfo(this.#words[this.#at(id) + 1] as number);
  }

  /** How many members, enumerators, parameters or variables a type has; 0 for the kinds without. Known without decoding them. */
  elementCount(id: TypeId): number {
    if (id === 0) return 0;
    if (id < this.firstId && this.base) return this.base.elementCount(id);
    const info = this.#words[this.#at(id) + 1] as number;
    return BTF_KIND_WORDS[kindOfInfo(info)]?.element ? vlenOfInfo(info) : 0;
  }

  name(id: TypeId): string {
    if (id === 0) return 'void';
    const offset = this.nameOffset(id);
    return offset === NO_NAME ? '' : this.nameAt(offset);
  }
  /** Where the name of a type stands in the strings; 0 for none. */
  nameOffset(id: TypeId): number {
    if (id === 0) return NO_NAME;
    if (id < this.firstId && this.base) return this.base.nameOffset(id);
    return this.#words[this.#at(id)] as number;
  }
  /** @throws {FormatError} when `offset` lies past the strings, or what stands there is longer than any name. */
  nameAt(offset: number): string {
    if (offset < this.#firstString && this.base) return this.base.nameAt(offset);
    return cString(this.strings, offset - this.#firstString);
  }
  /**
   * A text of any length, such as a source line.
   * @throws {FormatError} when `offset` lies past the strings.
   */
  string(offset: number): string {
    if (offset < this.#firstString && this.base) return this.base.string(offset);
    const { bytes, where } = this.strings;
    const start = offset - this.#firstString;
    if (start >= bytes.length)
      throw new FormatError(`Cannot read string ${offset}: the table ends at ${this.stringsEnd}`, { where });
    return asciiOrUtf8(bytes, start, bytes.indexOf(0, start)); // parseBtf saw that the last byte is a NUL
  }

  /**
   * Decodes one type.
   * @throws {FormatError} when there is no such id, or a name in it lies past the strings.
   */
  type(id: TypeId): BtfType {
    if (id === 0) return { id, kind: 'VOID', name: 'void' };
    if (id < this.firstId && this.base) return this.base.type(id);
    const known = this.#recent.get(id);
    if (known) return known;
    const at = this.#at(id);
    const info = this.#words[at + 1] as number;
    const vlen = vlenOfInfo(info);
    const decode = DECODE[kindOfInfo(info)] as Decode;
    const type = decode(
      { id, name: this.name(id) },
      { btf: this, words: this.#words, at: at + 3, vlen, flag: flagOfInfo(info), third: this.#words[at + 2] as number },
    );
    this.#keep(type);
    return type;
  }

  #keep(type: BtfType): void {
    this.#recent.set(type.id, type);
    if (this.#recent.size > RECENT) for (const oldest of this.#recent.keys()) return void this.#recent.delete(oldest);
  }

  #at(id: TypeId): number {
    const at = this.#starts[id - this.firstId];
    if (at === undefined)
      throw new FormatError(`Type ${id} does not exist: ids end at ${this.length - 1}`, { where: this.where });
    return at;
  }
}

/** The 12 common bytes taken apart; `at` is the word after them, `third` the one that is a size or a type. */
interface Raw {
  readonly btf: Btf;
  readonly words: Uint32Array;
  readonly at: number;
  readonly vlen: number;
  readonly flag: boolean;
  readonly third: number;
}
type Decode = (head: { readonly id: TypeId; readonly name: string }, raw: Raw) => BtfType;

function elements<T>({ words, at, vlen }: Raw, size: number, read: (at: number, words: Uint32Array) => T): T[] {
  const list: T[] = [];
  for (let i = 0; i < vlen; i++) list.push(read(at + i * size, words));
  return list;
}
const word = (words: Uint32Array, at: number): number => words[at] as number;
const nameAt = ({ btf, words }: Raw, at: number): string => (word(words, at) === NO_NAME ? '' : btf.nameAt(word(words, at)));

const decodeComposite =
  (kind: 'STRUCT' | 'UNION'): Decode =>
  ({ id, name }, raw) => ({
    id,
    name,
    kind,
    size: raw.third,
    members: elements(raw, 3, (at, words) => {
      const offset = word(words, at + 2);
      return {
        name: nameAt(raw, at),
        type: word(words, at + 1),
        bitOffset: raw.flag ? offset & 0xffffff : offset,
        bitfieldSize: raw.flag ? offset >>> 24 : 0,
      };
    }),
  });
const decodeReference =
  (kind: 'PTR' | 'TYPEDEF' | 'VOLATILE' | 'CONST' | 'RESTRICT'): Decode =>
  ({ id, name }, { third }) => ({ id, name, kind, type: third });

/** By BTF_KIND_ number. Each spells out id and name: spreading them costs ten times as much as all the rest. */
const DECODE: readonly Decode[] = [
  ({ id, name }) => ({ id, name, kind: 'VOID' }),
  ({ id, name }, { third, words, at }) => {
    const data = word(words, at);
    return {
      id,
      name,
      kind: 'INT',
      size: third,
      bits: data & 0xff,
      bitOffset: (data >>> 16) & 0xff,
      encoding: (data >>> 24) & 0xf,
    };
  },
  decodeReference('PTR'),
  ({ id, name }, { words, at }) => ({
    id,
    name,
    kind: 'ARRAY',
    type: word(words, at),
    indexType: word(words, at + 1),
    nelems: word(words, at + 2),
  }),
  decodeComposite('STRUCT'),
  decodeComposite('UNION'),
  ({ id, name }, raw) => ({
    id,
    name,
    kind: 'ENUM',
    size: raw.third,
    signed: raw.flag,
    values: elements(raw, 2, (at, words) => ({
      name: nameAt(raw, at),
      value: BigInt(raw.flag ? word(words, at + 1) | 0 : word(words, at + 1)),
    })),
  }),
  ({ id, name }, { flag }) => ({ id, name, kind: 'FWD', union: flag }),
  decodeReference('TYPEDEF'),
  decodeReference('VOLATILE'),
  decodeReference('CONST'),
  decodeReference('RESTRICT'),
  ({ id, name }, { third, vlen }) => ({ id, name, kind: 'FUNC', type: third, linkage: vlen }),
  ({ id, name }, raw) => ({
    id,
    name,
    kind: 'FUNC_PROTO',
    type: raw.third,
    params: elements(raw, 2, (at, words) => ({ name: nameAt(raw, at), type: word(words, at + 1) })),
  }),
  ({ id, name }, { third, words, at }) => ({ id, name, kind: 'VAR', type: third, linkage: word(words, at) }),
  ({ id, name }, raw) => ({
    id,
    name,
    kind: 'DATASEC',
    size: raw.third,
    vars: elements(raw, 3, (at, words) => ({ type: word(words, at), offset: word(words, at + 1), size: word(words, at + 2) })),
  }),
  ({ id, name }, { third }) => ({ id, name, kind: 'FLOAT', size: third }),
  ({ id, name }, { third, flag, words, at }) => ({
    id,
    name,
    kind: 'DECL_TAG',
    type: third,
    component: word(words, at) | 0,
    attribute: flag,
  }),
  ({ id, name }, { third, flag }) => ({ id, name, kind: 'TYPE_TAG', type: third, attribute: flag }),
  ({ id, name }, raw) => ({
    id,
    name,
    kind: 'ENUM64',
    size: raw.third,
    signed: raw.flag,
    values: elements(raw, 3, (at, words) => {
      const value = (BigInt(word(words, at + 2)) << 32n) | BigInt(word(words, at + 1));
      return { name: nameAt(raw, at), value: raw.flag ? BigInt.asIntN(64, value) : value };
    }),
  }),
];

/** All the ways to spell (unsigned) long. */
const LONGS = new Set([
  'long',
  'long int',
  'int long',
  'unsigned long',
  'long unsigned',
  'unsigned long int',
  'unsigned int long',
  'long unsigned int',
  'long int unsigned',
  'int unsigned long',
  'int long unsigned',
]);

function findPointerSize(btf: Btf): number {
  for (let id = btf.firstId; id < btf.length; id++) {
    if (btf.kindNumber(id) !== BTF_KIND.INT || !LONGS.has(btf.name(id))) continue;
    const type = btf.type(id);
    if (type.kind === 'INT' && (type.size === 4 || type.size === 8)) return type.size;
  }
  return 8;
}
