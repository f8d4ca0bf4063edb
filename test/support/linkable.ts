// Two small objects that belong together: what one declares, the other defines. Made without a compiler.

import { type BtfTypeInput, encodeBtf, encodeExtRecords } from '../../src/btf/index.js';
import { fromHex } from '../../src/bytes/index.js';
import {
  SHF_EXECINSTR,
  SHT_REL,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_OBJECT,
  STT_SECTION,
} from '../../src/uapi/elf.js';
import { array, INT, int, ptr, struct } from './btf-types.js';
import { buildElf, relEntries, type SymbolInput } from './elf-builder.js';

const LDDW = '1801000000000000 0000000000000000';
const CALL = '85100000ffffffff';
const EXIT = '9500000000000000';
const RETURN = 'b700000000000000';

const funcInfo = (words: readonly number[], section: number) => ({ section, size: 2, words: Uint32Array.from(words) });

/** String offset of a name in BTF that `encodeBtf` made of these types. */
function nameAt(btf: Uint8Array, name: string): number {
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  const strings = btf.subarray(24 + view.getUint32(12, true));
  return new TextDecoder('latin1').decode(strings).indexOf(`\0${name}\0`) + 1;
}

function ext(btf: Uint8Array, section: string, ...records: readonly number[]): Uint8Array {
  const block = funcInfo(records, nameAt(btf, section));
  return encodeExtRecords({ funcInfo: [block], lineInfo: [], coreRelos: [] }, true) as Uint8Array;
}

const mapTypes = (at: number): BtfTypeInput[] => [
  ptr(at + 1),
  array(1, 2),
  ptr(at + 3),
  array(1, 16),
  struct('', 16, ['type', at, 0], ['max_entries', at + 2, 8]),
];

const DEFINES_BTF = encodeBtf([
  INT, // 1
  { kind: 'VAR', name: 'shared', type: 1, linkage: 1 }, // 2
  { kind: 'DATASEC', name: '.data', size: 0, vars: [{ type: 2, offset: 0, size: 4 }] },
  { kind: 'FUNC_PROTO', type: 1, params: [{ name: 'x', type: 1 }] }, // 4
  { kind: 'FUNC', name: 'helper', type: 4, linkage: 1 }, // 5
  ...mapTypes(6), // 6 to 10
  { kind: 'VAR', name: 'table', type: 10, linkage: 1 }, // 11
  { kind: 'DATASEC', name: '.maps', size: 0, vars: [{ type: 11, offset: 0, size: 16 }] },
  struct('node', 8, ['next', 14, 0]), // 13
  ptr(13), // 14
  { kind: 'TYPEDEF', name: '.text', type: 14 },
]);

/** `int shared`, `int helper(int x)`, a map `table`, struct node. */
export const DEFINES = buildElf({
  sections: [
    { name: '.text', data: fromHex(`${LDDW} ${EXIT}`), flags: 2 | SHF_EXECINSTR, addralign: 8 },
    {
      name: '.rel.text',
      type: SHT_REL,
      data: relEntries([{ offset: 0, symbol: 2 }]),
      entsize: 16,
      link: '.symtab',
      info: '.text',
      flags: 0x40,
    },
    { name: '.data', data: fromHex('01000000 02000000'), flags: 3, addralign: 4 },
    { name: '.maps', data: new Uint8Array(16), flags: 3, addralign: 8 },
    { name: '.BTF', data: DEFINES_BTF },
    { name: '.BTF.ext', data: ext(DEFINES_BTF, '.text', 0, 5) },
  ],
  symbols: [
    { name: '', section: '.text', type: STT_SECTION, binding: STB_LOCAL },
    { name: '', section: '.data', type: STT_SECTION, binding: STB_LOCAL },
    { name: 'helper', section: '.text', type: STT_FUNC, binding: STB_GLOBAL, size: 24 },
    { name: 'shared', section: '.data', type: STT_OBJECT, binding: STB_GLOBAL, value: 4, size: 4 },
    { name: 'table', section: '.maps', type: STT_OBJECT, binding: STB_GLOBAL, size: 16 },
  ],
});

const DECLARES_BTF = encodeBtf([
  INT, // 1
  int('char', 1), // 2
  { kind: 'VAR', name: 'shared', type: 1, linkage: 2 }, // 3
  { kind: 'DATASEC', name: '.extern', size: 0, vars: [{ type: 3, offset: 0, size: 4 }] },
  { kind: 'FUNC_PROTO', type: 1, params: [{ name: '', type: 1 }] }, // 5
  { kind: 'FUNC', name: 'helper', type: 5, linkage: 2 }, // 6
  ...mapTypes(7), // 7 to 11
  { kind: 'VAR', name: 'table', type: 11, linkage: 2 }, // 12
  { kind: 'VAR', name: 'own', type: 11, linkage: 1 }, // 13
  {
    kind: 'DATASEC',
    name: '.maps',
    size: 0,
    vars: [
      { type: 12, offset: 0, size: 16 },
      { type: 13, offset: 0, size: 16 },
    ],
  },
  { kind: 'FWD', name: 'node', union: false }, // 15
  ptr(15), // 16
  { kind: 'VAR', name: 'list', type: 16, linkage: 1 }, // 17
  { kind: 'DATASEC', name: '.bss', size: 0, vars: [{ type: 17, offset: 0, size: 8 }] },
  { kind: 'FUNC_PROTO', type: 1, params: [{ name: 'ctx', type: 16 }] }, // 19
  { kind: 'FUNC', name: 'main', type: 19, linkage: 1 }, // 20
  { kind: 'TYPEDEF', name: 'raw_tp/x', type: 16 },
]);

/** A program `main` that uses all of them, with a map and a pointer to a struct node of its own. */
export const DECLARES = buildElf({
  sections: [
    {
      name: 'raw_tp/x',
      data: fromHex(`${LDDW} ${LDDW} ${LDDW} ${CALL} ${RETURN} ${EXIT}`),
      flags: 2 | SHF_EXECINSTR,
      addralign: 8,
    },
    {
      name: '.relraw_tp/x',
      type: SHT_REL,
      data: relEntries([
        { offset: 0, symbol: 1 },
        { offset: 16, symbol: 3 },
        { offset: 32, symbol: 4 },
        { offset: 48, symbol: 2, type: 10 },
      ]),
      entsize: 16,
      link: '.symtab',
      info: 'raw_tp/x',
      flags: 0x40,
    },
    { name: '.maps', data: new Uint8Array(16), flags: 3, addralign: 8 },
    { name: '.bss', type: 8, size: 8, flags: 3, addralign: 8 },
    { name: '.BTF', data: DECLARES_BTF },
    { name: '.BTF.ext', data: ext(DECLARES_BTF, 'raw_tp/x', 0, 20) },
  ],
  symbols: [
    { name: 'shared', binding: STB_GLOBAL },
    { name: 'helper', binding: STB_GLOBAL },
    { name: 'table', binding: STB_WEAK },
    { name: 'list', section: '.bss', type: STT_OBJECT, binding: STB_GLOBAL, size: 8 },
    { name: 'own', section: '.maps', type: STT_OBJECT, binding: STB_GLOBAL, size: 16 },
    { name: 'main', section: 'raw_tp/x', type: STT_FUNC, binding: STB_GLOBAL, size: 72 } satisfies SymbolInput,
  ],
});
