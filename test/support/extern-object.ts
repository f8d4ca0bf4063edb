// Objects with externs, made to order: BTF that declares them, symbols that are undefined, an instruction for each.

import { type BtfTypeInput, encodeBtf } from '../../src/btf/index.js';
import { fromHex } from '../../src/bytes/index.js';
import type { BpfObject } from '../../src/object/index.js';
import { BTF_FUNC_EXTERN, BTF_VAR_GLOBAL_EXTERN } from '../../src/uapi/btf.js';
import { SHF_EXECINSTR, SHT_REL, STB_WEAK, STT_FUNC } from '../../src/uapi/elf.js';
import { array, INT, int, ptr, struct } from './btf-types.js';
import { type ElfInput, relEntries } from './elf-builder.js';
import { openBuilt } from './object-builder.js';

/** Ids of the types that externs may have. */
export const TYPES = {
  void: 0,
  int: 1,
  bool: 2,
  char: 3,
  u8: 4,
  u16: 5,
  s16: 6,
  u32: 7,
  u64: 8,
  tristate: 9,
  'char[4]': 10,
  'int[2]': 11,
  struct: 12,
  'struct *': 13,
  'int (struct *)': 14,
  'char[0]': 15,
  enum: 16,
  'bool[2]': 17,
  'const void': 18,
} as const;
export type TypeName = keyof typeof TYPES;

const enumOf = (name: string): BtfTypeInput => ({
  kind: 'ENUM',
  name,
  size: 4,
  signed: false,
  values: [{ name: `${name}_0`, value: 0n }],
});
export const BASE_TYPES: readonly BtfTypeInput[] = [
  INT,
  int('_Bool', 1, 4),
  int('char', 1, 1),
  int('unsigned char', 1),
  int('unsigned short', 2),
  int('short', 2, 1),
  int('unsigned int', 4),
  int('unsigned long', 8),
  enumOf('libbpf_tristate'),
  array(3, 4),
  array(1, 2),
  struct('task_struct', 4, ['pid', 1]),
  ptr(12),
  { kind: 'FUNC_PROTO', type: 1, params: [{ name: '', type: 13 }] },
  array(3, 0),
  enumOf('other'),
  array(2, 2),
  { kind: 'CONST', type: 0 },
];

export interface ExternInput {
  readonly name: string;
  readonly type: TypeName;
  readonly weak?: boolean;
  /** Listed in BTF, but no symbol of the file. */
  readonly unused?: boolean;
  readonly linkage?: number;
}

/** In .kconfig, in .ksyms, or in another section, by name. `calls` and `loads` name the externs that the one program refers to. */
export const externObject = (sections: Sections, references: References = {}): BpfObject =>
  openBuilt(externElf(sections, references));

type Sections = Readonly<Record<string, readonly ExternInput[]>>;
type References = { readonly calls?: readonly string[]; readonly loads?: readonly string[] };

export function externElf(sections: Sections, { calls = [], loads = [] }: References = {}): ElfInput {
  const types: BtfTypeInput[] = [...BASE_TYPES];
  const all = Object.values(sections).flat();
  for (const [section, externs] of Object.entries(sections)) {
    const first = types.length + 1;
    for (const { name, type, linkage } of externs)
      types.push(
        type === 'int (struct *)'
          ? { kind: 'FUNC', name, type: TYPES[type], linkage: linkage ?? BTF_FUNC_EXTERN }
          : { kind: 'VAR', name, type: TYPES[type], linkage: linkage ?? BTF_VAR_GLOBAL_EXTERN },
      );
    const vars = externs.map((_, i) => ({ type: first + i, offset: 0, size: 1 }));
    if (section) types.push({ kind: 'DATASEC', name: section, size: 0, vars });
  }
  const declared = all.filter(({ unused }) => !unused);
  const symbolOf = (name: string) => declared.findIndex((extern) => extern.name === name) + 2; // behind null and the program
  const code = `${'8510000000000000'.repeat(calls.length)}${'18010000000000000000000000000000'.repeat(loads.length)}9500000000000000`;
  const relocations = [
    ...calls.map((name, i) => ({ offset: 8 * i, symbol: symbolOf(name) })),
    ...loads.map((name, i) => ({ offset: 8 * calls.length + 16 * i, symbol: symbolOf(name) })),
  ];
  const text = fromHex(code);
  return {
    sections: [
      { name: 'raw_tp/x', data: text, flags: SHF_EXECINSTR | 2 },
      { name: '.rel', type: SHT_REL, data: relEntries(relocations), info: 'raw_tp/x', entsize: 16 },
      { name: '.BTF', data: encodeBtf(types) },
    ],
    symbols: [
      { name: 'x', section: 'raw_tp/x', type: STT_FUNC, size: text.length },
      ...declared.map(({ name, weak }) => ({ name, ...(weak && { binding: STB_WEAK }) })),
    ],
  };
}
