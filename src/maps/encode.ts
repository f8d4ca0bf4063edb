// JavaScript values -> bytes, by shape: keys and values of maps, variables of data sections.

import { utf8Bytes } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import type { FieldShape, Shape } from './values.js';

/**
 * Writes `value` at `at`; bytes that it does not cover keep what they hold.
 * @param path What is being written, for errors: `min_duration_ns`.
 * @throws {UsageError} when the value is of another kind or out of range.
 */
export function encodeValue(shape: Shape, value: unknown, view: DataView, at: number, path: string): void {
  const expected = (what: string) => new UsageError(`${path}: ${what} expected, not ${show(value)}`);
  switch (shape.kind) {
    case 'int': case 'bigint': return writeInt(view, at, shape.size, integer(value, shape.size * 8, shape.signed, path));
    case 'enum': return writeInt(view, at, shape.size, integer(shape.values.find((row) => row.name === value)?.value ?? value, shape.size * 8, shape.signed, path));
    case 'bool': {
      if (typeof value !== 'boolean') throw expected('a boolean');
      return writeInt(view, at, shape.size, value ? 1n : 0n);
    }
    case 'float': {
      if (typeof value !== 'number') throw expected('a number');
      return shape.size === 4 ? view.setFloat32(at, value, true) : view.setFloat64(at, value, true);
    }
    case 'text': {
      if (typeof value !== 'string') throw expected('a string');
      return writeBytes(view, at, utf8Bytes(value), shape.size, path);
    }
    case 'bytes': {
      if (!(value instanceof Uint8Array)) throw expected('a Uint8Array');
      return writeBytes(view, at, value, shape.size, path);
    }
    case 'list': {
      if (!Array.isArray(value) || value.length !== shape.length) throw expected(`an array of ${shape.length}`);
      for (const [i, element] of value.entries()) encodeValue(shape.element, element, view, at + i * shape.element.size, `${path}[${i}]`);
      return;
    }
    case 'record': {
      if (typeof value !== 'object' || value === null) throw expected('an object');
      for (const [name, member] of Object.entries(value)) {
        const field = shape.fields.find((candidate) => candidate.name === name);
        if (!field) throw new UsageError(`${path}: there is no member ${name}`, { remedy: `Members: ${shape.fields.map((candidate) => candidate.name).join(', ')}.` });
        writeField(field, member, view, at, `${path}.${name}`);
      }
    }
  }
}

/** The bytes of one value; what it does not set is zero. */
export function encoded(shape: Shape, value: unknown, path: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(shape.size);
  encodeValue(shape, value, new DataView(bytes.buffer), 0, path);
  return bytes;
}

function writeField({ offset, shape, bits }: FieldShape, value: unknown, view: DataView, at: number, path: string): void {
  if (!bits) return encodeValue(shape, value, view, at + offset, path);
  const named = shape.kind === 'enum' ? (shape.values.find((row) => row.name === value)?.value ?? value) : value;
  const number = typeof named === 'boolean' ? BigInt(named) : integer(named, bits.width, 'signed' in shape && shape.signed, path);
  const raw = BigInt.asUintN(bits.width, number) << BigInt(bits.firstBit);
  const mask = ((1n << BigInt(bits.width)) - 1n) << BigInt(bits.firstBit);
  for (let i = 0; i * 8 < bits.firstBit + bits.width; i++) {
    const byteMask = Number((mask >> BigInt(i * 8)) & 0xffn);
    const byte = Number((raw >> BigInt(i * 8)) & 0xffn);
    view.setUint8(at + offset + i, (view.getUint8(at + offset + i) & ~byteMask) | byte);
  }
}

function integer(value: unknown, bits: number, signed: boolean, path: string): bigint {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value))) throw new UsageError(`${path}: an integer of ${bits} bits expected, not ${show(value)}`);
  const wide = BigInt(value);
  if (wide !== (signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide))) throw new UsageError(`${path}: ${wide} does not fit ${signed ? 'a signed' : 'an unsigned'} integer of ${bits} bits`);
  return wide;
}

function writeInt(view: DataView, at: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i++) view.setUint8(at + i, Number((value >> BigInt(i * 8)) & 0xffn));
}

function writeBytes(view: DataView, at: number, bytes: Uint8Array, size: number, path: string): void {
  if (bytes.length > size) throw new UsageError(`${path}: ${bytes.length} bytes do not fit ${size}`);
  const target = new Uint8Array(view.buffer, view.byteOffset + at, size);
  target.fill(0);
  target.set(bytes);
}

const show = (value: unknown): string => (typeof value === 'bigint' ? `${value}n` : typeof value === 'string' ? JSON.stringify(value) : String(value));
