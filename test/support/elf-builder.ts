// Small ELF files made to order, right or wrong.

import { utf8Bytes } from '../../src/bytes/index.js';
import * as uapi from '../../src/uapi/elf.js';

export interface SectionInput {
  readonly name: string;
  readonly type?: number;
  readonly flags?: number;
  readonly data?: Uint8Array;
  /** What the header claims; the length of `data` if absent. */
  readonly size?: number;
  /** Where the header says that the data is, if it lies about that. */
  readonly offset?: number;
  /** A section by name, or a number. */
  readonly link?: number | string;
  readonly info?: number | string;
  readonly addralign?: number;
  readonly entsize?: number;
}

export interface SymbolInput {
  readonly name: string;
  /** By name, or a number; undefined symbols have none. */
  readonly section?: number | string;
  readonly type?: number;
  readonly binding?: number;
  readonly visibility?: number;
  readonly value?: number;
  readonly size?: number;
}

export interface ElfInput {
  readonly littleEndian?: boolean;
  readonly type?: number;
  readonly machine?: number;
  readonly sections?: readonly SectionInput[];
  /** Without the null symbol, which is always there. `undefined` makes a file without a symbol table. */
  readonly symbols?: readonly SymbolInput[];
}

type Layout = {
  readonly size: number;
  readonly fields: readonly { readonly name: string; readonly type: string; readonly at: number }[];
};

/** Writes the integers of a kernel structure; what is not given is zero. */
export function write(
  view: DataView,
  layout: Layout,
  at: number,
  values: Readonly<Record<string, number | bigint>>,
  littleEndian: boolean,
): void {
  for (const field of layout.fields) {
    const value = values[field.name] ?? 0;
    if (field.type === 'u8') view.setUint8(at + field.at, Number(value));
    else if (field.type === 'u16') view.setUint16(at + field.at, Number(value), littleEndian);
    else if (field.type === 'u32' || field.type === 's32') view.setUint32(at + field.at, Number(value) >>> 0, littleEndian);
    else if (field.type === 'u64') view.setBigUint64(at + field.at, BigInt(value), littleEndian);
  }
}

const rows = (
  layout: Layout,
  values: readonly Readonly<Record<string, number | bigint>>[],
  littleEndian: boolean,
): Uint8Array => {
  const view = new DataView(new ArrayBuffer(layout.size * values.length));
  for (const [i, row] of values.entries()) write(view, layout, i * layout.size, row, littleEndian);
  return new Uint8Array(view.buffer);
};

/** The bytes of an SHT_REL section. */
export const relEntries = (
  entries: readonly { readonly offset: number; readonly symbol: number; readonly type?: number }[],
  littleEndian = true,
): Uint8Array =>
  rows(
    uapi.elf64Rel,
    entries.map(({ offset, symbol, type = 1 }) => ({ r_offset: offset, r_info: (BigInt(symbol) << 32n) | BigInt(type) })),
    littleEndian,
  );

/** A string table, and where each string starts in it. */
function stringTable(names: readonly string[]): { readonly bytes: Uint8Array; readonly at: ReadonlyMap<string, number> } {
  const at = new Map([['', 0]]);
  let text = '\0';
  let end = 1;
  for (const name of names) {
    if (at.has(name)) continue;
    at.set(name, end);
    text += `${name}\0`;
    end += utf8Bytes(name).length + 1;
  }
  return { bytes: utf8Bytes(text), at };
}

const align8 = (n: number): number => Math.ceil(n / 8) * 8;

/** Header, section bodies in order (then .symtab, .strtab, .shstrtab), section headers. */
export function buildElf({
  littleEndian = true,
  type = uapi.ET_REL,
  machine = uapi.EM_BPF,
  sections = [],
  symbols,
}: ElfInput): Uint8Array<ArrayBuffer> {
  const index = new Map(sections.map((section, i) => [section.name, i + 1]));
  const numberOf = (ref: number | string | undefined): number => (typeof ref === 'string' ? (index.get(ref) ?? 0) : (ref ?? 0));
  const all: SectionInput[] = [...sections];
  if (symbols) {
    const names = stringTable(symbols.map(({ name }) => name));
    const table = symbols.map((symbol) => ({
      st_name: names.at.get(symbol.name) as number,
      st_info: ((symbol.binding ?? uapi.STB_GLOBAL) << 4) | (symbol.type ?? uapi.STT_NOTYPE),
      st_other: symbol.visibility ?? 0,
      st_shndx: numberOf(symbol.section),
      st_value: symbol.value ?? 0,
      st_size: symbol.size ?? 0,
    }));
    index.set('.symtab', all.length + 1).set('.strtab', all.length + 2);
    all.push({
      name: '.symtab',
      type: uapi.SHT_SYMTAB,
      data: rows(uapi.elf64Symbol, [{}, ...table], littleEndian),
      link: '.strtab',
      entsize: 24,
      addralign: 8,
    });
    all.push({ name: '.strtab', type: uapi.SHT_STRTAB, data: names.bytes });
  }
  const names = stringTable([...all.map(({ name }) => name), '.shstrtab']);
  all.push({ name: '.shstrtab', type: uapi.SHT_STRTAB, data: names.bytes });

  let end = uapi.elf64Header.size;
  const placed = all.map((section) => {
    const at = align8(end);
    end = at + (section.data?.length ?? 0);
    return { section, at };
  });
  const tableAt = align8(end);
  const bytes = new Uint8Array(tableAt + (all.length + 1) * uapi.elf64Section.size);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, uapi.ELFCLASS64, littleEndian ? uapi.ELFDATA2LSB : uapi.ELFDATA2MSB, 1]);
  const header = {
    e_type: type,
    e_machine: machine,
    e_version: 1,
    e_shoff: tableAt,
    e_ehsize: 64,
    e_shentsize: 64,
    e_shnum: all.length + 1,
    e_shstrndx: all.length,
  };
  write(view, uapi.elf64Header, 0, header, littleEndian);
  for (const [i, { section, at }] of placed.entries()) {
    if (section.data) bytes.set(section.data, at);
    const row = {
      sh_name: names.at.get(section.name) as number,
      sh_type: section.type ?? uapi.SHT_PROGBITS,
      sh_flags: section.flags ?? 0,
      sh_offset: section.offset ?? at,
      sh_size: section.size ?? section.data?.length ?? 0,
      sh_link: numberOf(section.link),
      sh_info: numberOf(section.info),
      sh_addralign: section.addralign ?? 1,
      sh_entsize: section.entsize ?? 0,
    };
    write(view, uapi.elf64Section, tableAt + (i + 1) * uapi.elf64Section.size, row, littleEndian);
  }
  return bytes;
}
