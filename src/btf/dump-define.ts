// Definitions in C: structs with the padding that puts their members where they are, unions, enums.

import { BTF_KIND } from '../uapi/btf.js';
import { declare } from './dump-declare.js';
import type { CDump } from './dump-state.js';
import { flagOf } from './flat.js';
import type { TypeId } from './types.js';

const K = BTF_KIND;
/** Deeper lines stay where these are. */
const MOST_TABS = 13;
const NEWLINE = 10;
const SPACE = 32;
/** Longer names of repeated types are cut. */
export const LONGEST_NAME = 255;

/** Begins a line. */
function line(d: CDump, level: number): void {
  d.out.byte(NEWLINE);
  d.out.tabs(Math.min(level, MOST_TABS));
}

/** A name with the number that tells it from others of that name. `limit` cuts it. */
export function name({ flat, out }: CDump, offset: number, use: number, limit?: number): void {
  if (use <= 1) {
    out.cString(flat.strings, offset);
    return;
  }
  const suffix = `___${use}`;
  const length = flat.strings.indexOf(0, offset) - offset;
  if (limit === undefined || length + suffix.length <= limit) {
    out.cString(flat.strings, offset);
    out.ascii(suffix);
    return;
  }
  out.bytes(flat.strings.subarray(offset, offset + Math.min(length, limit)));
  out.ascii(suffix.slice(0, Math.max(0, limit - length)));
}

/** `typedef`s and tags are cut; enumerators are not. */
export const typeName = (d: CDump, id: TypeId, use: number): void => name(d, d.flat.names[id] as number, use, LONGEST_NAME);

const KEYWORDS: Readonly<Record<number, string>> = {
  [K.STRUCT]: 'struct',
  [K.UNION]: 'union',
  [K.ENUM]: 'enum',
  [K.ENUM64]: 'enum',
};

/** `struct foo`, `enum foo`; of an anonymous one the keyword, with a space behind it as libbpf has it for enums. */
export function tag(d: CDump, id: TypeId): void {
  d.out.ascii(KEYWORDS[d.flat.kinds[id] as number] as string);
  if (d.flat.names[id] === 0) return;
  d.out.byte(SPACE);
  typeName(d, id, d.names.tagUse(id));
}

/** `struct foo` of which nothing else is known. */
export function forwardType(d: CDump, id: TypeId): void {
  d.out.ascii(flagOf(d.flat, id) ? 'union ' : 'struct ');
  d.out.cString(d.flat.strings, d.flat.names[id] as number);
}

/**
 * `struct foo { … }`, at the indentation `level`.
 * @see libbpf btf_dump_emit_struct_def, src/btf_dump.c
 */
export function structDefinition(d: CDump, id: TypeId, level: number): void {
  const { out, sizes } = d;
  const { words, at } = d.flat;
  const start = at[id] as number;
  const info = words[start + 1] as number;
  const size = words[start + 2] as number;
  const isStruct = ((info >>> 24) & 0x7f) === K.STRUCT;
  const isPacked = isStruct && sizes.isPacked(id);
  const end = start + 3 + (info & 0xffffff) * 3;
  tag(d, id);
  out.ascii(' {');
  let offset = 0; // where the next member would be, in bits; 32 bits, as libbpf counts
  let afterBitfield = false;
  for (let member = start + 3; member < end; member += 3) {
    const type = words[member + 1] as number;
    const place = words[member + 2] as number;
    const width = info >>> 31 === 1 ? place >>> 24 : 0;
    const from = info >>> 31 === 1 ? place & 0xffffff : place | 0;
    pad(d, offset, from, isPacked ? 1 : sizes.align(type), afterBitfield && width !== 0, level + 1);
    line(d, level + 1);
    declare(d, type, words[member] as number, 1, level + 1);
    if (width !== 0) {
      out.ascii(': ');
      out.unsigned(width);
    }
    offset = (from + (width !== 0 ? width : Math.imul(sizes.size(type), 8))) | 0;
    afterBitfield = width !== 0;
    out.ascii(';');
  }
  if (isStruct) pad(d, offset, Math.imul(size, 8), sizes.align(id), false, level + 1);
  if (end > start + 3 || size > 0) line(d, level);
  out.ascii('}');
  if (isPacked) out.ascii(' __attribute__((packed))');
}

