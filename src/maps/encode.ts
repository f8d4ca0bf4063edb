// JavaScript values -> bytes, by shape: keys and values of maps, variables of data sections.

import { nearest, utf8Bytes } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import type { FieldShape, Shape } from './values.js';

type Write<K extends Shape['kind']> = (
  shape: Shape & { readonly kind: K },
  value: unknown,
  view: DataView,
  at: number,
  path: string,
) => void;

const refuse = (path: string, what: string, value: unknown) => new UsageError(`${path}: ${what} expected, not ${show(value)}`);

const writeScalar: Write<'int' | 'bigint'> = (shape, value, view, at, path) =>
  writeInt(view, at, shape.size, integer(value, shape.size * 8, shape.signed, path));

const WRITE: { readonly [K in Shape['kind']]: Write<K> } = {
  int: writeScalar,
  bigint: writeScalar,
  enum: (shape, value, view, at, path) =>
    writeInt(view, at, shape.size, integer(enumNumber(shape, value, path), shape.size * 8, shape.signed, path)),
  bool: (shape, value, view, at, path) => {
    if (typeof value !== 'boolean') throw refuse(path, 'a boolean', value);
    writeInt(view, at, shape.size, value ? 1n : 0n);
  },
  float: (shape, value, view, at, path) => {
    if (typeof value !== 'number') throw refuse(path, 'a number', value);
    if (shape.size === 4) view.setFloat32(at, value, true);
    else view.setFloat64(at, value, true);
  },
  text: (shape, value, view, at, path) => {
    if (typeof value !== 'string') throw refuse(path, 'a string', value);
    writeBytes(view, at, utf8Bytes(value), shape.size, path);
  },
  bytes: (shape, value, view, at, path) => {
    if (!(value instanceof Uint8Array)) throw refuse(path, 'a Uint8Array', value);
    writeBytes(view, at, value, shape.size, path);
  },
  list: ({ element, length }, value, view, at, path) => {
    if (!Array.isArray(value) || value.length !== length) throw refuse(path, `an array of ${length}`, value);
    for (const [i, item] of value.entries()) encodeValue(element, item, view, at + i * element.size, `${path}[${i}]`);
  },
  record: ({ fields }, value, view, at, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(path, 'an object', value);
    for (const [name, member] of Object.entries(value)) {
      const [field, twin] = fields.filter((candidate) => candidate.name === name);
      if (twin) throw new UsageError(`${path}: there are several members ${name}`, { remedy: 'Write all of it as bytes.' });
      if (!field)
        throw new UsageError(`${path}: there is no member ${name}`, {
          remedy: `Members: ${fields.map((candidate) => candidate.name).join(', ')}.`,
        });
      writeField(field, member, view, at, `${path}.${name}`);
    }
  },
};

/**
 * Writes `value` at `at`; bytes that it does not cover keep what they hold.
 * @param path What is being written, for errors: `min_duration_ns`.
 * @throws {UsageError} when the value is of another kind or out of range.
 */
export function encodeValue(shape: Shape, value: unknown, view: DataView, at: number, path: string): void {
  (WRITE[shape.kind] as Write<Shape['kind']>)(shape, value, view, at, path);
}

/** Enumerators that are all listed. */
const MOST_LISTED = 12;

/** What a name stands for; a number stands for itself, whether it has a name or not. */
function enumNumber({ values }: Shape & { readonly kind: 'enum' }, value: unknown, path: string): unknown {
  if (typeof value !== 'string') return value;
  const found = values.find((row) => row.name === value);
  if (found) return found.value;
  const names = values.map((row) => row.name);
  const meant = nearest(value, names);
  const listed = `${names.slice(0, MOST_LISTED).join(', ')}${names.length > MOST_LISTED ? ', …' : ''}`;
  throw new UsageError(`${path}: there is no enumerator ${show(value)}`, {
    remedy: names.length > MOST_LISTED && meant !== undefined ? `Did you mean ${meant}?` : `Enumerators: ${listed}; or a number.`,
  });
}

/** The bytes of one value; what it does not set is zero. */
export function encoded(shape: Shape, value: unknown, path: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(shape.size);
  encodeValue(shape, value, new DataView(bytes.buffer), 0, path);
  return bytes;
}

function writeField({ offset, shape, bits }: FieldShape, value: unknown, view: DataView, at: number, path: string): void {
  if (!bits) {
    encodeValue(shape, value, view, at + offset, path);
    return;
  }
  const number = bitfieldNumber(shape, bits.width, value, path);
  const raw = BigInt.asUintN(bits.width, number) << BigInt(bits.firstBit);
  const mask = ((1n << BigInt(bits.width)) - 1n) << BigInt(bits.firstBit);
  for (let i = 0; i * 8 < bits.firstBit + bits.width; i++) {
    const byteMask = Number((mask >> BigInt(i * 8)) & 0xffn);
    const byte = Number((raw >> BigInt(i * 8)) & 0xffn);
    view.setUint8(at + offset + i, (view.getUint8(at + offset + i) & ~byteMask) | byte);
  }
}

function bitfieldNumber(shape: Shape, width: number, value: unknown, path: string): bigint {
  if (shape.kind !== 'bool')
    return integer(
      shape.kind === 'enum' ? enumNumber(shape, value, path) : value,
      width,
      'signed' in shape && shape.signed,
      path,
    );
  if (typeof value !== 'boolean') throw refuse(path, 'a boolean', value);
  return BigInt(value);
}

function integer(value: unknown, bits: number, signed: boolean, path: string): bigint {
  if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value)))
    throw new UsageError(`${path}: an integer of ${bits} bits expected, not ${show(value)}`);
  const wide = BigInt(value);
  if (wide !== (signed ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide)))
    throw new UsageError(`${path}: ${wide} does not fit ${signed ? 'a signed' : 'an unsigned'} integer of ${bits} bits`);
  return wide;
}

/** One store where the processor has one: a program that reads the variable meanwhile must not see half of it. */
function writeInt(view: DataView, at: number, size: number, value: bigint): void {
  if (size === 1) view.setUint8(at, Number(BigInt.asUintN(8, value)));
  else if (size === 2) view.setUint16(at, Number(BigInt.asUintN(16, value)), true);
  else if (size === 4) view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
  else for (let i = 0; i < size; i += 8) view.setBigUint64(at + i, BigInt.asUintN(64, value >> BigInt(8 * i)), true);
}

function writeBytes(view: DataView, at: number, bytes: Uint8Array, size: number, path: string): void {
  if (bytes.length > size) throw new UsageError(`${path}: ${bytes.length} bytes do not fit ${size}`);
  const target = new Uint8Array(view.buffer, view.byteOffset + at, size);
  target.fill(0);
  target.set(bytes);
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
