import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Btf, type BtfTypeInput, encodeBtf, parseBtf, parseBtfExt } from '../../src/btf/index.js';
import { fromHex, hex, region } from '../../src/bytes/index.js';
import { btfOf, INT, int, struct } from '../support/btf-types.js';

/** What is read back, without ids: what `encodeBtf` takes. */
const typesOf = (btf: Btf): BtfTypeInput[] =>
  Array.from({ length: btf.length - btf.firstId }, (_, i) => {
    const { id: _id, ...type } = btf.type(btf.firstId + i);
    return type as BtfTypeInput;
  });

describe('vectors', () => {
  // Little-endian words of the type section; name offsets count from the empty string at 0.
  it.each<[string, BtfTypeInput, string]>([
    ['INT', INT, '01000000 00000001 04000000 20000001'],
    ['a bool', { kind: 'INT', name: 'b', size: 1, bits: 8, bitOffset: 0, encoding: 4 }, '01000000 00000001 01000000 08000004'],
    [
      'an INT with an offset',
      { kind: 'INT', name: 'i', size: 4, bits: 3, bitOffset: 5, encoding: 0 },
      '01000000 00000001 04000000 03000500',
    ],
    ['PTR', { kind: 'PTR', name: '', type: 7 }, '00000000 00000002 07000000'],
    [
      'ARRAY',
      { kind: 'ARRAY', name: '', type: 1, indexType: 2, nelems: 16 },
      '00000000 00000003 00000000 01000000 02000000 10000000',
    ],
    [
      'STRUCT',
      struct('s', 8, ['a', 1, 0], ['', 2, 4]),
      '01000000 02000004 08000000 03000000 01000000 00000000 00000000 02000000 20000000',
    ],
    [
      'a bitfield',
      struct('s', 4, ['a', 1, 0, 3], ['b', 1, 1]),
      '01000000 02000084 04000000 03000000 01000000 00000003 05000000 01000000 08000000',
    ],
    ['UNION', { kind: 'UNION', name: 'u', size: 4, members: [] }, '01000000 00000005 04000000'],
    [
      'ENUM',
      { kind: 'ENUM', name: 'e', size: 4, signed: false, values: [{ name: 'A', value: 0xffffffffn }] },
      '01000000 01000006 04000000 03000000 ffffffff',
    ],
    [
      'a signed ENUM',
      { kind: 'ENUM', name: 'e', size: 4, signed: true, values: [{ name: 'A', value: -1n }] },
      '01000000 01000086 04000000 03000000 ffffffff',
    ],
    ['FWD', { kind: 'FWD', name: 'f', union: false }, '01000000 00000007 00000000'],
    ['FWD of a union', { kind: 'FWD', name: 'f', union: true }, '01000000 00000087 00000000'],
    ['TYPEDEF', { kind: 'TYPEDEF', name: 't', type: 1 }, '01000000 00000008 01000000'],
    ['VOLATILE', { kind: 'VOLATILE', name: '', type: 1 }, '00000000 00000009 01000000'],
    ['CONST', { kind: 'CONST', name: '', type: 0 }, '00000000 0000000a 00000000'],
    ['RESTRICT', { kind: 'RESTRICT', name: '', type: 1 }, '00000000 0000000b 01000000'],
    ['FUNC', { kind: 'FUNC', name: 'f', type: 2, linkage: 1 }, '01000000 0100000c 02000000'],
    [
      'FUNC_PROTO',
      {
        kind: 'FUNC_PROTO',
        name: '',
        type: 0,
        params: [
          { name: 'a', type: 1 },
          { name: '', type: 0 },
        ],
      },
      '00000000 0200000d 00000000 01000000 01000000 00000000 00000000',
    ],
    ['VAR', { kind: 'VAR', name: 'v', type: 1, linkage: 2 }, '01000000 0000000e 01000000 02000000'],
    [
      'DATASEC',
      { kind: 'DATASEC', name: '.bss', size: 8, vars: [{ type: 2, offset: 4, size: 4 }] },
      '01000000 0100000f 08000000 02000000 04000000 04000000',
    ],
    ['FLOAT', { kind: 'FLOAT', name: 'd', size: 8 }, '01000000 00000010 08000000'],
    [
      'DECL_TAG',
      { kind: 'DECL_TAG', name: 't', type: 1, component: -1, attribute: false },
      '01000000 00000011 01000000 ffffffff',
    ],
    ['TYPE_TAG', { kind: 'TYPE_TAG', name: 'user', type: 1, attribute: false }, '01000000 00000012 01000000'],
    ['a C attribute', { kind: 'TYPE_TAG', name: 'a', type: 1, attribute: true }, '01000000 00000092 01000000'],
    [
      'ENUM64',
      { kind: 'ENUM64', name: 'e', size: 8, signed: true, values: [{ name: 'A', value: -2n }] },
      '01000000 01000093 08000000 03000000 feffffff ffffffff',
    ],
    [
      'an unsigned ENUM64',
      { kind: 'ENUM64', name: 'e', size: 8, signed: false, values: [{ name: 'A', value: 0x8000000000000001n }] },
      '01000000 01000013 08000000 03000000 01000000 00000080',
    ],
  ])('%s', (_, type, words) => {
    const bytes = encodeBtf([type]);
    const length = new DataView(bytes.buffer).getUint32(12, true);
    expect(hex(bytes.subarray(24, 24 + length))).toBe(words.replaceAll(' ', ''));
    expect(typesOf(parseBtf(region(bytes)))).toEqual([type]);
  });

  it('a whole blob, in both orders', () => {
    const strings = '00696e7400'; // "", "int"
    expect(hex(encodeBtf([INT]))).toBe(
      `9feb0100180000000000000010000000100000000500000001000000000000010400000020000001${strings}`,
    );
    expect(hex(encodeBtf([INT], { littleEndian: false }))).toBe(
      `eb9f0100000000180000000000000010000000100000000500000001010000000000000401000020${strings}`,
    );
  });

  it('each string is stored once', () => {
    const bytes = encodeBtf([int('x', 4), int('x', 8), struct('x', 4, ['x', 1])]);
    expect(hex(bytes.subarray(bytes.length - 3))).toBe('007800');
  });

  it('numbers that do not fit are refused', () => {
    expect(() => encodeBtf([int('i', 2 ** 32)])).toThrow('INT i: 4294967296 does not fit 32 bits');
    expect(() => encodeBtf([struct('s', 4, ['b', 1, 2 ** 21, 1])])).toThrow(
      'STRUCT s: a bitfield of 1 bits at bit 16777216 does not fit (member b)',
    );
    expect(() => encodeBtf([int('a\0b', 4)])).toThrow('NUL');
  });

  it('what is no BTF is refused', () => {
    const parse = (text: string) => () => parseBtf(region(fromHex(text), { file: 'x' }));
    const header = '9feb0100 18000000';
    expect(parse('')).toThrow('Not BTF: it must start with eb9f in either byte order (file x)');
    expect(parse('7f454c46')).toThrow('Not BTF');
    expect(parse('9feb0100')).toThrow('Cannot read the BTF header: 24 bytes at 0, but there are 4');
    expect(parse('9feb0200 18000000 00000000 00000000 00000000 01000000 00')).toThrow('BTF version 2; only 1 is known');
    expect(parse('9feb0100 10000000 00000000 00000000 00000000 01000000 00')).toThrow(
      'BTF header length 16, at least 24 expected',
    );
    expect(parse(`${header} 02000000 00000000 00000000 01000000 00`)).toThrow('not a multiple of 4');
    expect(parse(`${header} 00000000 04000000 00000000 01000000 00`)).toThrow(
      'BTF types end at 4, inside the strings that start at 0',
    );
    expect(parse(`${header} 00000000 00000000 00000000 00000000`)).toThrow('BTF strings must end with a NUL');
    expect(parse(`${header} 00000000 00000000 00000000 02000000 6100`)).toThrow('BTF strings must start with the empty string');
    expect(parse(`${header} 00000000 04000000 04000000 01000000 00000000 00`)).toThrow(
      'The last 4 bytes of the BTF types are no type',
    );
    expect(parse(`${header} 00000000 0c000000 0c000000 01000000 00000000 00000001 00000000 00`)).toThrow(
      'Type 1 runs 4 bytes over the end',
    );
    expect(parse(`${header} 00000000 0c000000 0c000000 01000000 00000000 00000014 00000000 00`)).toThrow(
      'Type 1 is of BTF kind 20, which is not known',
    );
    expect(() => parseBtfExt(region(fromHex('00')), btfOf([]))).toThrow('Not .BTF.ext');
  });
});

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const id = fc.nat(50);
const name = fc.oneof(fc.constant(''), fc.stringMatching(/^[a-zA-Z_.][a-zA-Z0-9_.]{0,20}$/), fc.constant('größe'));
const list = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 6 });
const bitfields = list(fc.record({ name, type: id, bitOffset: fc.nat(0xffffff), bitfieldSize: fc.nat(255) }));
const plain = list(fc.record({ name, type: id, bitOffset: u32, bitfieldSize: fc.constant(0) }));
const enumeration = (size: 4 | 8) =>
  fc.boolean().chain((signed) => {
    const bits = BigInt(size * 8);
    const value = signed ? fc.bigInt(-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n) : fc.bigInt(0n, 2n ** bits - 1n);
    return fc.record({ signed: fc.constant(signed), values: list(fc.record({ name, value })) });
  });