interface Padding {
  readonly name: string;
  readonly bits: number;
}
const CHAR: Padding = { name: 'char', bits: 8 };
const SHORT: Padding = { name: 'short', bits: 16 };
const INT: Padding = { name: 'int', bits: 32 };
const LONG_64: readonly Padding[] = [{ name: 'long', bits: 64 }, INT, SHORT, CHAR];
const LONG_32: readonly Padding[] = [{ name: 'long', bits: 32 }, INT, SHORT, CHAR];

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/**
 * Fills from bit `from` to bit `to` with unnamed bitfields, as far as the compiler would not leave that room anyway. The largest type
 * that has a boundary in between gets there; from there on whole ones of it, and the smallest that does for the rest.
 * @param align Of the member at `to`, in bytes: up to that the compiler aligns by itself.
 * @see libbpf btf_dump_emit_bit_padding, src/btf_dump.c
 */
function pad(d: CDump, from: number, to: number, align: number, betweenBitfields: boolean, level: number): void {
  if (from >= to) return;
  const types = d.flat.pointerSize === 8 ? LONG_64 : LONG_32;
  let type = CHAR;
  for (let i = types.length - 1; i >= 0; i--) if (roundUp(from, (types[i] as Padding).bits) <= to) type = types[i] as Padding;
  let at = from;
  const boundary = roundUp(from, type.bits);
  if (boundary > from && boundary <= to) {
    const isOwnAlignment = boundary === to && roundUp(from, align * 8) !== boundary;
    const wouldBeLost = boundary !== to && to - boundary <= boundary - from;
    if (betweenBitfields || isOwnAlignment || wouldBeLost) unnamed(d, type, betweenBitfields ? boundary - from : 0, level);
    at = boundary;
  }
  while (at < to) {
    const bits = Math.min(to - at, type.bits);
    if (bits < type.bits) type = types.findLast((smaller) => smaller.bits >= bits) as Padding;
    unnamed(d, type, bits, level);
    at += bits;
  }
}

function unnamed(d: CDump, { name }: Padding, bits: number, level: number): void {
  line(d, level);
  d.out.ascii(name);
  d.out.ascii(': ');
  d.out.unsigned(bits);
  d.out.ascii(';');
}

/**
 * `enum foo { … }`, at the indentation `level`; what has no values is only named.
 * @see libbpf btf_dump_emit_enum_def, src/btf_dump.c
 */
export function enumDefinition(d: CDump, id: TypeId, level: number): void {
  const { out } = d;
  const { words, at } = d.flat;
  const start = at[id] as number;
  const info = words[start + 1] as number;
  const size = words[start + 2] as number;
  const isWide = ((info >>> 24) & 0x7f) === K.ENUM64;
  const isSigned = info >>> 31 === 1;
  const count = info & 0xffffff;
  tag(d, id);
  if (count === 0) return;
  out.ascii(' {');
  let anyHigh = false; // a value of more than 32 bits makes the enum as wide as it is
  for (let i = 0, value = start + 3; i < count; i++, value += isWide ? 3 : 2) {
    line(d, level + 1);
    name(d, words[value] as number, d.names.enumeratorUse(words[value] as number));
    out.ascii(' = ');
    const low = words[value + 1] as number;
    if (isWide) {
      const high = words[value + 2] as number;
      anyHigh ||= high !== 0;
      wide(d, high, low, isSigned);
    } else out.signed(isSigned ? low | 0 : low);
    out.ascii(',');
  }
  line(d, level);
  out.ascii('}');
  if (size === 1) out.ascii(' __attribute__((mode(byte)))');
  else if (size === 8 && d.flat.pointerSize === 8 && !anyHigh) out.ascii(' __attribute__((mode(word)))');
}

function wide({ out }: CDump, high: number, low: number, isSigned: boolean): void {
  const value = (BigInt(high) << 32n) | BigInt(low);
  out.ascii(isSigned ? `${BigInt.asIntN(64, value)}LL` : `${value}ULL`);
}
