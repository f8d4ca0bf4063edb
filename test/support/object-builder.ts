// BPF objects made to order: maps by their BTF, programs by their instructions.

import { type BtfTypeInput, encodeBtf } from '../../src/btf/index.js';
import { fromHex, region, utf8Bytes } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { type BpfObject, openObject } from '../../src/object/index.js';
import { SHF_EXECINSTR, STT_FUNC, STT_OBJECT } from '../../src/uapi/elf.js';
import { array, INT, type Member, ptr, struct } from './btf-types.js';
import { buildElf, type ElfInput } from './elf-builder.js';

export const openBuilt = (input: ElfInput, file = 'built.bpf.o'): BpfObject =>
  openObject(parseElf(region(buildElf(input), { file })));

/** What each field of a map definition is: a number for `__uint`, types for anything else. `at` is the id that the first one gets. */
export type Field = number | ((at: number) => readonly BtfTypeInput[]);

type Fields = readonly (readonly [name: string, field: Field])[];
type MapOptions = { readonly littleEndian?: boolean; readonly linkage?: number; readonly size?: number };

/** An object with one map, `m`, of these fields, in C order. Type 1 is int. */
export const mapObject = (fields: Fields, options: MapOptions = {}): BpfObject => openBuilt(mapElf(fields, options));

export function mapElf(
  fields: Fields,
  { littleEndian = true, linkage = 1, size = fields.length * 8 }: MapOptions = {},
): ElfInput {
  const types: BtfTypeInput[] = [INT];
  const members = fields.map(([name, field], i): Member => {
    const at = types.length + 1;
    types.push(...(typeof field === 'number' ? [ptr(at + 1), array(1, field)] : field(at)));
    return [name, at, i * 8];
  });
  types.push(struct('', fields.length * 8, ...members));
  types.push({ kind: 'VAR', name: 'm', type: types.length, linkage });
  types.push({ kind: 'DATASEC', name: '.maps', size: 0, vars: [{ type: types.length, offset: 0, size }] });
  return {
    littleEndian,
    sections: [
      { name: '.maps', data: new Uint8Array(fields.length * 8), flags: 3 },
      { name: '.BTF', data: encodeBtf(types, { littleEndian }) },
    ],
    symbols: [{ name: 'm', section: '.maps', type: STT_OBJECT }],
  };
}

const RETURN_0 = fromHex('b7000000000000009500000000000000');

/** An object with programs p0, p1, … that return 0, one in each of these sections. */
export const programs = (...sections: readonly string[]): BpfObject => openBuilt(programsElf(...sections));

export const programsElf = (...sections: readonly string[]): ElfInput => ({
  sections: [
    { name: 'license', data: utf8Bytes('GPL\0'), flags: 3 },
    ...sections.map((name) => ({ name, data: RETURN_0, flags: 2 | SHF_EXECINSTR })),
  ],
  symbols: sections.map((section, i) => ({ name: `p${i}`, section, type: STT_FUNC, size: RETURN_0.length })),
});
