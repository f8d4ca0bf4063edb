// What JavaScript makes of a BTF type, decided once and shared by reading, writing and the types of the API.

import {
  type Btf,
  type BtfEnumerator,
  type BtfMember,
  type BtfOf,
  type BtfType,
  resolved,
  sizeOf,
  spell,
  type TypeId,
} from '../btf/index.js';
import { UnsupportedError } from '../errors.js';
import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED } from '../uapi/btf.js';

/**
 * The shape of a value in memory. `size` is in bytes.
 *
 * | C | JavaScript |
 * | --- | --- |
 * | integers up to 32 bits, float, double | number |
 * | 64- and 128-bit integers, pointers | bigint |
 * | bool | boolean |
 * | char[N] | string, up to the first NUL |
 * | unsigned char[N] | Uint8Array, a copy |
 * | other arrays | array |
 * | enum | the enumerator's name; the number where there is none |
 * | struct, union | object; members of anonymous members are its own |
 */
export type Shape =
  | { readonly kind: 'int'; readonly size: 1 | 2 | 4; readonly signed: boolean }
  | { readonly kind: 'bigint'; readonly size: 8 | 16; readonly signed: boolean }
  | { readonly kind: 'bool'; readonly size: number }
  | { readonly kind: 'float'; readonly size: 4 | 8 }
  | { readonly kind: 'enum'; readonly size: number; readonly signed: boolean; readonly values: readonly BtfEnumerator[] }
  | { readonly kind: 'text' | 'bytes'; readonly size: number }
  | { readonly kind: 'list'; readonly size: number; readonly element: Shape; readonly length: number }
  | { readonly kind: 'record'; readonly size: number; readonly id: TypeId; readonly fields: readonly FieldShape[] };

export interface FieldShape {
  readonly name: string;
  /** From the start of the record. */
  readonly offset: number;
  readonly shape: Shape;
  /** Present for bitfields: `firstBit` counts from `offset`, in the object's bit order. */
  readonly bits?: { readonly firstBit: number; readonly width: number };
}

/** A type whose every value would have more fields than this is an attack on our memory. */
const MOST_FIELDS = 1_000_000;
const MOST_NESTING = 32;
const BITFIELDS: ReadonlySet<Shape['kind']> = new Set(['int', 'bigint', 'bool', 'enum']);

/**
 * @throws {UnsupportedError} for what has no value: functions, forwards, void, and floats of odd sizes.
 * @throws {FormatError} for types in a circle.
 */
