// Fields: found by name wherever the kernel has them, and what each kind of question then answers.

import { describe, expect, it } from 'vitest';
import type { BtfTypeInput } from '../../src/btf/index.js';
import type { CoreKind } from '../../src/relocate/index.js';
import { array, INT, int, ptr, struct, typedef, union } from '../support/btf-types.js';
import { load, mov, POISON, relocated, store, valueIn } from '../support/core-fixtures.js';

/** 1 to 8 everywhere: int, u32, u64, u16, u8, s64, void *, double. The types of a case begin at 9. */
const BASE: readonly BtfTypeInput[] = [
  INT,
  int('u32', 4),
  int('u64', 8),
  int('u16', 2),
  int('u8', 1),
  int('s64', 8, 1),
  ptr(0),
  { kind: 'FLOAT', name: 'double', size: 8 },
];
const [S32, U32, U64, U16, U8, S64, PTR, DOUBLE, FIRST] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

interface Case {
  readonly name: string;
  readonly local: readonly BtfTypeInput[];
  readonly kernel: readonly BtfTypeInput[];
  /** Of the struct that comes last in `local`. */
  readonly access: string;
  readonly expected: Partial<Record<CoreKind, number | bigint | 'poison'>>;
}

const CASES: readonly Case[] = [
  {
    name: 'a field that moved',
    local: [struct('s', 8, ['a', U32], ['b', S32, 4])],
    kernel: [struct('s', 24, ['b', S32, 16], ['a', U32, 20])],
    access: '0:1',
    expected: { byte_off: 16, byte_sz: 4, field_exists: 1, signed: 1, lshift_u64: 32, rshift_u64: 32 },
  },
  {
    name: 'a field that is not there',
    local: [struct('s', 8, ['a', U32], ['b', S32, 4])],
    kernel: [struct('s', 24, ['a', U32, 20])],
    access: '0:1',
    expected: {
      byte_off: 'poison',
      byte_sz: 'poison',
      field_exists: 0,
      signed: 'poison',
      lshift_u64: 'poison',
      rshift_u64: 'poison',
    },
  },
  {
    name: 'a struct that is not there',
    local: [struct('s', 4, ['a', U32])],
    kernel: [struct('t', 4, ['a', U32])],
    access: '0:0',
    expected: { byte_off: 'poison', field_exists: 0 },
  },
  {
    name: 'a field in an anonymous union in an anonymous struct: offsets add up',
    local: [struct('s', 8, ['a', U32], ['b', U32, 4])],
    kernel: [
      union('', 8, ['x', U64], ['b', U32]),
      struct('', 16, ['y', U64], ['', FIRST, 8]),
      struct('s', 32, ['a', U32], ['', FIRST + 1, 16]),
    ],
    access: '0:1',
    expected: { byte_off: 24, field_exists: 1 },
  },
  {
    name: 'an anonymous member of the object that the kernel does not have',
    local: [struct('', 8, ['x', U32], ['b', U32, 4]), struct('s', 16, ['a', U64], ['', FIRST, 8])],
    kernel: [struct('s', 32, ['b', U32, 28])],
    access: '0:1:1',
    expected: { byte_off: 28 },
  },
  {
    name: 'a field of a struct in a struct, under typedefs and modifiers',
    local: [struct('in', 8, ['x', U32], ['y', U32, 4]), struct('s', 8, ['in', FIRST])],
    kernel: [
      struct('in', 16, ['y', U32, 12]),
      { kind: 'CONST', type: FIRST },
      typedef('in_t', FIRST + 1),
      struct('s', 64, ['in', FIRST + 2, 32]),
    ],
    access: '0:0:1',
    expected: { byte_off: 44 },
  },
  {
    name: 'the same name as a struct and as a union: only the same kind counts',
    local: [union('s', 4, ['a', U32])],
    kernel: [struct('s', 16, ['a', U32, 8]), union('s', 16, ['b', U32], ['a', U32])],
    access: '0:0',
    expected: { byte_off: 0 },
  },
  {
    name: 'a flavor of the object',
    local: [struct('s___old', 4, ['a', U32])],
    kernel: [struct('s', 16, ['a', U32, 8])],
    access: '0:0',
    expected: { byte_off: 8 },
  },
  {
    name: 'a flavor of a member is another name',
    local: [struct('s', 4, ['a___old', U32])],
    kernel: [struct('s', 16, ['a', U32, 8])],
    access: '0:0',
    expected: { field_exists: 0 },
  },
  {
    name: 'an int where the kernel has a struct',
    local: [struct('s', 4, ['a', U32])],
    kernel: [struct('in', 4), struct('s', 16, ['a', FIRST, 8])],
    access: '0:0',
    expected: { field_exists: 0, byte_off: 'poison' },
  },
  {
    name: 'a struct where the kernel has a union, a float for a float, a pointer for any pointer',
    local: [struct('in', 8, ['x', U32]), struct('s', 16, ['a', FIRST])],
    kernel: [union('other', 8, ['x', U32]), struct('s', 16, ['a', FIRST, 8])],
    access: '0:0',
    expected: { field_exists: 1, byte_off: 8 },
  },
  {
    name: 'the first member of a name decides, even where a later one would fit',
    local: [struct('s', 4, ['a', U32])],
    kernel: [struct('in', 4), struct('', 8, ['a', FIRST]), struct('s', 16, ['', FIRST + 1], ['a', U32, 8])],
    access: '0:0',
    expected: { field_exists: 0 },
  },
  {
    name: 'a bitfield-like integer of old compilers',
    local: [{ kind: 'INT', name: 'old', size: 4, bits: 3, bitOffset: 5, encoding: 0 }, struct('s', 4, ['a', FIRST])],
    kernel: [struct('s', 4, ['a', U32])],
    access: '0:0',
    expected: { field_exists: 0 },
  },
  {
    name: 'an array element, and its size',
    local: [array(U32, 4), struct('s', 16, ['a', FIRST])],
    kernel: [array(U64, 4), struct('s', 64, ['a', FIRST, 8])],
    access: '0:0:2',
    expected: { byte_off: 24, byte_sz: 8, field_exists: 1 },
  },
  {
    name: "an element beyond the kernel's array",
    local: [array(U32, 4), struct('s', 16, ['a', FIRST])],
    kernel: [array(U32, 3), struct('s', 64, ['a', FIRST, 8])],
    access: '0:0:3',
    expected: { field_exists: 0, byte_off: 'poison' },
  },
  {
    name: "flex[5], by the size of the kernel's element",
    local: [array(U32, 0), struct('s', 4, ['n', U32], ['flex', FIRST, 4])],
    kernel: [array(U64, 0), struct('s', 8, ['n', U32], ['flex', FIRST, 8])],
    access: '0:1:5',
    expected: { byte_off: 48, field_exists: 1 },
  },
  {
    name: 'an array of none that is not the last member is no flexible one',
    local: [array(U32, 0), struct('s', 4, ['n', U32], ['flex', FIRST, 4])],
    kernel: [array(U32, 0), struct('s', 8, ['flex', FIRST], ['n', U32])],
    access: '0:1:0',
    expected: { field_exists: 0 },
  },
  {
    name: "p[3].a, by the size of the kernel's struct",
    local: [struct('s', 8, ['a', U32], ['b', U32, 4])],
    kernel: [struct('s', 100, ['a', U32, 4])],
    access: '3:0',
    expected: { byte_off: 304 },
  },
  {
    name: 'a whole array and a whole struct',
    local: [array(U8, 16), struct('s', 16, ['comm', FIRST])],
    kernel: [array(U8, 24), struct('s', 32, ['comm', FIRST, 8])],
    access: '0:0',
    expected: { byte_off: 8, byte_sz: 24 },
  },
];

