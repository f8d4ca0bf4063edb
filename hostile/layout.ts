// Where the tables of an object lie in its file, so that a mutation can aim at one field of one row.

import { btfOrder, parseBtf } from '../src/btf/index.js';
import { region } from '../src/bytes/index.js';
import { type ElfFile, parseElf } from '../src/elf/index.js';
import { btfExtHeader, btfHeader } from '../src/uapi/btf.js';
import {
  elf64Header,
  elf64Rel,
  elf64Section,
  elf64Symbol,
  SHF_EXECINSTR,
  SHT_NOBITS,
  SHT_REL,
  SHT_SYMTAB,
} from '../src/uapi/elf.js';

export interface Field {
  readonly at: number;
  readonly width: 1 | 2 | 4 | 8;
}

/** Rows of the same fields; strings and other bytes are rows of one byte. */
export interface Table {
  readonly what: string;
  readonly at: number;
  readonly stride: number;
  readonly rows: number;
  readonly fields: readonly Field[];
}

export interface Placed {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly at: number;
  readonly size: number;
}

export interface Layout {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  /** Where the section headers start. */
  readonly headersAt: number;
  readonly sections: readonly Placed[];
  readonly tables: readonly Table[];
  /** Of each BTF type but void: where it starts in the file. */
  readonly typesAt: readonly number[];
}

const WIDTHS: Readonly<Record<string, Field['width']>> = { u8: 1, u16: 2, u32: 4, s32: 4, u64: 8 };
type Struct = { readonly size: number; readonly fields: readonly { readonly type: string; readonly at: number }[] };
const fieldsOf = ({ fields }: Struct): Field[] =>
  fields.flatMap(({ type, at }) => (WIDTHS[type] === undefined ? [] : [{ at, width: WIDTHS[type] }]));

const WORD: readonly Field[] = [{ at: 0, width: 4 }];
const BYTE: readonly Field[] = [{ at: 0, width: 1 }];
const INSN: readonly Field[] = [
  { at: 0, width: 1 },
  { at: 1, width: 1 },
  { at: 2, width: 2 },
  { at: 4, width: 4 },
];
const rowsOf = (what: string, at: number, size: number, stride: number, fields: readonly Field[]): Table => ({
  what,
  at,
  stride,
  rows: Math.floor(size / stride),
  fields,
});

/** @throws {BpfError} for what is no ELF file. */
export function layoutOf(bytes: Uint8Array): Layout {
  const file = parseElf(region(bytes));
  const { littleEndian } = file;
  const headersAt = Number(file.region.view.getBigUint64(40, littleEndian));
  const sections = file.sections.map(
    ({ index, name, type, data, size }): Placed => ({
      index,
      name,
      type,
      at: data.bytes.byteOffset - bytes.byteOffset,
      size: type === SHT_NOBITS ? 0 : size,
    }),
  );
  const tables = [
    rowsOf('the ELF header', 0, 64, 64, fieldsOf(elf64Header)),
    rowsOf('section headers', headersAt, file.sections.length * 64, 64, fieldsOf(elf64Section)),
    ...sections.flatMap((section) => (section.size > 0 ? tablesOf(file, section) : [])),
  ];
  const types = sections.find(({ name, size }) => name === '.BTF' && size > 0);
  return { bytes, littleEndian, headersAt, sections, tables, typesAt: types ? startsOf(bytes, types) : [] };
}

function tablesOf({ sections, littleEndian, region: { view } }: ElfFile, { index, name, type, at, size }: Placed): Table[] {
  if (type === SHT_SYMTAB) return [rowsOf('symbols', at, size, elf64Symbol.size, fieldsOf(elf64Symbol))];
  if (type === SHT_REL) return [rowsOf(`relocations ${name}`, at, size, elf64Rel.size, relFields(littleEndian))];
  if ((sections[index]?.flags ?? 0) & SHF_EXECINSTR) return [rowsOf('instructions', at, size, 8, INSN)];
  if (name === '.BTF' && size >= btfHeader.size) {
    const header = view.getUint32(at + 4, littleEndian);
    const types = view.getUint32(at + 12, littleEndian);
    return [
      rowsOf('.BTF header', at, btfHeader.size, btfHeader.size, fieldsOf(btfHeader)),
      rowsOf('.BTF types', at + header, types, 4, WORD),
      rowsOf('.BTF strings', at + header + types, size - header - types, 1, BYTE),
    ];
  }
  if (name === '.BTF.ext' && size >= btfExtHeader.size)
    return [
      rowsOf('.BTF.ext header', at, btfExtHeader.size, btfExtHeader.size, fieldsOf(btfExtHeader)),
      rowsOf('.BTF.ext', at, size, 4, WORD),
    ];
  return [rowsOf(name, at, size, 1, BYTE)];
}

/** `r_info` is two fields, the symbol in its upper half. */
const relFields = (littleEndian: boolean): Field[] => [
  { at: 0, width: 8 },
  { at: littleEndian ? 12 : 8, width: 4 },
  { at: littleEndian ? 8 : 12, width: 4 },
];

function startsOf(bytes: Uint8Array, { at, size }: Placed): number[] {
  const part = bytes.subarray(at, at + size);
  const btf = parseBtf(region(part, {}, btfOrder(part) !== 'big'));
  const first = at + new DataView(part.buffer, part.byteOffset).getUint32(4, btfOrder(part) !== 'big');
  return Array.from({ length: btf.length - 1 }, (_, i) => first + 4 * (btf.starts[i] as number));
}
