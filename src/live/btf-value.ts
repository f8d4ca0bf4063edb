// Bytes of a BTF type -> JSON, as bpftool shows the contents of maps. It follows the type itself, not the shapes of src/maps:
// anonymous members keep a level of their own, variables stand in a list under their section, bitfields are hex.

import { type Btf, type BtfOf, type BtfType, sizeOf, type TypeId } from '../btf/index.js';
import { asciiOrUtf8 } from '../bytes/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED } from '../uapi/btf.js';
import { type Json, Members, Raw } from './json.js';

const MOST_DEPTH = 64;
/** Besides one for each byte: members of unions are several values of the same bytes, and nested ones of more than there is time for. */
const MOST_VALUES = 250_000;

export interface ValueStyle {
  /** For people: pointers in hex, wide numbers without quotes. */
  readonly plain: boolean;
}

/**
 * @throws {UnsupportedError} for what has no value, {FormatError} for types in a circle, or larger than what is there from `at` on.
 * @see bpftool btf_dumper.c
 */
export function valueJson(btf: Btf, id: TypeId, bytes: Uint8Array, at: number, style: ValueStyle): Json {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return formatted({ btf, bytes, view, style, budget: { left: MOST_VALUES + bytes.length } }, id, at, 0, 0);
}

interface Reading {
  readonly btf: Btf;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly style: ValueStyle;
  readonly budget: { left: number };
}

function mustHave({ btf, bytes }: Reading, { id }: BtfType, at: number, size: number): void {
  if (at + size > bytes.length)
    throw new FormatError(`Type ${id} takes ${size} bytes from ${at} on, and the value has ${bytes.length}`, {
      where: btf.where,
    });
}

function formatted(from: Reading, id: TypeId, at: number, bit: number, depth: number): Json {
  const { btf, view, style } = from;
  if (depth > MOST_DEPTH) throw new UnsupportedError(`Type ${id} is nested more than ${MOST_DEPTH} deep`, { where: btf.where });
  if (from.budget.left-- <= 0)
    throw new UnsupportedError(`The value has more than ${MOST_VALUES} parts besides its bytes`, {
      where: btf.where,
    });
  const type = btf.type(id);
  switch (type.kind) {
    case 'INT':
      mustHave(from, type, at, Math.max(type.size, Math.ceil(type.bits / 8)));
      return intJson(from, type, at, bit);
    case 'STRUCT':
    case 'UNION':
      return new Members(
        type.members.map((member) => {
          const [byte, first] = [at + Math.floor(member.bitOffset / 8), member.bitOffset % 8];
          return [
            member.name,
            member.bitfieldSize > 0
              ? wideJson(bitsOf(from.bytes, byte, first, member.bitfieldSize), style)
              : formatted(from, member.type, byte, first, depth + 1),
          ];
        }),
      );
    case 'ARRAY':
      return arrayJson(from, type, at, depth);
    case 'ENUM':
    case 'ENUM64': {
      if (![1, 2, 4, 8].includes(type.size))
        throw new UnsupportedError(`${type.name} has ${type.size} bytes`, { where: btf.where });
      mustHave(from, type, at, type.size);
      const raw = type.size === 8 ? view.getBigInt64(at, true) : BigInt(signedAt(view, at, type.size));
      const value = type.signed ? raw : BigInt.asUintN(type.size * 8, raw);
      // bpftool 7.1 prints an unknown unsigned value as the signed number of its bits.
      return type.values.find((row) => row.value === value)?.name ?? raw;
    }
    case 'PTR': {
      mustHave(from, type, at, 8);
      const value = view.getBigUint64(at, true);
      return style.plain ? (value === 0n ? '(nil)' : `0x${value.toString(16)}`) : value;
    }
    case 'FLOAT':
      return floatJson(from, type, at);
    case 'VAR':
      return new Members([[type.name, formatted(from, type.type, at, bit, depth + 1)]]);
    case 'DATASEC':
      return new Members([
        [type.name, type.vars.map((variable) => formatted(from, variable.type, at + variable.offset, 0, depth + 1))],
      ]);
    case 'TYPEDEF':
    case 'VOLATILE':
    case 'CONST':
    case 'RESTRICT':
    case 'TYPE_TAG':
      return formatted(from, type.type, at, bit, depth + 1);
    default:
      throw new UnsupportedError(`Type ${id} has no value: it is ${type.kind} ${type.name}`, { where: btf.where });
  }
}

