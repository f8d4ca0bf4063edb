// Types and values of them, made up by fast-check: what a program might declare, laid out as packed as it can be.

import fc from 'fast-check';
import type { Btf, TypeId } from '../../src/btf/index.js';
import { utf8Bytes } from '../../src/bytes/index.js';
import { BtfBuilder, type Member } from './build-btf.js';

export interface Field {
  /** Empty for an anonymous struct or union. */
  readonly name: string;
  readonly type: Type;
  readonly bits?: number;
}
export type Type =
  | { readonly kind: 'int'; readonly size: 1 | 2 | 4 | 8 | 16; readonly signed: boolean }
  | { readonly kind: 'bool' | 'pointer' }
  | { readonly kind: 'float'; readonly size: 4 | 8 }
  | {
      readonly kind: 'enum';
      readonly size: 1 | 2 | 4 | 8;
      readonly signed: boolean;
      readonly values: Readonly<Record<string, bigint>>;
    }
  | { readonly kind: 'text' | 'bytes'; readonly length: number }
  | { readonly kind: 'list'; readonly element: Type; readonly length: number }
  | { readonly kind: 'struct' | 'union'; readonly members: readonly Field[] };

const range = (bits: number, signed: boolean): readonly [bigint, bigint] =>
  signed ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n] : [0n, (1n << BigInt(bits)) - 1n];

const anInt = fc.record({ kind: fc.constant('int' as const), size: fc.constantFrom(1, 2, 4, 8, 16), signed: fc.boolean() });
const anEnum = fc
  .record({
    size: fc.constantFrom(1, 2, 4, 8),
    signed: fc.boolean(),
    seeds: fc.uniqueArray(fc.nat(127), { minLength: 1, maxLength: 4 }),
  })
  .map(({ size, signed, seeds }) => {
    const values = seeds.map((seed, i) => [`E${i}`, signed && i % 2 ? BigInt(-seed - 1) : BigInt(seed)] as const);
    return { kind: 'enum' as const, size, signed, values: Object.fromEntries(values) };
  });
const aLeaf: fc.Arbitrary<Type> = fc.oneof(
  anInt,
  anEnum,
  fc.constant({ kind: 'bool' as const }),
  fc.constant({ kind: 'pointer' as const }),
  fc.record({ kind: fc.constant('float' as const), size: fc.constantFrom(4, 8) }),
  fc.record({ kind: fc.constantFrom('text' as const, 'bytes' as const), length: fc.integer({ min: 0, max: 9 }) }),
);
/** Every other bitfield starts where the one before ended, in the middle of a byte. */
const aBitfield = fc
  .tuple(
    fc.oneof(
      anInt.filter(({ size }) => size <= 8),
      anEnum,
      fc.constant({ kind: 'bool' as const }),
    ),
    fc.nat(),
  )
  .map(([type, seed]) => ({ type: type as Type, bits: type.kind === 'bool' ? 1 : 1 + (seed % (8 * type.size)) }));

const { composite } = fc.letrec<{ type: Type; composite: Type }>((tie) => ({
  type: fc.oneof({ depthSize: 'small' }, aLeaf, tie('composite')),
  composite: fc.oneof(
    fc.record({ kind: fc.constant('list' as const), element: tie('type'), length: fc.nat(3) }),
    fc.record({
      kind: fc.constantFrom('struct' as const, 'struct' as const, 'union' as const),
      members: fc.array(
        fc.oneof(
          tie('type').map((type) => ({ name: 'named', type })),
          tie('type').map((type) => ({ name: type.kind === 'struct' || type.kind === 'union' ? '' : 'named', type })),
          aBitfield.map((bitfield) => ({ name: 'named', ...bitfield })),
        ),
        { minLength: 1, maxLength: 5 },
      ),
    }),
  ),
}));
let names = 0;
/** Any type. Members have names that are unique everywhere, and now and then an unkind one. */
export const aType: fc.Arbitrary<Type> = fc.oneof(aLeaf, composite, composite).map((type) => {
  names = 0;
  return named(type);
});
const UNKIND = ['__proto__', 'constructor', 'a b', '"'];
function named(type: Type): Type {
  if (type.kind === 'list' && type.element.kind === 'int' && type.element.size === 1 && !type.element.signed)
    return { kind: 'bytes', length: type.length };
  if (type.kind === 'list') return { ...type, element: named(type.element) };
  if (type.kind !== 'struct' && type.kind !== 'union') return type;
  const members = type.members.map(({ name, type: of, ...rest }) => ({
    ...rest,
    name: name && (UNKIND[names++] ?? `m${names}`),
    type: named(of),
  }));
  return { ...type, members };
}

/** What a member of an anonymous struct or union is called by: its outermost named one. */
const isEmpty = (type: Type): boolean => (type.kind === 'struct' || type.kind === 'union') && type.members.length === 0;