const of = <K extends BtfTypeInput['kind']>(kind: K) => fc.constant(kind);

/** Any type that BTF can hold, of every kind. */
const anyType: fc.Arbitrary<BtfTypeInput> = fc.oneof(
  fc.record({ kind: of('INT'), name, size: u32, bits: fc.nat(255), bitOffset: fc.nat(255), encoding: fc.nat(15) }),
  fc.record({
    kind: fc.constantFrom('PTR' as const, 'VOLATILE' as const, 'CONST' as const, 'RESTRICT' as const, 'TYPEDEF' as const),
    name,
    type: id,
  }),
  fc.record({ kind: of('TYPE_TAG'), name, type: id, attribute: fc.boolean() }),
  fc.record({ kind: of('ARRAY'), name, type: id, indexType: id, nelems: u32 }),
  fc.record({ kind: fc.constantFrom('STRUCT' as const, 'UNION' as const), name, size: u32, members: fc.oneof(plain, bitfields) }),
  enumeration(4).chain((rest) => fc.record({ kind: of('ENUM'), name, size: u32 }).map((head) => ({ ...head, ...rest }))),
  enumeration(8).chain((rest) => fc.record({ kind: of('ENUM64'), name, size: u32 }).map((head) => ({ ...head, ...rest }))),
  fc.record({ kind: of('FWD'), name, union: fc.boolean() }),
  fc.record({ kind: of('FUNC'), name, type: id, linkage: fc.nat(2) }),
  fc.record({ kind: of('FUNC_PROTO'), name, type: id, params: list(fc.record({ name, type: id })) }),
  fc.record({ kind: of('VAR'), name, type: id, linkage: u32 }),
  fc.record({ kind: of('DATASEC'), name, size: u32, vars: list(fc.record({ type: id, offset: u32, size: u32 })) }),
  fc.record({ kind: of('FLOAT'), name, size: u32 }),
  fc.record({
    kind: of('DECL_TAG'),
    name,
    type: id,
    component: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    attribute: fc.boolean(),
  }),
);

describe.each([
  ['little', true],
  ['big', false],
] as const)('%s-endian', (_, littleEndian) => {
  it('parsing gives back what was encoded', () => {
    fc.assert(
      fc.property(list(anyType), (types) => {
        expect(typesOf(btfOf(types, { littleEndian }))).toEqual(types);
      }),
    );
  });

  it('of split BTF too, whose ids and strings continue the base', () => {
    fc.assert(
      fc.property(list(anyType), list(anyType), (below, types) => {
        const base = btfOf(below);
        const split = btfOf(types, { littleEndian, base });
        expect(split.firstId).toBe(base.length);
        expect(split.length).toBe(base.length + types.length);
        expect(typesOf(split)).toEqual(types);
        for (let i = 1; i < base.length; i++) expect(split.type(i)).toEqual(base.type(i));
      }),
    );
  });

  it('toBytes gives a blob that reads the same', () => {
    fc.assert(
      fc.property(list(anyType), (types) => {
        expect(typesOf(parseBtf(region(btfOf(types, { littleEndian }).toBytes())))).toEqual(types);
      }),
    );
  });
});