describe('a field', () => {
  for (const { name, local, kernel, access, expected } of CASES) {
    it.each(Object.entries(expected))(`${name}: %s`, (kind, value) => {
      const root = BASE.length + local.length;
      expect(valueIn([...BASE, ...local], [...BASE, ...kernel], root, access, kind as CoreKind)).toBe(value);
    });
  }

  it.each([
    ['signed int', S32, 1],
    ['unsigned int', U32, 0],
    ['pointer', PTR, 0],
    ['float', DOUBLE, 0],
  ])('signed: %s', (_name, type, expected) => {
    const types = [...BASE, struct('s', 8, ['a', type])];
    expect(valueIn(types, types, FIRST, '0:0', 'signed')).toBe(expected);
  });
});

describe('a load or store of a field of another size', () => {
  const after = (local: number, kernel: number, insn: string, more: readonly BtfTypeInput[] = []): string =>
    relocated(
      [...BASE, ...more, struct('s', 64, ['a', local])],
      [...BASE, ...more, struct('s', 64, ['a', kernel, 16])],
      [{ type: FIRST + more.length, access: '0:0', kind: 'byte_off', insn }],
    ).insns;
  const ENUMS: readonly BtfTypeInput[] = [
    { kind: 'ENUM', name: 'e', size: 4, signed: false, values: [] },
    { kind: 'ENUM64', name: 'e', size: 8, signed: false, values: [] },
    int('bool', 1, 4),
    int('char', 1, 2),
  ];

  it.each([
    ['u32 -> u64', U32, U64, load(4, 0), load(8, 16)],
    ['u64 -> u8', U64, U8, load(8, 0), load(1, 16)],
    ['u16 -> u32, stored', U16, U32, store(2, 0), store(4, 16)],
    ['bool -> u32: only plainly signed integers are refused', FIRST + 2, U32, load(1, 0), load(4, 16)],
    ['char -> u16', FIRST + 3, U16, load(1, 0), load(2, 16)],
    ['s32 -> s64', S32, S64, load(4, 0), POISON],
    ['u32 -> s64', U32, S64, load(4, 0), POISON],
    ['s32 -> u64', S32, U64, load(4, 0), POISON],
    ['enum -> enum64', FIRST, FIRST + 1, load(4, 0), POISON],
    ['s32 -> u32: the same size is no matter', S32, U32, load(4, 0), load(4, 16)],
    ['u32 -> u64 in an immediate: no access to resize', U32, U64, mov(0), mov(16)],
    ['s32 -> s64 in an immediate', S32, S64, mov(0), mov(16)],
  ])('%s', (_name, local, kernel, insn, expected) => {
    expect(after(local, kernel, insn, ENUMS)).toBe(expected);
  });

  it('resizes an element by the type of the element, and poisons where the field is the whole array', () => {
    const local = [...BASE, array(U32, 4), struct('s', 16, ['a', FIRST])];
    const kernel = [...BASE, array(U64, 4), struct('s', 64, ['a', FIRST, 16])];
    const row = { type: FIRST + 1, kind: 'byte_off' } as const;
    expect(relocated(local, kernel, [{ ...row, access: '0:0:2', insn: load(4, 8) }]).insns).toBe(load(8, 32));
    expect(relocated(local, kernel, [{ ...row, access: '0:0', insn: load(4, 0) }]).insns).toBe(POISON);
  });

  it('keeps the size of an element of a nested array', () => {
    const types = (offset: number) => [...BASE, array(U16, 3), array(FIRST, 2), struct('s', 64, ['grid', FIRST + 1, offset])];
    const row = { type: FIRST + 2, access: '0:0:1', kind: 'byte_off', insn: load(2, 6) } as const;
    expect(relocated(types(0), types(20), [row]).insns).toBe(load(2, 26));
  });

  it('poisons a load of a bitfield that became a plain field, and of a field that became a bitfield', () => {
    const types = (bits: number, byte: number) => [...BASE, struct('s', 64, ['a', U32, byte, bits])];
    const row = { type: FIRST, access: '0:0', kind: 'byte_off' } as const;
    expect(relocated(types(3, 0), types(0, 8), [{ ...row, insn: load(4, 0) }]).insns).toBe(POISON);
    expect(relocated(types(0, 0), types(3, 8), [{ ...row, insn: load(4, 0) }]).insns).toBe(POISON);
    expect(relocated(types(3, 0), types(5, 8), [{ ...row, insn: load(4, 0) }]).insns).toBe(load(4, 8));
    expect(relocated(types(3, 0), types(0, 8), [{ ...row, insn: mov(0) }]).insns).toBe(mov(8));
  });
});