/** Values of a type. Unions have one of their members set. */
export function aValueOf(type: Type): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'int':
      return intOf(type.size * 8, type.signed, type.size > 4);
    case 'pointer':
      return intOf(64, false, true);
    case 'bool':
      return fc.boolean();
    case 'float':
      return type.size === 4 ? fc.float() : fc.double();
    case 'enum':
      return enumOf(type, type.size * 8);
    case 'text':
      return fc
        .string({ unit: 'binary', maxLength: type.length })
        .filter((text) => !text.includes('\0') && utf8Bytes(text).length <= type.length);
    case 'bytes':
      return fc.uint8Array({ minLength: type.length, maxLength: type.length });
    case 'list':
      return fc.array(aValueOf(type.element), { minLength: type.length, maxLength: type.length });
    default:
      return fieldsOf(type).map((entries) => withEntries(entries));
  }
}
const intOf = (bits: number, signed: boolean, wide: boolean): fc.Arbitrary<unknown> => {
  const [min, max] = range(bits, signed);
  return fc.bigInt({ min, max }).map((value) => (wide ? value : Number(value)));
};
const enumOf = ({ values, size, signed }: Type & { kind: 'enum' }, bits: number): fc.Arbitrary<unknown> => {
  const [min, max] = range(bits, signed);
  const rows = Object.entries(values).filter(([, value]) => value >= min && value <= max);
  const number = fc
    .bigInt({ min, max })
    .map((value) => rows.find(([, known]) => known === value)?.[0] ?? (size === 8 ? value : Number(value)));
  return rows.length > 0 ? fc.oneof(fc.constantFrom(...rows.map(([name]) => name)), number) : number;
};

type Entries = readonly (readonly [string, unknown])[];
function fieldsOf({ kind, members }: Type & { kind: 'struct' | 'union' }): fc.Arbitrary<Entries> {
  const all = members.filter(({ type }) => !isEmpty(type)).map(fieldOf);
  if (kind === 'union') return all.length > 0 ? fc.oneof(...all) : fc.constant([]);
  return fc.tuple(...all).map((lists) => lists.flat());
}
function fieldOf({ name, type, bits }: Field): fc.Arbitrary<Entries> {
  if (name === '' && (type.kind === 'struct' || type.kind === 'union')) return fieldsOf(type);
  const value =
    bits === undefined || type.kind === 'bool'
      ? aValueOf(type)
      : type.kind === 'enum'
        ? enumOf(type, bits)
        : type.kind === 'int'
          ? intOf(bits, type.signed, type.size > 4)
          : aValueOf(type);
  return value.map((content) => [[name, content]]);
}
/** Object.fromEntries defines, so that `__proto__` is an own property like any other. */
const withEntries = (entries: Entries): object => Object.fromEntries(entries);

/** Of what was read only what `value` has: the other members of a union show the same bytes in their way. */
export function pick(read: unknown, value: unknown): unknown {
  if (Array.isArray(value)) return (read as unknown[]).map((item, i) => pick(item, value[i]));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return read;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, pick(Object.getOwnPropertyDescriptor(read, name)?.value, member)]),
  );
}

/** The type as BTF, laid out without holes: a bitfield may start and end anywhere, the rest starts at a byte. */
export function build(type: Type): { readonly btf: Btf; readonly id: TypeId } {
  const builder = new BtfBuilder();
  const { id } = define(builder, type);
  return { btf: builder.build(), id };
}

interface Defined {
  readonly id: TypeId;
  readonly size: number;
}
function define(b: BtfBuilder, type: Type): Defined {
  switch (type.kind) {
    case 'int':
      return { id: b.int(`int${8 * type.size}`, type.size, type.signed), size: type.size };
    case 'bool':
      return { id: b.bool(), size: 1 };
    case 'pointer':
      return { id: b.pointer(0), size: 8 };
    case 'float':
      return { id: b.float('float', type.size), size: type.size };
    case 'enum':
      return { id: b.enum('e', type.size, type.values, type.signed), size: type.size };
    case 'text':
      return { id: b.array(b.int('char', 1, true), type.length), size: type.length };
    case 'bytes':
      return { id: b.array(b.int('unsigned char', 1), type.length), size: type.length };
    case 'list': {
      const element = define(b, type.element);
      return { id: b.array(element.id, type.length), size: element.size * type.length };
    }
    default:
      return defineComposite(b, type);
  }
}
function defineComposite(b: BtfBuilder, { kind, members }: Type & { kind: 'struct' | 'union' }): Defined {
  let bit = 0;
  let end = 0;
  const laid = members.map(({ name, type, bits }): Member => {
    const { id, size } = define(b, type);
    if (kind === 'union') bit = 0;
    else if (bits === undefined) bit = Math.ceil(bit / 8) * 8;
    const member = { name, type: id, bitOffset: bit, ...(bits !== undefined && { bits }) };
    bit += bits ?? size * 8;
    end = Math.max(end, bit);
    return member;
  });
  const size = Math.ceil(end / 8);
  return { id: kind === 'struct' ? b.struct('s', size, laid) : b.union('u', size, laid), size };
}
