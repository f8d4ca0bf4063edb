// Sections, symbols and relocations -> ELF64, in either byte order.

import type { FieldType, Struct } from '../bytes/index.js';
import * as uapi from '../uapi/elf.js';

/** A section to be written. Names are offsets into the string table, which is itself one of the sections. */
export interface SectionOutput {
  readonly name: number;
  readonly type: number;
  readonly flags: number;
  readonly link: number;
  readonly info: number;
  readonly addralign: number;
  readonly entsize: number;
  /** Bytes in memory; those of SHT_NOBITS take none in the file. */
  readonly size: number;
  readonly data: Uint8Array;
}
export interface SymbolOutput {
  readonly name: number;
  readonly type: number;
  readonly binding: number;
  readonly visibility: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}
export interface RelocationOutput {
  readonly offset: number;
  readonly type: number;
  readonly symbol: number;
}
export interface ElfOutput {
  readonly littleEndian: boolean;
  readonly type: number;
  readonly machine: number;
  /** Without the empty section 0, so that the first one has index 1. */
  readonly sections: readonly SectionOutput[];
  /** Index of the section with the names of sections. */
  readonly namesIndex: number;
}

const alignUp = (value: number, to: number): number => (to > 1 ? Math.ceil(value / to) * to : value);

/**
 * The header, each section where its alignment allows, the section headers: where libelf puts them.
 * @param output Fewer than 65,280 sections.
 */
export function encodeElf({ littleEndian, type, machine, sections, namesIndex }: ElfOutput): Uint8Array<ArrayBuffer> {
  const { elf64Header, elf64Section } = uapi;
  let end = elf64Header.size;
  const placed = sections.map((section) => {
    const at = alignUp(end, section.addralign);
    end = section.type === uapi.SHT_NOBITS ? at : at + section.data.length;
    return { section, at };
  });
  const tableAt = alignUp(end, 8);
  const bytes = new Uint8Array(tableAt + (sections.length + 1) * elf64Section.size);
  const view = new DataView(bytes.buffer);
  const header = {
    e_type: type,
    e_machine: machine,
    e_version: uapi.EV_CURRENT,
    e_shoff: tableAt,
    e_ehsize: elf64Header.size,
    e_shentsize: elf64Section.size,
    e_shnum: sections.length + 1,
    e_shstrndx: namesIndex,
  };
  put(view, elf64Header, 0, header, littleEndian);
  const order = littleEndian ? uapi.ELFDATA2LSB : uapi.ELFDATA2MSB;
  bytes.set([0x7f, 0x45, 0x4c, 0x46, uapi.ELFCLASS64, order, uapi.EV_CURRENT]);
  for (const [i, { section, at }] of placed.entries()) {
    if (section.type !== uapi.SHT_NOBITS) bytes.set(section.data, at);
    const row = {
      sh_name: section.name,
      sh_type: section.type,
      sh_flags: section.flags,
      sh_offset: at,
      sh_size: section.size,
      sh_link: section.link,
      sh_info: section.info,
      sh_addralign: section.addralign,
      sh_entsize: section.entsize,
    };
    put(view, elf64Section, tableAt + (i + 1) * elf64Section.size, row, littleEndian);
  }
  return bytes;
}

/** The contents of SHT_SYMTAB, as given: the empty symbol 0 is one of them. */
export const encodeSymbols = (symbols: readonly SymbolOutput[], littleEndian: boolean): Uint8Array<ArrayBuffer> =>
  rows(
    uapi.elf64Symbol,
    symbols.map((symbol) => ({
      st_name: symbol.name,
      st_info: (symbol.binding << 4) | symbol.type,
      st_other: symbol.visibility,
      st_shndx: symbol.section,
      st_value: symbol.value,
      st_size: symbol.size,
    })),
    littleEndian,
  );

/** The contents of SHT_REL. */
export const encodeRelocations = (relocations: readonly RelocationOutput[], littleEndian: boolean): Uint8Array<ArrayBuffer> =>
  rows(
    uapi.elf64Rel,
    relocations.map(({ offset, type, symbol }) => ({ r_offset: offset, r_info: (BigInt(symbol) << 32n) | BigInt(type) })),
    littleEndian,
  );

type Layout = Struct<Readonly<Record<string, FieldType>>>;
type Row = Readonly<Record<string, number | bigint>>;

function rows(layout: Layout, values: readonly Row[], littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(layout.size * values.length));
  for (const [i, row] of values.entries()) put(view, layout, i * layout.size, row, littleEndian);
  return new Uint8Array(view.buffer);
}

/** Writes the integers of one structure; what is not given is zero. */
function put(view: DataView, layout: Layout, at: number, values: Row, littleEndian: boolean): void {
  for (const field of layout.fields) {
    const value = values[field.name];
    if (value === undefined) continue;
    const place = at + field.at;
    if (field.size === 1) view.setUint8(place, Number(value));
    else if (field.size === 2) view.setUint16(place, Number(value), littleEndian);
    else if (field.size === 4) view.setUint32(place, Number(value), littleEndian);
    else view.setBigUint64(place, BigInt(value), littleEndian);
  }
}