export function shapeOf(btf: Btf, id: TypeId): Shape {
  const shapes = new Map<TypeId, Shape>();
  const counts = new Map<Shape, number>(); // fields that a value has, its own and those inside
  let fields = 0;

  const visit = (typeId: TypeId, depth: number): Shape => {
    const type = resolved(btf, typeId);
    const known = shapes.get(type.id);
    if (known) return known;
    if (depth > MOST_NESTING)
      throw new UnsupportedError(`${spell(btf, id)} is nested more than ${MOST_NESTING} deep`, { where: btf.where });
    const shape = compute(type, depth);
    shapes.set(type.id, shape);
    return shape;
  };

  const compute = (type: BtfType, depth: number): Shape => {
    switch (type.kind) {
      case 'INT':
        return intShape(btf, type);
      case 'PTR':
        return { kind: 'bigint', size: 8, signed: false };
      case 'ENUM':
      case 'ENUM64':
        return { kind: 'enum', size: checkedWidth(btf, type), signed: type.signed, values: type.values };
      case 'FLOAT': {
        if (type.size !== 4 && type.size !== 8)
          throw new UnsupportedError(`${type.name} has ${type.size} bytes; JavaScript has no such number`, { where: btf.where });
        return { kind: 'float', size: type.size };
      }
      case 'ARRAY':
        return arrayShape(type, visit(type.type, depth + 1));
      case 'STRUCT':
      case 'UNION':
        return recordShape(type, fieldsOf(type, 0, depth));
      default:
        throw new UnsupportedError(`${spell(btf, type.id)} (${type.kind}) has no value`, { where: btf.where });
    }
  };

  const arrayShape = (type: BtfOf<'ARRAY'>, element: Shape): Shape => {
    const size = element.size * type.nelems;
    if (element.kind === 'int' && element.size === 1) {
      const byte = resolved(btf, type.type);
      return isChar(byte)
        ? { kind: 'text', size }
        : element.signed
          ? { kind: 'list', size, element, length: type.nelems }
          : { kind: 'bytes', size };
    }
    return counted({ kind: 'list', size, element, length: type.nelems }, type.nelems * countOf(element));
  };

  const recordShape = ({ id, size }: BtfOf<'STRUCT'> | BtfOf<'UNION'>, members: readonly FieldShape[]): Shape =>
    counted(
      { kind: 'record', size, id, fields: members },
      members.reduce((sum, { shape }) => sum + countOf(shape), 1),
    );

  const fieldsOf = (type: BtfOf<'STRUCT'> | BtfOf<'UNION'>, base: number, depth: number): FieldShape[] => {
    if (depth > MOST_NESTING)
      throw new UnsupportedError(`${spell(btf, id)} is nested more than ${MOST_NESTING} deep`, { where: btf.where });
    return type.members.flatMap((member): FieldShape[] => {
      checkCount(++fields);
      const at = base + Math.floor(member.bitOffset / 8);
      if (member.name === '') {
        const inner = resolved(btf, member.type);
        if (inner.kind !== 'STRUCT' && inner.kind !== 'UNION') return []; // padding bits
        checkEnd(member, member.bitOffset + 8 * inner.size, type);
        return fieldsOf(inner, at, depth + 1);
      }
      const shape = visit(member.type, depth + 1);
      checkEnd(member, member.bitOffset + (member.bitfieldSize || 8 * shape.size), type);
      if (member.bitfieldSize > 0) {
        const bits = { firstBit: member.bitOffset % 8, width: member.bitfieldSize };
        if (!BITFIELDS.has(shape.kind) || bits.width > 8 * shape.size)
          throw new UnsupportedError(`Bitfield ${member.name} takes ${bits.width} bits of ${spell(btf, member.type)}`, {
            where: btf.where,
          });
        return [{ name: member.name, offset: at, shape, bits }];
      }
      if (member.bitOffset % 8 !== 0)
        throw new UnsupportedError(`Member ${member.name} starts in the middle of a byte`, { where: btf.where });
      return [{ name: member.name, offset: at, shape }];
    });
  };

  const checkEnd = ({ name }: BtfMember, endBit: number, { kind, name: owner, size }: BtfOf<'STRUCT'> | BtfOf<'UNION'>) => {
    if (endBit > 8 * size)
      throw new UnsupportedError(`Member ${name || '<anon>'} ends past its ${kind.toLowerCase()} ${owner || '<anon>'}`, {
        where: btf.where,
      });
  };
  const countOf = (shape: Shape): number => counts.get(shape) ?? 1;
  const counted = (shape: Shape, count: number): Shape => {
    checkCount(count);
    counts.set(shape, count);
    return shape;
  };
  const checkCount = (count: number) => {
    if (count > MOST_FIELDS)
      throw new UnsupportedError(`${spell(btf, id)} has more than ${MOST_FIELDS} fields`, { where: btf.where });
  };

  sizeOf(btf, id); // refuses circles and sizes past 4 GiB before anything is built
  return visit(id, 0);
}

/** clang calls it `char` and marks it signed; other compilers set the CHAR bit. */
const isChar = (type: BtfType): boolean => type.kind === 'INT' && (type.name === 'char' || (type.encoding & BTF_INT_CHAR) !== 0);

function intShape(btf: Btf, type: BtfOf<'INT'>): Shape {
  const { size, encoding, bits, bitOffset } = type;
  // As old compilers said bitfields: a few bits somewhere in an integer.
  if (bits !== 8 * size || bitOffset !== 0)
    throw new UnsupportedError(`Integer ${type.name} is ${bits} bits at bit ${bitOffset} of ${size} bytes`, { where: btf.where });
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8 && size !== 16)
    throw new UnsupportedError(`Integer ${type.name} has ${size} bytes`, { where: btf.where });
  const signed = (encoding & BTF_INT_SIGNED) !== 0;
  if (encoding & BTF_INT_BOOL) return { kind: 'bool', size };
  return size === 8 || size === 16 ? { kind: 'bigint', size, signed } : { kind: 'int', size, signed };
}

function checkedWidth(btf: Btf, { name, size }: BtfOf<'ENUM'> | BtfOf<'ENUM64'>): number {
  if (![1, 2, 4, 8].includes(size))
    throw new UnsupportedError(`Enum ${name || '<anon>'} has ${size} bytes`, { where: btf.where });
  return size;
}