describe('a bitfield', () => {
  const at = (bitOffset: number, bitfieldSize: number, type: number): BtfTypeInput => ({
    kind: 'STRUCT',
    name: 's',
    size: 32,
    members: [{ name: 'f', type, bitOffset, bitfieldSize }],
  });
  // Little-endian: the load that holds it, then both shifts.
  it.each([
    ['3 bits of a u8', at(5, 3, U8), [0, 1, 56, 61]],
    ['bits 4 to 11 of a u8 need a wider load', at(4, 8, U8), [0, 2, 52, 56]],
    ['12 bits at 60 of a u32 need 8 bytes... which do not do it', at(60, 12, U32), 'covered by one 64-bit load'],
    ['33 bits of a u64', at(64 + 7, 33, U64), [8, 8, 24, 31]],
    ['1 bit of a u32 in the second word', at(32 + 9, 1, U32), [4, 4, 54, 63]],
    ['8 bits of a u16 across its end', at(12, 8, U16), [0, 4, 44, 56]],
  ])('%s', (_name, kernel, expected) => {
    const local = [...BASE, at(0, 2, U32)];
    const ask = () =>
      (['byte_off', 'byte_sz', 'lshift_u64', 'rshift_u64'] as const).map((kind) =>
        valueIn(local, [...BASE, kernel], FIRST, '0:0', kind),
      );
    if (typeof expected === 'string') expect(ask).toThrow(expected);
    else expect(ask()).toEqual(expected);
  });

  it('big-endian: shifts count from the other end', () => {
    const local = [...BASE, at(0, 2, U32)];
    const kernel = [...BASE, at(32 + 5, 3, U32)];
    const ask = (kind: CoreKind) => valueIn(local, kernel, FIRST, '0:0', kind, { littleEndian: false });
    expect([ask('byte_off'), ask('byte_sz'), ask('lshift_u64'), ask('rshift_u64')]).toEqual([4, 4, 32 + 5, 61]);
  });

  it('is not compared with what the instruction holds, but for its sign and width', () => {
    const types = [...BASE, at(0, 2, S32)];
    const ask = (kind: CoreKind, value: number) =>
      relocated(types, types, [{ type: FIRST, access: '0:0', kind, insn: mov(value) }]).insns;
    for (const kind of ['byte_off', 'byte_sz', 'lshift_u64'] as const) expect(() => ask(kind, 99)).not.toThrow();
    expect(ask('signed', 1)).toBe(mov(1));
    expect(ask('rshift_u64', 62)).toBe(mov(62));
    expect(() => ask('signed', 0)).toThrow("the instruction holds 0, not the object's own value 1");
    expect(() => ask('rshift_u64', 61)).toThrow("the instruction holds 61, not the object's own value 62");
  });
});
