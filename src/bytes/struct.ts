// A C structure as data: one layout that reads, writes, sizes, traces and is checked against the kernel's own BTF.

import type { Region } from './region.js';
import { textUntilNul } from './text.js';

/** `char[N]` is a name, `u8[N]` is bytes; both take N bytes and align to 1. */
export type FieldType = 'u8' | 'u16' | 'u32' | 's32' | 'u64' | `char[${number}]` | `u8[${number}]`;
type Value<F extends FieldType> = F extends 'u64'
  ? bigint
  : F extends `char[${number}]`
    ? string
    : F extends `u8[${number}]`
      ? Uint8Array
      : number;

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly at: number;
  readonly size: number;
}
export interface Struct<F extends Readonly<Record<string, FieldType>>> {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly Field[];
  /** Byte offset of each field, for loops that must not make an object per read. */
  readonly at: { readonly [K in keyof F]: number };
  /** Reads the whole structure at `at`; the region must have room (see `slice`). */
  read(from: Region, at: number): { -readonly [K in keyof F]: Value<F[K]> };
}

const SIZES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8 };
const arrayLength = (type: FieldType) => Number(/\[(\d+)\]/.exec(type)?.[1] ?? 0);

function readField(
  { bytes, view, littleEndian }: Region,
  at: number,
  { type, size }: Field,
): number | bigint | string | Uint8Array {
  switch (type) {
    case 'u8':
      return view.getUint8(at);
    case 'u16':
      return view.getUint16(at, littleEndian);
    case 'u32':
      return view.getUint32(at, littleEndian);
    case 's32':
      return view.getInt32(at, littleEndian);
    case 'u64':
      return view.getBigUint64(at, littleEndian);
    default: {
      const part = bytes.subarray(at, at + size);
      return type.startsWith('char') ? textUntilNul(part) : part;
    }
  }
}

/** A structure whose fields lie as a C compiler would lay them: each aligned to its own size. */
export function struct<const F extends Readonly<Record<string, FieldType>>>(name: string, types: F): Struct<F> {
  const fields: Field[] = [];
  let end = 0;
  let align = 1;
  for (const [field, type] of Object.entries(types)) {
    const element = SIZES[type] ?? 1;
    const size = SIZES[type] ?? arrayLength(type);
    const at = Math.ceil(end / element) * element;
    fields.push({ name: field, type, at, size });
    end = at + size;
    align = Math.max(align, element);
  }
  const at = Object.fromEntries(fields.map((field) => [field.name, field.at])) as { [K in keyof F]: number };
  return {
    name,
    size: Math.ceil(end / align) * align,
    fields,
    at,
    read: (from, start) =>
      Object.fromEntries(fields.map((field) => [field.name, readField(from, start + field.at, field)])) as {
        -readonly [K in keyof F]: Value<F[K]>;
      },
  };
}
