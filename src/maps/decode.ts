// Shape -> a function that reads values of it. The function is compiled: a loop that sees millions of events a second must not
// walk a type again for each.

import { textReader } from './text.js';
import type { FieldShape, Shape } from './values.js';

/** Reads the value at `at`. `view` and `bytes` are of the same memory; reading past its end throws a RangeError. */
export type Decode<T = unknown> = (view: DataView, bytes: Uint8Array, at: number) => T;

/** Compiles a decoder for little-endian memory. */
export function compileDecoder<T>(shape: Shape): Decode<T> {
  const functions: string[] = [];
  const names = new Map<number, string>(); // record type -> its function
  const constants: unknown[] = [];
  let text: ReturnType<typeof textReader> | undefined; // it has room for thousands of texts: only where there are any

  const constant = (value: unknown): string => `k[${constants.push(value) - 1}]`;
  const readInt = (size: number, signed: boolean, at: string): string =>
    size === 1
      ? signed
        ? `v.getInt8(${at})`
        : `v.getUint8(${at})`
      : size === 8
        ? `v.getBig${signed ? 'Int' : 'Uint'}64(${at},true)`
        : `v.get${signed ? 'Int' : 'Uint'}${size * 8}(${at},true)`;

  const read = (current: Shape, at: string): string => {
    switch (current.kind) {
      case 'int':
        return readInt(current.size, current.signed, at);
      case 'bigint':
        return current.size === 8
          ? readInt(8, current.signed, at)
          : `(${readInt(8, current.signed, `${at}+8`)}<<64n|${readInt(8, false, at)})`;
      case 'bool':
        return `(b[${at}]!==0)`;
      case 'float':
        return `v.getFloat${current.size * 8}(${at},true)`;
      case 'text':
        text ??= textReader();
        return `h.text(v,b,${at},${current.size})`;
      case 'bytes':
        return `b.slice(${at},${at}+${current.size})`;
      case 'enum': {
        const byValue = constant(
          new Map(
            current.values.map(({ name, value }) => [current.size === 8 ? value : Number(value), name]).reverse() as [
              bigint | number,
              string,
            ][],
          ),
        );
        return `h.name(${byValue},${readInt(current.size, current.signed, at)})`;
      }
      case 'list':
        return `h.list(v,b,${at},${current.length},${current.element.size},(v,b,o)=>${read(current.element, 'o')})`;
      case 'record':
        return `${record(current)}(v,b,${at})`;
    }
  };

  const field = ({ name, offset, shape: of, bits }: FieldShape): string => {
    const at = `o+${offset}`;
    // A computed key, so that a member called __proto__ is only a member.
    return `[${JSON.stringify(name)}]:${bits ? `h.bits(v,b,${at},${bits.firstBit},${bits.width},${constant(of)})` : read(of, at)}`;
  };

  const record = (of: Shape & { kind: 'record' }): string => {
    const known = names.get(of.id);
    if (known) return known;
    const name = `r${of.id}`;
    names.set(of.id, name);
    functions.push(`const ${name}=(v,b,o)=>({${of.fields.map(field).join(',')}});`);
    return name;
  };

  const root = shape.kind === 'record' ? record(shape) : `(v,b,o)=>${read(shape, 'o')}`;
  const helpers = { text, name: enumName, list, bits: readBits };
  return new Function('h', 'k', `"use strict";${functions.join('\n')}return ${root};`)(helpers, constants) as Decode<T>;
}

const enumName = <N extends number | bigint>(names: ReadonlyMap<N, string>, value: N): string | N => names.get(value) ?? value;

function list<T>(view: DataView, bytes: Uint8Array, at: number, length: number, size: number, read: Decode<T>): T[] {
  const values: T[] = [];
  for (let i = 0; i < length; i++) values.push(read(view, bytes, at + i * size));
  return values;
}

/** A bitfield, as its declared type would show the value. */
function readBits(_: DataView, bytes: Uint8Array, at: number, firstBit: number, width: number, shape: Shape): unknown {
  let raw = 0n;
  const last = Math.ceil((firstBit + width) / 8);
  for (let i = last - 1; i >= 0; i--) raw = (raw << 8n) | BigInt(bytes[at + i] as number);
  raw >>= BigInt(firstBit);
  const signed = 'signed' in shape && shape.signed;
  const value = signed ? BigInt.asIntN(width, raw) : BigInt.asUintN(width, raw);
  switch (shape.kind) {
    case 'bool':
      return value !== 0n;
    case 'bigint':
      return value;
    case 'enum':
      return shape.values.find((row) => row.value === value)?.name ?? (shape.size === 8 ? value : Number(value));
    default:
      return Number(value);
  }
}