const signedAt = (view: DataView, at: number, size: number): number =>
  size === 1 ? view.getInt8(at) : size === 2 ? view.getInt16(at, true) : view.getInt32(at, true);
const unsignedAt = (view: DataView, at: number, size: number): number =>
  size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);

function floatJson(from: Reading, type: BtfOf<'FLOAT'>, at: number): Json {
  const { name, size } = type;
  if (size !== 4 && size !== 8) throw new UnsupportedError(`${name} has ${size} bytes`, { where: from.btf.where });
  mustHave(from, type, at, size);
  const value = size === 4 ? from.view.getFloat32(at, true) : from.view.getFloat64(at, true);
  return Number.isFinite(value) ? value : String(value);
}

function intJson(
  { bytes, view, style }: Reading,
  { encoding, bits, bitOffset, size }: BtfOf<'INT'>,
  at: number,
  bit: number,
): Json {
  const first = bit + bitOffset;
  const isPlainInt = first === 0 && (bits === 8 || bits === 16 || bits === 32 || bits === 64);
  if (bit > 0 || bitOffset > 0 || bits % 8 !== 0 || (!isPlainInt && encoding !== BTF_INT_CHAR && encoding !== BTF_INT_BOOL))
    return wideJson(bitsOf(bytes, at + Math.floor(first / 8), first % 8, bits), style);
  if (encoding === BTF_INT_BOOL) return bytes[at] !== 0;
  if (encoding === BTF_INT_CHAR) {
    const byte = bytes[at] as number;
    if (byte >= 0x20 && byte < 0x7f) return String.fromCharCode(byte);
    return style.plain ? new Raw(`0x${byte.toString(16)}`) : String.fromCharCode(byte);
  }
  if (bits === 64) return encoding === BTF_INT_SIGNED ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
  return encoding === BTF_INT_SIGNED ? signedAt(view, at, size) : unsignedAt(view, at, size);
}

function bitsOf(bytes: Uint8Array, at: number, first: number, width: number): bigint {
  let raw = 0n;
  for (let i = Math.ceil((first + width) / 8) - 1; i >= 0; i--) raw = (raw << 8n) | BigInt(bytes[at + i] ?? 0);
  return BigInt.asUintN(width, raw >> BigInt(first));
}

const wideJson = (value: bigint, { plain }: ValueStyle): Json =>
  plain ? new Raw(`0x${value.toString(16)}`) : `0x${value.toString(16)}`;

function arrayJson(from: Reading, type: BtfOf<'ARRAY'>, at: number, depth: number): Json {
  const { btf, bytes } = from;
  const text = textOf(charUnderModifiers(btf, type.type), bytes.subarray(at, at + type.nelems));
  if (text !== undefined) return text;
  const size = sizeOf(btf, type.type);
  if (size === 0) return [];
  mustHave(from, type, at, size * type.nelems);
  return Array.from({ length: type.nelems }, (_, i) => formatted(from, type.type, at + i * size, 0, depth + 1));
}

/** Under modifiers, but not typedefs: bpftool takes no typedef of char for text. */
function charUnderModifiers(btf: Btf, id: TypeId): boolean {
  let type: BtfType = btf.type(id);
  for (let i = 0; i < MOST_DEPTH && (type.kind === 'CONST' || type.kind === 'VOLATILE' || type.kind === 'RESTRICT'); i++)
    type = btf.type(type.type);
  return type.kind === 'INT' && type.size === 1 && (type.encoding === BTF_INT_CHAR || type.name === 'char');
}

/** Printable ASCII with a NUL behind it. */
function textOf(isChar: boolean, bytes: Uint8Array): string | undefined {
  const end = isChar ? bytes.indexOf(0) : -1;
  if (end < 0) return undefined;
  const text = bytes.subarray(0, end);
  return text.every((byte) => byte > 0x1f && byte < 0x7f) ? asciiOrUtf8(text, 0, text.length) : undefined;
}
