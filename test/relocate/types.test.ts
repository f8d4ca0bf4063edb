// Types and enumerators: ids, existence, sizes, matches, values; and which types of a kernel are asked.

import { describe, expect, it } from 'vitest';
import type { BtfTypeInput } from '../../src/btf/index.js';
import { findCandidates, typesAreCompatible, typesMatch } from '../../src/relocate/index.js';
import { array, btfOf, INT, int, proto, ptr, struct, typedef, union } from '../support/btf-types.js';
import { ldImm64, mov, POISON, relocated, valueIn } from '../support/core-fixtures.js';

/** 1 to 4: int, u32, u64, void *. The types of a case begin at 5. */
const BASE: readonly BtfTypeInput[] = [INT, int('u32', 4), int('u64', 8), ptr(0)];
const [S32, U32, U64, PTR, FIRST] = [1, 2, 3, 4, 5];
const FWD = (name: string, isUnion = false): BtfTypeInput => ({ kind: 'FWD', name, union: isUnion });
const enumOf = (
  name: string,
  values: Readonly<Record<string, bigint>>,
  { kind = 'ENUM' as 'ENUM' | 'ENUM64', size = 4, signed = false } = {},
): BtfTypeInput => ({
  kind,
  name,
  size,
  signed,
  values: Object.entries(values).map(([key, value]) => ({ name: key, value })),
});

describe('a type', () => {
  // Of the last type of each side: type_exists, type_size, target_type_id, type_matches.
  it.each<[string, readonly BtfTypeInput[], readonly BtfTypeInput[], readonly (number | undefined)[]]>([
    ['a struct whose members differ exists', [struct('s', 4, ['a', U32])], [struct('s', 8, ['b', U64])], [1, 8, 5, 0]],
    [
      'a struct with more members matches',
      [struct('s', 4, ['a', U32])],
      [struct('s', 12, ['b', U64], ['a', U32, 8])],
      [1, 12, 5, 1],
    ],
    ['a member of another sign does not match', [struct('s', 4, ['a', U32])], [struct('s', 8, ['a', S32])], [1, 8, 5, 0]],
    ['a member of another width does not match', [struct('s', 4, ['a', U32])], [struct('s', 8, ['a', U64])], [1, 8, 5, 0]],
    ['a missing struct', [struct('s', 4, ['a', U32])], [struct('t', 4, ['a', U32])], [0, 0, 0, 0]],
    ['a struct is no union', [struct('s', 4, ['a', U32])], [union('s', 4, ['a', U32])], [0, 0, 0, 0]],
    ['a union', [union('s', 4, ['a', U32])], [union('s___new', 8, ['a', U32], ['b', U64])], [1, 8, 5, 1]],
    ['flavors of both sides', [struct('s___v2', 4)], [struct('s___old', 8)], [1, 8, 5, 1]],
    ['a typedef only finds typedefs', [struct('s', 4), typedef('t', FIRST)], [struct('t', 8)], [0, 0, 0, 0]],
    ['a typedef of another integer', [typedef('t', U32)], [typedef('t', U64)], [1, 8, 5, 0]],
    [
      'a typedef of a struct where the kernel has one of an int',
      [struct('s', 4), typedef('t', FIRST)],
      [typedef('t', U32)],
      [0, 0, 0, 0],
    ],
    [
      'typedefs of arrays: the number of elements only counts for a match',
      [array(U32, 2), typedef('t', FIRST)],
      [array(U32, 9), typedef('t', FIRST)],
      [1, 36, 6, 0],
    ],
    ['an enum and an enum64', [enumOf('e', { A: 1n })], [enumOf('e', { A: 5n }, { kind: 'ENUM64', size: 8 })], [1, 8, 5, 0]],
    ['an enum with all enumerators', [enumOf('e', { A: 1n, B___x: 2n })], [enumOf('e', { B: 7n, C: 8n, A: 9n })], [1, 4, 5, 1]],
    ['an enum without one of them', [enumOf('e', { A: 1n, D: 2n })], [enumOf('e', { B: 7n, C: 8n, A: 9n })], [1, 4, 5, 0]],
    [
      'function types',
      [proto(S32, PTR), ptr(FIRST), typedef('f', FIRST + 1)],
      [proto(U64, PTR), ptr(FIRST), typedef('f', FIRST + 1)],
      [1, 8, 7, 0],
    ],
    [
      'function types with another number of parameters',
      [proto(S32, PTR), ptr(FIRST), typedef('f', FIRST + 1)],
      [proto(S32, PTR, PTR), ptr(FIRST), typedef('f', FIRST + 1)],
      [0, 0, 0, 0],
    ],
    ['a float never matches', [{ kind: 'FLOAT', name: 'f', size: 8 }], [{ kind: 'FLOAT', name: 'f', size: 8 }], [0, 0, 0, 0]],
  ])('%s', (_name, local, kernel, expected) => {
    const [own, theirs] = [
      [...BASE, ...local],
      [...BASE, ...kernel],
    ];
    expect(
      (['type_exists', 'type_size', 'target_type_id', 'type_matches'] as const).map((kind) =>
        valueIn(own, theirs, own.length, '0', kind),
      ),
    ).toEqual(expected);
  });

  it('local_type_id is that of the object, needs no kernel and no name, and is not compared', () => {
    const { fixups, insns } = relocated(
      [...BASE, struct('', 4)],
      [],
      [{ type: FIRST, access: '0', kind: 'local_type_id', insn: ldImm64(99n) }],
    );
    expect(insns).toBe(ldImm64(5n));
    expect(fixups[0]).toMatchObject({ verdicts: [], after: 5n });
  });
});

