// BTF types in short, for tests.

import { type Btf, type BtfMember, type BtfTypeInput, type EncodeOptions, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { BTF_INT_SIGNED } from '../../src/uapi/btf.js';

export const int = (name: string, size: number, encoding = 0): BtfTypeInput => ({
  kind: 'INT',
  name,
  size,
  bits: size * 8,
  bitOffset: 0,
  encoding,
});
export const INT = int('int', 4, BTF_INT_SIGNED);
export const ptr = (type: number): BtfTypeInput => ({ kind: 'PTR', type });
export const typedef = (name: string, type: number): BtfTypeInput => ({ kind: 'TYPEDEF', name, type });
export const array = (type: number, nelems: number, indexType = 1): BtfTypeInput => ({ kind: 'ARRAY', type, indexType, nelems });
/** [name, type, byte offset, bitfield width] */
export type Member = readonly [name: string, type: number, byte?: number, bits?: number];
const membersOf = (members: readonly Member[]): BtfMember[] =>
  members.map(([name, type, byte = 0, bitfieldSize = 0]) => ({ name, type, bitOffset: byte * 8, bitfieldSize }));
export const struct = (name: string, size: number, ...members: Member[]): BtfTypeInput => ({
  kind: 'STRUCT',
  name,
  size,
  members: membersOf(members),
});
export const union = (name: string, size: number, ...members: Member[]): BtfTypeInput => ({
  kind: 'UNION',
  name,
  size,
  members: membersOf(members),
});
export const proto = (type: number, ...params: number[]): BtfTypeInput => ({
  kind: 'FUNC_PROTO',
  type,
  params: params.map((param, i) => ({ name: `p${i}`, type: param })),
});

/** The types as an index, through bytes. */
export const btfOf = (types: readonly BtfTypeInput[], options: EncodeOptions = {}): Btf =>
  parseBtf(region(encodeBtf(types, options), { section: '.BTF' }), options.base);
