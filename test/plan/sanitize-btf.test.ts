// BTF for kernels that lack kinds of types: what each becomes, and that nothing moves.

import { describe, expect, it } from 'vitest';
import { type BtfTypeInput, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { btfFeatures, FEATURES, type FeatureName, sanitizeBtf } from '../../src/plan/index.js';
import { INT, proto, ptr } from '../support/btf-types.js';

const without = (...names: FeatureName[]) => new Map(names.map((name) => [name, false] as const));

/** The types that a kernel without these features is given. */
function given(types: readonly BtfTypeInput[], ...names: FeatureName[]) {
  const btf = parseBtf(encodeBtf(types));
  const sanitized = parseBtf(sanitizeBtf(btf, without(...names)));
  return Array.from({ length: sanitized.length - 1 }, (_, i) => sanitized.type(i + 1));
}

const VAR: BtfTypeInput = { kind: 'VAR', name: 'v', type: 1, linkage: 1 };
const FUNC: BtfTypeInput = { kind: 'FUNC', name: 'f', type: 2, linkage: 1 };
const datasec = (name: string): BtfTypeInput => ({ kind: 'DATASEC', name, size: 8, vars: [{ type: 2, offset: 4, size: 4 }] });
const enum64: BtfTypeInput = { kind: 'ENUM64', name: 'e', size: 8, signed: false, values: [{ name: 'A', value: 1n << 40n }] };

describe('a kind that the kernel lacks', () => {
  it.each<[FeatureName, readonly BtfTypeInput[], number, object]>([
    ['btf_datasec', [INT, VAR], 2, { kind: 'INT', name: 'v', size: 1, bits: 8, encoding: 0 }],
    [
      'btf_datasec',
      [INT, VAR, datasec('.data.x')],
      3,
      { kind: 'STRUCT', name: '_data_x', size: 8, members: [{ name: 'v', type: 2, bitOffset: 32, bitfieldSize: 0 }] },
    ],
    ['btf_qmark_datasec', [INT, VAR, datasec('?.data')], 3, { kind: 'DATASEC', name: '_.data' }],
    ['btf_func', [INT, proto(1, 1)], 2, { kind: 'ENUM', size: 4 }],
    ['btf_func', [INT, proto(1, 1), FUNC], 3, { kind: 'TYPEDEF', name: 'f', type: 2 }],
    ['btf_global_func', [INT, proto(1, 1), FUNC], 3, { kind: 'FUNC', linkage: 0 }],
    ['btf_float', [{ kind: 'FLOAT', name: 'double', size: 8 }], 1, { kind: 'STRUCT', name: '', size: 8, members: [] }],
    [
      'btf_decl_tag',
      [INT, { kind: 'DECL_TAG', name: 't', type: 1, component: -1, attribute: false }],
      2,
      { kind: 'INT', name: 't' },
    ],
    [
      'btf_type_tag',
      [INT, { kind: 'TYPE_TAG', name: 't', type: 1, attribute: false }, ptr(2)],
      2,
      { kind: 'CONST', name: '', type: 1 },
    ],
    [
      'btf_enum64',
      [{ kind: 'ENUM', name: 's', size: 4, signed: true, values: [{ name: 'M', value: -1n }] }],
      1,
      { kind: 'ENUM', signed: false, values: [{ name: 'M', value: 0xffffffffn }] },
    ],
    [
      'btf_enum64',
      [INT, enum64],
      2,
      { kind: 'UNION', name: 'e', size: 8, members: [{ name: 'A', type: 3, bitOffset: 0, bitfieldSize: 0 }] },
    ],
  ])('%s: another stands for it', (feature, types, id, expected) => {
    expect(btfFeatures(parseBtf(encodeBtf(types)))).toContain(feature);
    expect(given(types, feature)[id - 1]).toMatchObject(expected);
  });

  it('has a type added to its end where 64-bit enumerators need one', () => {
    expect(given([INT, enum64, ptr(2)], 'btf_enum64').at(-1)).toMatchObject({ kind: 'INT', name: 'enum64_placeholder', size: 1 });
  });
});

it('a kernel that lacks nothing is given the bytes as they are', () => {
  const bytes = encodeBtf([INT, VAR, datasec('?.data'), enum64]);
  expect(sanitizeBtf(parseBtf(bytes), new Map())).toEqual(bytes);
  expect(btfFeatures(undefined)).toEqual([]);
  expect(btfFeatures(parseBtf(encodeBtf([INT, ptr(1)])))).toEqual([]);
});

it('everything at once is BTF that parses, with every id where it was', () => {
  const all = (Object.keys(FEATURES) as FeatureName[]).filter((name) => name.startsWith('btf_'));
  const types = [INT, VAR, datasec('.data'), proto(1, 1), { ...FUNC, type: 4 }, enum64, ptr(6)];
  const kinds = given(types, ...all).map(({ kind }) => kind);
  expect(kinds).toEqual(['INT', 'INT', 'STRUCT', 'ENUM', 'TYPEDEF', 'UNION', 'PTR', 'INT']);
});