describe('typesMatch behind a pointer', () => {
  const match = (local: readonly BtfTypeInput[], kernel: readonly BtfTypeInput[]): boolean => {
    const [own, theirs] = [btfOf([...BASE, ...local, ptr(FIRST)]), btfOf([...BASE, ...kernel, ptr(FIRST)])];
    return typesMatch(own, own.length - 1, theirs, theirs.length - 1);
  };
  it.each<[string, BtfTypeInput, BtfTypeInput, boolean]>([
    ['structs of one name, whatever is in them', struct('s', 4, ['a', U32]), struct('s', 8), true],
    ['structs of two names', struct('s', 4), struct('t', 4), false],
    ['a struct and a union', struct('s', 4), union('s', 4), false],
    ['a forward and a struct', FWD('s'), struct('s', 4), true],
    ['a forward and a union', FWD('s'), union('s', 4), false],
    ['a union forward and a union', FWD('s', true), union('s', 4), true],
    ['a struct and a forward', struct('s', 4), FWD('s'), true],
    ['a struct and a union forward', struct('s', 4), FWD('s', true), false],
    ['forwards of a struct and of a union', FWD('s'), FWD('s', true), false],
    ['an anonymous struct and a named one', struct('', 4), struct('s', 4), false],
  ])('%s', (_name, local, kernel, expected) => expect(match([local], [kernel])).toBe(expected));

  it('a forward that is not behind a pointer is only matched by a forward', () => {
    const local = btfOf([FWD('s')]);
    expect(typesMatch(local, 1, btfOf([FWD('s')]), 1)).toBe(true);
    expect(typesMatch(local, 1, btfOf([struct('s', 4)]), 1)).toBe(false);
  });

  it('same-named members are tried one after another', () => {
    const types = (...order: number[]) =>
      btfOf([
        ...BASE,
        struct('', 4, ['a', U32]),
        struct('', 4, ['b', U32]),
        struct('s', 8, ...order.map((type): [string, number] => ['', type])),
      ]);
    expect(typesMatch(types(FIRST + 1), 7, types(FIRST, FIRST + 1), 7)).toBe(true);
  });

  it('types in a circle are too deep to tell', () => {
    const circle = btfOf([struct('s', 4, ['a', 1])]);
    expect(() => typesMatch(circle, 1, circle, 1)).toThrow('nested more than 32 deep');
    const pointers = btfOf([ptr(1)]);
    expect(() => typesAreCompatible(pointers, 1, pointers, 1)).toThrow('nested more than 32 deep');
  });
});

