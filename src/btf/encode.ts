// Types -> bytes: the inverse of parsing, in either byte order. Probes, sanitised copies and tests are made with it.

import { utf8Bytes } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import { BTF_KIND, BTF_MAGIC, BTF_VERSION, btfHeader } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import type { BtfType } from './types.js';

type WithoutId<T> = T extends { readonly kind: 'VOID' }
  ? never
  : T extends unknown
    ? Omit<T, 'id' | 'name'> & { readonly name?: string }
    : never;
/** A type without its id, which its place in the list implies. No name is the empty name. */
export type BtfTypeInput = WithoutId<BtfType>;

export interface EncodeOptions {
  readonly littleEndian?: boolean;
  /** The result continues this BTF: its first type has id `base.length`. */
  readonly base?: Btf;
}

/**
 * A BTF blob of these types, with ids from 1 (or `base.length`) in their order, and each string once.
 * @throws {UsageError} for a number that its field has no room for.
 */
export function encodeBtf(
  types: readonly BtfTypeInput[],
  { littleEndian = true, base }: EncodeOptions = {},
): Uint8Array<ArrayBuffer> {
  const strings = new StringTable(base);
  const words = types.flatMap((type) => encodeType(type, (text) => strings.offset(text)));
  const view = new DataView(new ArrayBuffer(btfHeader.size + words.length * 4 + strings.length));
  const { at } = btfHeader;
  view.setUint16(at.magic, BTF_MAGIC, littleEndian);
  view.setUint8(at.version, BTF_VERSION);
  view.setUint32(at.hdr_len, btfHeader.size, littleEndian);
  view.setUint32(at.type_len, words.length * 4, littleEndian);
  view.setUint32(at.str_off, words.length * 4, littleEndian);
  view.setUint32(at.str_len, strings.length, littleEndian);
  for (const [i, word] of words.entries()) view.setUint32(btfHeader.size + i * 4, word, littleEndian);
  const bytes = new Uint8Array(view.buffer);
  strings.copyTo(bytes.subarray(btfHeader.size + words.length * 4));
  return bytes;
}

/** Strings, each followed by a NUL. A base has the empty string at 0; what continues it starts with a real one. */
class StringTable {
  readonly #known = new Map<string, number>([['', 0]]);
  readonly #parts: Uint8Array[] = [];
  readonly #start: number;
  length = 0;

  constructor(base: Btf | undefined) {
    this.#start = base?.stringsEnd ?? 0;
    if (!base) this.#append('');
  }
  offset(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (text.includes('\0')) throw new UsageError(`Name ${JSON.stringify(text)} has a NUL in it, which would end it`);
    const offset = this.#append(text);
    this.#known.set(text, offset);
    return offset;
  }
  copyTo(bytes: Uint8Array): void {
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
  }
  #append(text: string): number {
    const offset = this.#start + this.length;
    const part = utf8Bytes(`${text}\0`);
    this.#parts.push(part);
    this.length += part.length;
    return offset;
  }
}

const MOST_ELEMENTS = 0xffffff;

/** The words of one type: name, info, size or type, and what its kind adds. */
function encodeType(type: BtfTypeInput, name: (text: string) => number): number[] {
  const nameOffset = name(type.name ?? '');
  const { third = 0, vlen = 0, flag = false, rest = [] } = bodyOf(type, name);
  if (vlen > MOST_ELEMENTS) throw new UsageError(`${label(type)} has ${vlen} elements, at most ${MOST_ELEMENTS} fit`);
  const words = [nameOffset, ((flag ? 0x80000000 : 0) | (BTF_KIND[type.kind] << 24) | vlen) >>> 0, third, ...rest];
  for (const word of words) {
    if (!Number.isInteger(word) || word < 0 || word > 0xffffffff)
      throw new UsageError(`${label(type)}: ${word} does not fit 32 bits`);
  }
  return words;
}

const label = ({ kind, name = '' }: BtfTypeInput): string => `${kind} ${name || '<anon>'}`;

interface Body {
  readonly third?: number;
  readonly vlen?: number;
  readonly flag?: boolean;
  readonly rest?: readonly number[];
}

/** @see include/uapi/linux/btf.h for what each kind keeps where. */
function bodyOf(type: BtfTypeInput, name: (text: string) => number): Body {
  switch (type.kind) {
    case 'INT':
      return { third: type.size, rest: [((type.encoding << 24) | (type.bitOffset << 16) | type.bits) >>> 0] };
    case 'PTR':
    case 'TYPEDEF':
    case 'VOLATILE':
    case 'CONST':
    case 'RESTRICT':
      return { third: type.type };
    case 'ARRAY':
      return { rest: [type.type, type.indexType, type.nelems] };
    case 'STRUCT':
    case 'UNION': {
      const flag = type.members.some((member) => member.bitfieldSize > 0);
      const rest = type.members.flatMap((member) => [
        name(member.name),
        member.type,
        flag ? packedOffset(type, member) : member.bitOffset,
      ]);
      return { third: type.size, vlen: type.members.length, flag, rest };
    }
    case 'ENUM': {
      const rest = type.values.flatMap((row) => [name(row.name), Number(BigInt.asUintN(32, row.value))]);
      return { third: type.size, vlen: type.values.length, flag: type.signed, rest };
    }
    case 'ENUM64': {
      const half = (value: bigint) => Number(BigInt.asUintN(32, value));
      const rest = type.values.flatMap((row) => [name(row.name), half(row.value), half(row.value >> 32n)]);
      return { third: type.size, vlen: type.values.length, flag: type.signed, rest };
    }
    case 'FWD':
      return { flag: type.union };
    case 'FUNC':
      return { third: type.type, vlen: type.linkage };
    case 'FUNC_PROTO':
      return { third: type.type, vlen: type.params.length, rest: type.params.flatMap((param) => [name(param.name), param.type]) };
    case 'VAR':
      return { third: type.type, rest: [type.linkage] };
    case 'DATASEC':
      return { third: type.size, vlen: type.vars.length, rest: type.vars.flatMap((info) => [info.type, info.offset, info.size]) };
    case 'FLOAT':
      return { third: type.size };
    case 'DECL_TAG':
      return { third: type.type, flag: type.attribute, rest: [type.component >>> 0] };
    case 'TYPE_TAG':
      return { third: type.type, flag: type.attribute };
    default:
      return type satisfies never;
  }
}

/** In a struct with bitfields each offset shares its word with a width. */
function packedOffset(
  type: BtfTypeInput,
  member: { readonly name: string; readonly bitOffset: number; readonly bitfieldSize: number },
): number {
  if (member.bitOffset > 0xffffff || member.bitfieldSize > 0xff) {
    throw new UsageError(
      `${label(type)}: a bitfield of ${member.bitfieldSize} bits at bit ${member.bitOffset} does not fit (member ${member.name})`,
    );
  }
  return ((member.bitfieldSize << 24) | member.bitOffset) >>> 0;
}
