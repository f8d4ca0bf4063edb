import { describe, expect, test } from 'vitest';
import { type BtfTypeInput, diffBtf, isLike, showDifference, typesLike, type UsedTypes } from '../../src/btf/index.js';
import { array, btfOf, INT, int, proto, ptr, struct, typedef, union } from '../support/btf-types.js';

const LONG = int('long', 8, 1);
const enumOf = (values: Readonly<Record<string, bigint>>): BtfTypeInput => ({
  kind: 'ENUM',
  name: 'e',
  size: 4,
  signed: false,
  values: Object.entries(values).map(([name, value]) => ({ name, value })),
});
const func = (name: string, type: number): BtfTypeInput => ({ kind: 'FUNC', name, type, linkage: 0 });
/** Both sides begin with int and long. */
const diff = (from: readonly BtfTypeInput[], to: readonly BtfTypeInput[], used?: UsedTypes): string =>
  diffBtf(btfOf([INT, LONG, ...from]), btfOf([INT, LONG, ...to]), used && { used })
    .map(showDifference)
    .join('');

describe('what differs', () => {
  test.each<[string, readonly BtfTypeInput[], readonly BtfTypeInput[], string]>([
    ['nothing', [struct('s', 4, ['x', 1])], [struct('s', 4, ['x', 1])], ''],
    ['ids', [struct('s', 4, ['x', 1])], [ptr(1), struct('s', 4, ['x', 1])], ''],
    ['a type more', [], [struct('s', 0)], '+ struct s\n'],
    ['a type less', [struct('s', 0)], [], '- struct s\n'],
    ['a struct that became a union', [struct('s', 0)], [union('s', 0)], '- struct s\n+ union s\n'],
    [
      'members',
      [struct('s', 16, ['x', 1], ['y', 1, 4], ['z', 2, 8])],
      [struct('s', 24, ['y', 1], ['z', 1, 8], ['w', 2, 16])],
      '~ struct s: 16 -> 24 bytes\n    - x at 0: int\n    ~ y at 4 -> 0: int\n    ~ z at 8: long -> int\n    + w at 16: long\n',
    ],
    [
      'a member of an anonymous union, which is a member like others',
      [union('', 4, ['u', 1]), struct('s', 8, ['a', 1], ['', 3, 4])],
      [union('', 4, ['u', 1]), struct('s', 16, ['a', 1], ['', 3, 8])],
      '~ struct s: 8 -> 16 bytes\n    ~ u at 4 -> 8: int\n',
    ],
    [
      'enumerators',
      [enumOf({ A: 1n, B: 2n })],
      [enumOf({ B: 3n, C: 4n })],
      '~ enum e\n    - A = 1\n    ~ B = 2 -> 3\n    + C = 4\n',
    ],
    ['prototypes', [proto(1, 1), func('f', 3)], [proto(1, 1, 2), func('f', 3)], '~ func f: int (int) -> int (int, long)\n'],
    ['typedefs', [typedef('t', 1)], [typedef('t', 2)], '~ typedef t: int -> long\n'],
    [
      'arrays',
      [array(1, 3), struct('s', 16, ['a', 3])],
      [array(1, 4), struct('s', 16, ['a', 3])],
      '~ struct s\n    ~ a at 0: int[3] -> int[4]\n',
    ],
    [
      'arrays of arrays, as C has them',
      [array(1, 3), array(3, 2), struct('s', 24, ['a', 4])],
      [array(1, 3), array(3, 4), struct('s', 24, ['a', 4])],
      '~ struct s\n    ~ a at 0: int[2][3] -> int[4][3]\n',
    ],
    [
      'the other of two of one name',
      [struct('s', 0), struct('s', 4)],
      [struct('s', 8), struct('s', 0)],
      '~ struct s: 4 -> 8 bytes\n',
    ],
  ])('%s', (_, from, to, expected) => {
    expect(diff(from, to)).toBe(expected);
  });
  test('only what is used', () => {
    const [from, to] = [[struct('s', 8, ['x', 1], ['y', 1, 4])], [struct('s', 12, ['a', 1], ['x', 1, 4], ['y', 1, 8])]];
    const used = (parts: readonly string[], size = false): UsedTypes => new Map([['struct s', { parts: new Set(parts), size }]]);
    expect(diff(from, to, used(['x']))).toBe('~ struct s\n    ~ x at 0 -> 4: int\n');
    expect(diff(from, to, used([], true))).toBe('~ struct s: 8 -> 12 bytes\n');
    expect(diff(from, to, used(['gone']))).toBe('');
  });
});

test('types that hold themselves end', () => {
  const loops = [
    typedef('t', 3),
    ptr(4),
    { kind: 'FUNC_PROTO', type: 1, params: [{ name: '', type: 5 }] } as BtfTypeInput,
    func('f', 5),
  ];
  expect(diff(loops, loops)).toBe('');
});

test('names with *', () => {
  expect(['a*', '*a', 'a*a', '*', 'aa', 'a*b*a', '*aba*', 'aba*aba'].filter((pattern) => isLike(pattern, 'aba'))).toEqual([
    'a*',
    '*a',
    'a*a',
    '*',
    'a*b*a',
    '*aba*',
  ]);
  const btf = btfOf([INT, struct('int_list', 0), ptr(1), typedef('x', 1), int('int unsigned', 4)]);
  expect(typesLike(btf, 'int*')).toEqual([1, 2, 5]);
  expect(typesLike(btf, 'struct int*')).toEqual([2]);
  expect(typesLike(btf, 'typedef  *')).toEqual([4]);
  expect(typesLike(btf, 'unsigned *')).toEqual([]);
});