describe('an enumerator', () => {
  const ask = (local: BtfTypeInput, kernel: BtfTypeInput, insn: bigint) => {
    const row = { type: 1, access: '0', kind: 'enumval_value' } as const;
    return relocated([local], [kernel], [{ ...row, insn: ldImm64(insn) }]).insns;
  };
  const U = (value: bigint) => enumOf('e', { A: value });
  const S = (value: bigint) => enumOf('e', { A: value }, { signed: true });
  const E64 = (value: bigint, signed = false) => enumOf('e', { A: value }, { kind: 'ENUM64', size: 8, signed });
  const ALL_ONES = (value: bigint) => BigInt.asUintN(64, value);

  it.each<[string, BtfTypeInput, bigint, BtfTypeInput, bigint]>([
    ['moved', U(1n), 1n, U(7n), 7n],
    ['negative', S(-5n), ALL_ONES(-5n), S(-1n), ALL_ONES(-1n)],
    ['negative in BTF of old tools, which does not say so', U(0xfffffffbn), ALL_ONES(-5n), U(0xffffffffn), ALL_ONES(-1n)],
    ['of 2^31 and more, which libbpf refuses', U(0x80000005n), 0x80000005n, U(0x80000005n), 0x80000005n],
    ['of 2^31 and more on both sides, moved', U(0x80000005n), 0x80000005n, U(0xf0000000n), 0xf0000000n],
    ['32 bits here, 64 there', U(1n), 1n, E64(0x123456789n), 0x123456789n],
    ['64 bits here, 32 there', E64(0x123456789n), 0x123456789n, S(-2n), ALL_ONES(-2n)],
    ['64 bits, signed', E64(-0x100000000n, true), ALL_ONES(-0x100000000n), E64(-3n, true), ALL_ONES(-3n)],
  ])('%s', (_name, local, insn, kernel, expected) => expect(ask(local, kernel, insn)).toBe(ldImm64(expected)));

  it('is found by its essential name, the first of it', () => {
    const kernel = enumOf('e', { B: 3n, A___old: 4n, A: 5n });
    expect(ask(enumOf('e', { A___mine: 1n }), kernel, 1n)).toBe(ldImm64(4n));
  });

  it('that is missing: its value poisons both slots, its existence is 0', () => {
    expect(ask(U(1n), enumOf('e', { B: 1n }), 1n)).toBe(POISON + POISON);
    expect(valueIn([U(1n)], [enumOf('e', { B: 1n })], 1, '0', 'enumval_exists')).toBe(0);
    expect(valueIn([U(1n)], [enumOf('e', { B: 1n, A: 9n })], 1, '0', 'enumval_exists')).toBe(1);
    expect(valueIn([U(1n)], [U(1n), enumOf('f', { A: 9n })], 1, '0', 'enumval_exists')).toBe(1);
  });
});

describe('candidates', () => {
  const local = btfOf([struct('s___mine', 4), enumOf('e', {}), struct('', 4)]);
  const kernel = btfOf([
    struct('s', 4),
    typedef('s', 1),
    struct('s___2', 4),
    union('s', 4),
    FWD('s'),
    enumOf('e', {}, { kind: 'ENUM64', size: 8 }),
    struct('sX', 4),
  ]);

  it('are of the same kind and essential name, in the order of ids', () => {
    expect(findCandidates(local, 1, kernel).map(({ id }) => id)).toEqual([1, 3]);
    expect(findCandidates(local, 2, kernel).map(({ id }) => id)).toEqual([6]);
    expect(findCandidates(local, 3, kernel)).toEqual([]);
  });

  it('of modules are asked where the kernel has none, and only for their own types', () => {
    const base = btfOf([struct('other', 4)]);
    const module = btfOf([struct('s', 8)], { base });
    expect(findCandidates(local, 1, base, [module])).toEqual([{ btf: module, id: 2 }]);
    expect(findCandidates(local, 1, kernel, [module]).map(({ btf }) => btf)).toEqual([kernel, kernel]);
  });

  const A8 = struct('s', 32, ['a', U32, 8]);
  const A12 = struct('s___2', 32, ['a', U32, 12]);
  const B4 = struct('s', 32, ['b', U32, 4], ['a', U32, 8]);
  const mine = [...BASE, struct('s', 8, ['a', U32], ['b', U32, 4])];
  const A = { type: FIRST, access: '0:0', kind: 'byte_off', insn: mov(0) } as const;
  const HAS_B = { type: FIRST, access: '0:1', kind: 'field_exists', insn: mov(1) } as const;

  it('may be several, if they agree', () => {
    expect(relocated(mine, [...BASE, A8, B4], [A]).insns).toBe(mov(8));
  });

  it('that disagree are refused, with both values and all names', () => {
    expect(() => relocated(mine, [...BASE, A8, A12], [A])).toThrow(
      'Cannot apply CO-RE relocation <byte_off>: struct s.a (0:0 @ offset 0) is ambiguous: 2 types of the kernel match, with values 8 and 12 (program prog, insn 0)\n  Candidates: [5] struct s, [6] struct s___2',
    );
    expect(() => relocated(mine, [...BASE, A8, A12], [{ ...A, kind: 'field_exists', insn: mov(1) }])).toThrow(
      'at bits 64 and 96',
    );
  });

  it('are narrowed by what matched before, not by what did not', () => {
    const kernel = [...BASE, B4, A12];
    expect(relocated(mine, kernel, [HAS_B, A]).insns).toBe(mov(1) + mov(8));
    expect(() => relocated(mine, kernel, [A, HAS_B])).toThrow('ambiguous');
    expect(() => relocated(mine, [...BASE, A8, A12], [HAS_B, A])).toThrow('ambiguous');
  });

  it('forget what matched before: a later miss is a miss', () => {
    const { insns } = relocated(mine, [...BASE, A8], [A, HAS_B, { ...HAS_B, kind: 'byte_off', insn: mov(4) }, A]);
    expect(insns).toBe(mov(8) + mov(0) + POISON + mov(8));
  });
});
