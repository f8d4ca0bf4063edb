import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, hex } from '../../src/bytes/index.js';
import { UnsupportedError, UsageError } from '../../src/errors.js';
import { compileDecoder, encoded, encodeValue, type Shape, shapeOf } from '../../src/maps/index.js';
import { BtfBuilder } from './build-btf.js';
import { aType, aValueOf, build, pick, type Type } from './types.js';

const decode = (shape: Shape, bytes: Uint8Array): unknown =>
  compileDecoder(shape)(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes, 0);

/** `name`, the shape of a type, and pairs of bytes and value, read both ways. */
type Vectors = readonly (readonly [name: string, type: (btf: BtfBuilder) => number, hexText: string, value: unknown])[];

const VECTORS: Vectors = [
  ['u8', (b) => b.int('unsigned char', 1), 'ff', 255],
  ['s8', (b) => b.int('signed char', 1, true), 'ff', -1],
  ['u16', (b) => b.int('unsigned short', 2), '0180', 0x8001],
  ['s16', (b) => b.int('short', 2, true), '0180', -0x7fff],
  ['u32', (b) => b.int('unsigned int', 4), 'feffffff', 0xfffffffe],
  ['s32', (b) => b.int('int', 4, true), 'feffffff', -2],
  ['u64', (b) => b.int('unsigned long', 8), 'feffffffffffffff', 0xfffffffffffffffen],
  ['s64', (b) => b.int('long', 8, true), 'feffffffffffffff', -2n],
  ['u128', (b) => b.int('unsigned __int128', 16), 'ffffffffffffffff0100000000000000', 0x1ffffffffffffffffn],
  ['s128', (b) => b.int('__int128', 16, true), 'feffffffffffffffffffffffffffffff', -2n],
  ['bool', (b) => b.bool(), '01', true],
  ['float', (b) => b.float('float', 4), '0000c03f', 1.5],
  ['double', (b) => b.float('double', 8), '000000000000f8bf', -1.5],
  ['pointer', (b) => b.pointer(b.int('int', 4, true)), '00f0ffffffffffff', 0xfffffffffffff000n],
  ['char array', (b) => b.array(b.int('char', 1, true), 6), '626173680000', 'bash'],
  ['char array without a NUL', (b) => b.array(b.int('char', 1, true), 4), '62617368', 'bash'],
  ['UTF-8 in a char array', (b) => b.array(b.int('char', 1, true), 4), 'c3a42d00', 'ä-'],
  ['byte array', (b) => b.array(b.int('unsigned char', 1), 3), '0001ff', Uint8Array.of(0, 1, 255)],
  ['signed bytes', (b) => b.array(b.int('signed char', 1, true), 3), '0001ff', [0, 1, -1]],
  ['int array', (b) => b.array(b.int('short', 2, true), 2), '0100ffff', [1, -1]],
  [
    'array of arrays',
    (b) => b.array(b.array(b.int('short', 2, true), 2), 2),
    '0100020003000400',
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['empty array', (b) => b.array(b.int('int', 4, true), 0), '', []],
  ['enum', (b) => b.enum('color', 4, { RED: 0n, BLUE: 7n }, false), '07000000', 'BLUE'],
  ['enum without the value', (b) => b.enum('color', 4, { RED: 0n }, false), 'ffffffff', 0xffffffff],
  ['signed enum', (b) => b.enum('level', 4, { LOW: -1n }, true), 'ffffffff', 'LOW'],
  ['enum of one byte', (b) => b.enum('tiny', 1, { ON: 255n }, false), 'ff', 'ON'],
  ['enum64', (b) => b.enum('wide', 8, { BIG: 0x100000000n }, false), '0000000001000000', 'BIG'],
  ['signed enum64', (b) => b.enum('wide', 8, { LOW: -2n }, true), 'feffffffffffffff', 'LOW'],
  ['enum64 without the value', (b) => b.enum('wide', 8, { BIG: 1n }, false), '0000000001000000', 0x100000000n],
  ['typedef of const', (b) => b.typedef('pid_t', b.const(b.int('int', 4, true))), '07000000', 7],
  [
    'nested struct',
    (b) => {
      const u16 = b.int('unsigned short', 2);
      const inner = b.struct('inner', 4, [
        { name: 'x', type: u16, bitOffset: 0 },
        { name: 'y', type: u16, bitOffset: 16 },
      ]);
      return b.struct('outer', 6, [
        { name: 'a', type: u16, bitOffset: 0 },
        { name: 'in', type: inner, bitOffset: 16 },
      ]);
    },
    '010002000300',
    { a: 1, in: { x: 2, y: 3 } },
  ],
  [
    'anonymous members',
    (b) => {
      const u16 = b.int('unsigned short', 2);
      const inner = b.struct('', 4, [
        { name: 'x', type: u16, bitOffset: 0 },
        { name: 'y', type: u16, bitOffset: 16 },
      ]);
      const either = b.union('', 4, [
        { name: '', type: inner, bitOffset: 0 },
        { name: 'both', type: b.int('unsigned int', 4), bitOffset: 0 },
      ]);
      return b.struct('outer', 6, [
        { name: 'a', type: u16, bitOffset: 0 },
        { name: '', type: either, bitOffset: 16 },
      ]);
    },
    '010002000300',
    { a: 1, x: 2, y: 3, both: 0x30002 },
  ],
  // 0xb5 = 10110101, 0x03 = 00000011: low 3 bits 101, next 7 bits 1110110 (two bytes), then 6 bits 0.
  [
    'bitfields across bytes',
    (b) => {
      const u32 = b.int('unsigned int', 4);
      const s32 = b.int('int', 4, true);
      return b.struct('bits', 4, [
        { name: 'low', type: u32, bitOffset: 0, bits: 3 },
        { name: 'mid', type: s32, bitOffset: 3, bits: 7 },
        { name: 'high', type: u32, bitOffset: 10, bits: 22 },
      ]);
    },
    'b503feff',
    { low: 5, mid: -10, high: 0x3fff80 },
  ],
  [
    'bitfields of bool and enum',
    (b) => {
      const e = b.enum('color', 4, { RED: 0n, BLUE: 5n }, false);
      return b.struct('bits', 1, [
        { name: 'on', type: b.bool(), bitOffset: 0, bits: 1 },
        { name: 'color', type: e, bitOffset: 1, bits: 3 },
      ]);
    },
    '0b',
    { on: true, color: 'BLUE' },
  ],
  [
    'a packed bitfield over nine bytes',
    (b) =>
      b.struct('bits', 9, [
        { name: 'a', type: b.int('unsigned char', 1), bitOffset: 0, bits: 7 },
        { name: 'b', type: b.int('unsigned long', 8), bitOffset: 7, bits: 64 },
      ]),
    '80ffffffffffffff7f',
    { a: 0, b: 0xffffffffffffffffn },
  ],
];

describe('values and bytes', () => {
  it.each(VECTORS)('%s', (_name, type, hexText, value) => {
    const builder = new BtfBuilder();
    const id = type(builder);
    const shape = shapeOf(builder.build(), id);
    expect(decode(shape, fromHex(hexText))).toEqual(value);
    expect(hex(encoded(shape, value, 'x'))).toBe(hexText);
  });

  it('give back whatever value was put in', () => {
    fc.assert(
      fc.property(
        aType.chain((type) => fc.tuple(fc.constant(type), aValueOf(type))),
        ([type, value]) => {
          const { btf, id } = build(type);
          const shape = shapeOf(btf, id);
          const bytes = encoded(shape, value, 'x');
          expect(pick(decode(shape, bytes), value)).toEqual(value);
          // The same value over bytes that held others: what is not covered stays, what is covered does not show.
          const used = new Uint8Array(shape.size).fill(0xa5);
          encodeValue(shape, value, new DataView(used.buffer), 0, 'x');
          expect(pick(decode(shape, used), value)).toEqual(value);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('read at any offset of a larger buffer', () => {
    const builder = new BtfBuilder();
    const id = builder.array(builder.int('unsigned char', 1), 2);
    const memory = fromHex('00010203040506');
    const view = new DataView(memory.buffer);
    expect(compileDecoder(shapeOf(builder.build(), id))(view, memory, 4)).toEqual(Uint8Array.of(4, 5));
  });

  it('keep byte arrays when the memory changes', () => {
    const memory = fromHex('0102');
    const value = decode({ kind: 'bytes', size: 2 }, memory);
    memory.fill(0);
    expect(value).toEqual(Uint8Array.of(1, 2));
  });

  it('treat a member called __proto__ as a member', () => {
    const builder = new BtfBuilder();
    const u32 = builder.int('unsigned int', 4);
    const id = builder.struct('odd', 8, [
      { name: '__proto__', type: u32, bitOffset: 0 },
      { name: 'constructor', type: u32, bitOffset: 32 },
    ]);
    const shape = shapeOf(builder.build(), id);
    const value = decode(shape, fromHex('0700000008000000')) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value)).toEqual([
      ['__proto__', 7],
      ['constructor', 8],
    ]);
    expect(hex(encoded(shape, value, 'x'))).toBe('0700000008000000');
  });

  it('compile names that are no identifiers', () => {
    const name = '"];throw 1;//\n\u2028\\';
    const builder = new BtfBuilder();
    const id = builder.struct('odd', 4, [{ name, type: builder.int('unsigned int', 4), bitOffset: 0 }]);
    expect(decode(shapeOf(builder.build(), id), fromHex('07000000'))).toEqual({ [name]: 7 });
  });

  it('leave alone what a partial value does not set', () => {
    const builder = new BtfBuilder();
    const u16 = builder.int('unsigned short', 2);
    const id = builder.struct('s', 4, [
      { name: 'a', type: u16, bitOffset: 0 },
      { name: 'b', type: u16, bitOffset: 16 },
    ]);
    const bytes = fromHex('11112222');
    encodeValue(shapeOf(builder.build(), id), { b: 3 }, new DataView(bytes.buffer), 0, 'x');
    expect(hex(bytes)).toBe('11110300');
  });
});

describe('values that do not fit', () => {
  const scalar: Type = { kind: 'int', size: 1, signed: true };
  const nested: Type = {
    kind: 'struct',
    members: [
      { name: 'list', type: { kind: 'list', element: scalar, length: 3 } },
      { name: 'flag', type: { kind: 'bool' }, bits: 1 },
      { name: 'small', type: { kind: 'int', size: 4, signed: true }, bits: 3 },
      { name: 'name', type: { kind: 'text', length: 4 } },
      { name: 'raw', type: { kind: 'bytes', length: 4 } },
      { name: 'color', type: { kind: 'enum', size: 4, signed: false, values: { RED: 0n } } },
      { name: 'wide', type: { kind: 'int', size: 8, signed: false } },
      { name: 'ratio', type: { kind: 'float', size: 8 } },
      { name: 'in', type: { kind: 'struct', members: [{ name: 'x', type: scalar }] } },
    ],
  };

  it.each([
    [{ list: [0, 128, 0] }, 'x.list[1]: 128 does not fit a signed integer of 8 bits'],
    [{ list: [0, 0] }, 'x.list: an array of 3 expected, not an array of 2'],
    [{ list: {} }, 'x.list: an array of 3 expected, not an object'],
    [{ list: 7 }, 'x.list: an array of 3 expected, not 7'],
    [{ flag: 1 }, 'x.flag: a boolean expected, not 1'],
    [{ small: 4 }, 'x.small: 4 does not fit a signed integer of 3 bits'],
    [{ small: -5n }, 'x.small: -5 does not fit a signed integer of 3 bits'],
    [{ name: 'bashx' }, 'x.name: 5 bytes do not fit 4'],
    [{ name: 'ääx' }, 'x.name: 5 bytes do not fit 4'],
    [{ name: 7 }, 'x.name: a string expected, not 7'],
    [{ raw: [1, 2] }, 'x.raw: a Uint8Array expected, not an array of 2'],
    [{ raw: new Uint8Array(5) }, 'x.raw: 5 bytes do not fit 4'],
    [{ color: 'GREEN' }, 'x.color: there is no enumerator "GREEN"'],
    [{ color: -1 }, 'x.color: -1 does not fit an unsigned integer of 32 bits'],
    [{ wide: -1n }, 'x.wide: -1 does not fit an unsigned integer of 64 bits'],
    [{ wide: 1.5 }, 'x.wide: an integer of 64 bits expected, not 1.5'],
    [{ wide: 1n << 64n }, 'x.wide: 18446744073709551616 does not fit an unsigned integer of 64 bits'],
    [{ ratio: 1n }, 'x.ratio: a number expected, not 1n'],
    [{ in: { x: 128 } }, 'x.in.x: 128 does not fit a signed integer of 8 bits'],
    [{ in: { y: 1 } }, 'x.in: there is no member y'],
    [{ in: null }, 'x.in: an object expected, not null'],
    [{ in: [] }, 'x.in: an object expected, not '],
    [7, 'x: an object expected, not 7'],
  ])('%o', (value, message) => {
    const { btf, id } = build(nested);
    const refused = () => encoded(shapeOf(btf, id), value, 'x');
    expect(refused).toThrow(UsageError);
    expect(refused).toThrow(message);
  });
});

describe('a name that no enumerator has', () => {
  const remedy = (names: readonly string[]) => {
    const builder = new BtfBuilder();
    const id = builder.enum('e', 4, Object.fromEntries(names.map((name, i) => [name, BigInt(i)])), false);
    const btf = builder.build();
    try {
      encoded(shapeOf(btf, id), 'STATE_OFF', 'x');
    } catch (error) {
      return (error as UsageError).remedy;
    }
    return undefined;
  };
  const many = Array.from({ length: 20 }, (_, i) => `E${i}`);

  it.each([
    ['few are listed', ['A', 'B'], 'Enumerators: A, B; or a number.'],
    ['of many, the nearest', [...many, 'STATE_OF'], 'Did you mean STATE_OF?'],
    [
      'of many, the first, when none is near',
      many,
      'Enumerators: E0, E1, E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, …; or a number.',
    ],
  ])('%s', (_, names, expected) => {
    expect(remedy(names)).toBe(expected);
  });
});

describe('types that have no values', () => {
  const refused = (define: (b: BtfBuilder) => number, message: string | RegExp) => {
    const builder = new BtfBuilder();
    const id = define(builder);
    const shape = () => shapeOf(builder.build(), id);
    expect(shape).toThrow(UnsupportedError);
    expect(shape).toThrow(message);
  };

  it('floats of odd sizes', () => refused((b) => b.float('long double', 16), 'long double has 16 bytes'));
  it('integers of odd sizes', () => refused((b) => b.int('u24', 3), 'Integer u24 has 3 bytes'));
  it('members past the end', () =>
    refused((b) => b.struct('s', 4, [{ name: 'a', type: b.int('u32', 4), bitOffset: 8 }]), 'Member a ends past its struct s'));
  it('bitfields past the end', () =>
    refused(
      (b) => b.struct('s', 4, [{ name: 'a', type: b.int('u32', 4), bitOffset: 30, bits: 3 }]),
      'Member a ends past its struct s',
    ));
  it('anonymous members past the end', () =>
    refused(
      (b) =>
        b.struct('s', 4, [
          { name: '', type: b.struct('', 8, [{ name: 'a', type: b.int('u64', 8), bitOffset: 0 }]), bitOffset: 0 },
        ]),
      'Member <anon> ends past its struct s',
    ));
  it('bitfields wider than their type', () =>
    refused(
      (b) => b.struct('s', 4, [{ name: 'a', type: b.int('u8', 1), bitOffset: 0, bits: 9 }]),
      'Bitfield a takes 9 bits of u8',
    ));
  it('bitfields of structs', () =>
    refused((b) => b.struct('s', 4, [{ name: 'a', type: b.struct('in', 4, []), bitOffset: 0, bits: 3 }]), 'Bitfield a'));
  it('members between bytes', () =>
    refused((b) => b.struct('s', 4, [{ name: 'a', type: b.int('u8', 1), bitOffset: 3 }]), 'starts in the middle of a byte'));
  it('more fields than fit in memory, however few types say so', () =>
    refused((b) => {
      let type = b.struct('leaf', 0, []);
      for (let i = 0; i < 25; i++)
        type = b.struct(`level${i}`, 0, [
          { name: 'a', type, bitOffset: 0 },
          { name: 'b', type, bitOffset: 0 },
        ]);
      return type;
    }, 'has more than 1000000 fields'));
  it('arrays of arrays of nothing', () =>
    refused((b) => b.array(b.array(b.struct('leaf', 0, []), 10_000), 10_000), 'has more than 1000000 fields'));
  it('structs that are nested too deep', () =>
    refused((b) => {
      let type = b.int('u8', 1);
      for (let i = 0; i < 40; i++) type = b.struct(`level${i}`, 1, [{ name: 'a', type, bitOffset: 0 }]);
      return type;
    }, 'is nested more than 32 deep'));
});

describe('texts that come again', () => {
  it('are read right, whatever was read before by the same decoder', () => {
    // Few letters and short texts, so that they repeat, and that different ones look alike.
    const aText = fc.string({ unit: fc.constantFrom('a', 'b', 'ä', '\u00e3', '\ud83d\ude00', '\x01'), maxLength: 70 });
    const aShape = fc.constantFrom(1, 7, 8, 16, 127, 300);
    fc.assert(
      fc.property(
        aShape,
        fc.nat(9),
        fc.array(fc.tuple(aText, fc.boolean()), { minLength: 1, maxLength: 60 }),
        (size, at, texts) => {
          const read = compileDecoder<string>({ kind: 'text', size });
          const memory = new Uint8Array(at + size); // it ends with the text: nothing may be read past it
          const view = new DataView(memory.buffer);
          for (const [text, isDirty] of [...texts, ...texts]) {
            const bytes = new TextEncoder().encode(text).subarray(0, size);
            memory.fill(isDirty ? 0x61 : 0, at); // what follows the NUL is not the text's
            memory.set(bytes, at);
            if (bytes.length < size) memory[at + bytes.length] = 0;
            expect(read(view, memory, at)).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
          }
        },
      ),
    );
  });
});
