// ELF64 -> sections, symbols and relocations, in either byte order. Knows nothing of BPF.

import { asRegion, cString, type Region, slice, withOrder } from '../bytes/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import * as uapi from '../uapi/elf.js';

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Bytes in memory; for SHT_NOBITS there are none in the file and `data` is empty. */
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly addralign: number;
  readonly entsize: number;
  readonly data: Region;
}

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** STT_* and STB_* halves of st_info, STV_* of st_other. */
  readonly type: number;
  readonly binding: number;
  readonly visibility: number;
  /** Section index; 0 is undefined, 0xff00 and above are special (absolute, common). */
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

/** An SHT_REL entry: at `offset` of the target section, patch in `symbol`. */
export interface ElfRelocation {
  readonly offset: number;
  readonly type: number;
  readonly symbol: number;
}

export interface ElfFile {
  readonly littleEndian: boolean;
  readonly type: number;
  readonly machine: number;
  readonly region: Region;
  readonly sections: readonly ElfSection[];
  /** Of the only SHT_SYMTAB; undefined when the file has none (stripped). */
  readonly symbols: readonly ElfSymbol[] | undefined;
}

/**
 * Reads the whole structure of a file. Sections view the given bytes.
 * @param input A region names the file in errors.
 * @throws {FormatError} for what is not ELF, or whose tables or sections do not lie in the file.
 * @throws {UnsupportedError} for 32-bit ELF.
 */
export function parseElf(input: Region | Uint8Array): ElfFile {
  const file = asRegion(input);
  const ordered = checkIdent(file);
  const header = uapi.elf64Header.read(slice(ordered, 0, uapi.elf64Header.size, 'the ELF header'), 0);
  const sections = parseSections(ordered, header);
  return {
    littleEndian: ordered.littleEndian,
    type: header.e_type,
    machine: header.e_machine,
    region: ordered,
    sections,
    symbols: parseSymbols(ordered, sections),
  };
}

/** The first 16 bytes: is it ELF, of which class and byte order? */
function checkIdent(file: Region): Region {
  const { bytes, where } = file;
  const refuse = (what: string, remedy?: string) => new FormatError(what, remedy ? { where, remedy } : { where });
  if (bytes.length === 0)
    throw refuse(
      'The file is empty',
      'An object that clang wrote has at least a 64-byte ELF header; did the build stop half-way?',
    );
  if (!(bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46))
    throw refuse(`Not an ELF file: it starts with ${describeStart(bytes)}`, remedyFor(bytes));
  if (bytes.length < 16) throw refuse(`The ELF identification needs 16 bytes, the file has ${bytes.length}`);
  const elfClass = bytes[uapi.EI_CLASS];
  if (elfClass === uapi.ELFCLASS32)
    throw new UnsupportedError('This is a 32-bit ELF file; BPF objects are 64-bit', {
      where,
      remedy: 'Compile with clang -target bpf.',
    });
  if (elfClass !== uapi.ELFCLASS64) throw refuse(`ELF class ${elfClass} does not exist (1 is 32-bit, 2 is 64-bit)`);
  const data = bytes[uapi.EI_DATA];
  if (data !== uapi.ELFDATA2LSB && data !== uapi.ELFDATA2MSB)
    throw refuse(`ELF byte order ${data} does not exist (1 is little-endian, 2 is big-endian)`);
  return withOrder(file, data === uapi.ELFDATA2LSB);
}

/** The first bytes, and as text if they are some. */
function describeStart(bytes: Uint8Array): string {
  const digits = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const text = isText(bytes) ? String.fromCharCode(...bytes.subarray(0, 20)).split('\n', 1)[0] : '';
  return text ? `${digits} ("${text}")` : digits;
}

const isText = (bytes: Uint8Array): boolean =>
  bytes.subarray(0, 20).every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x09);

function remedyFor(bytes: Uint8Array): string {
  if (bytes[0] === 0x42 && bytes[1] === 0x43)
    return 'This is LLVM bitcode: finish the compilation with clang -target bpf -c, without -emit-llvm.';
  if (bytes[0] === 0x9f && bytes[1] === 0xeb) return 'This is raw BTF; pass it where a BTF file is asked for (--btf).';
  const compile = 'clang -target bpf -g -O2 -c FILE.bpf.c -o FILE.bpf.o';
  if (bytes[0] === 0x23 || (bytes[0] === 0x2f && isText(bytes))) return `If this is the source, compile it: ${compile}`;
  return `A BPF object is what clang writes: ${compile}`;
}

/** The machines that compilers write objects for by mistake. */
const MACHINES: Readonly<Record<number, string>> = {
  0: 'none',
  3: 'x86',
  40: 'arm',
  62: 'x86-64',
  183: 'arm64',
  243: 'RISC-V',
  247: 'BPF',
};

/** `62 (x86-64)` */
export const machineName = (machine: number): string => (MACHINES[machine] ? `${machine} (${MACHINES[machine]})` : `${machine}`);

type Header = ReturnType<typeof uapi.elf64Header.read>;

/** A 64-bit file offset or size as a number; beyond 2^53 no file reaches, so infinity makes every bounds check fail. */
const toNumber = (value: bigint): number => (value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value));

function parseSections(file: Region, header: Header): ElfSection[] {
  const { elf64Section } = uapi;
  const tableAt = toNumber(header.e_shoff);
  if (tableAt === 0) throw new FormatError('The file has no section headers', { where: file.where });
  if (header.e_shentsize !== elf64Section.size) {
    throw new FormatError(`Section headers of ${header.e_shentsize} bytes, expected ${elf64Section.size}`, { where: file.where });
  }
  // With 65,280 sections or more, the real count and name table index stand in the first section header.
  const first = elf64Section.read(slice(file, tableAt, elf64Section.size, 'the first section header'), 0);
  const count = header.e_shnum || toNumber(first.sh_size);
  const namesIndex = header.e_shstrndx === uapi.SHN_XINDEX ? first.sh_link : header.e_shstrndx;

  const table = slice(file, tableAt, count * elf64Section.size, `${count} section headers`);
  const raw = Array.from({ length: count }, (_, index) => elf64Section.read(table, index * elf64Section.size));
  const body = (index: number, name: string): Region => {
    const { sh_type, sh_offset, sh_size } = raw[index] as (typeof raw)[number];
    const empty = sh_type === uapi.SHT_NOBITS || index === 0;
    return slice(file, empty ? 0 : toNumber(sh_offset), empty ? 0 : toNumber(sh_size), 'a section', { section: name });
  };
  if (!raw[namesIndex])
    throw new FormatError(`Section names are said to be in section ${namesIndex}, but there are ${count}`, { where: file.where });
  const names = body(namesIndex, '.shstrtab');

  const sections = raw.map((section, index) => {
    const name = index === 0 ? '' : cString(names, section.sh_name);
    const size = index === 0 ? 0 : toNumber(section.sh_size); // that of section 0 is the count, if anything
    if (size > 0xffffffff)
      throw new FormatError(`Section size ${section.sh_size} is not believable`, { where: { ...file.where, section: name } });
    return {
      index,
      name,
      type: section.sh_type,
      flags: Number(section.sh_flags & 0xffffffffn),
      size,
      link: section.sh_link,
      info: section.sh_info,
      addralign: toNumber(section.sh_addralign),
      entsize: toNumber(section.sh_entsize),
      data: body(index, name),
    };
  });
  refuseOverlaps(file, sections);
  return sections;
}

/**
 * No byte of a file is in more than one section (gABI, chapter 4). Where sections claim more bytes than there are, some overlap,
 * and whoever copies them could be made to fill the memory.
 */
function refuseOverlaps(file: Region, sections: readonly ElfSection[]): void {
  const claimed = sections.reduce((sum, { data }) => sum + data.bytes.length, 0);
  if (claimed > file.bytes.length)
    throw new FormatError(`Sections overlap: they claim ${claimed} bytes of a file of ${file.bytes.length}`, {
      where: file.where,
    });
}

function parseSymbols(file: Region, sections: readonly ElfSection[]): ElfSymbol[] | undefined {
  const { elf64Symbol } = uapi;
  const tables = sections.filter((section) => section.type === uapi.SHT_SYMTAB);
  const table = tables[0];
  if (!table) return undefined;
  if (tables.length > 1)
    throw new FormatError(`The file has ${tables.length} symbol tables; one is expected`, { where: file.where });
  const names = sections[table.link];
  if (!names || table.link === 0)
    throw new FormatError(`Symbol names are said to be in section ${table.link}, which does not exist`, {
      where: table.data.where,
    });
  if (table.size % elf64Symbol.size !== 0)
    throw new FormatError(`The symbol table's ${table.size} bytes are not a multiple of ${elf64Symbol.size}`, {
      where: table.data.where,
    });

  return Array.from({ length: table.size / elf64Symbol.size }, (_, index) => {
    const symbol = elf64Symbol.read(table.data, index * elf64Symbol.size);
    return {
      index,
      name: symbol.st_name === 0 ? '' : cString(names.data, symbol.st_name),
      type: symbol.st_info & 0xf,
      binding: symbol.st_info >> 4,
      visibility: symbol.st_other & 0x3,
      section: symbol.st_shndx,
      value: toNumber(symbol.st_value),
      size: toNumber(symbol.st_size),
    };
  });
}

/**
 * The entries of one SHT_REL section, in file order.
 * @throws {FormatError} for entries of another size.
 */
export function relocations(section: ElfSection): ElfRelocation[] {
  const { elf64Rel } = uapi;
  if (section.entsize !== elf64Rel.size || section.data.bytes.length % elf64Rel.size !== 0) {
    throw new FormatError(`Relocation entries of ${section.entsize} bytes, expected ${elf64Rel.size}`, {
      where: section.data.where,
    });
  }
  return Array.from({ length: section.data.bytes.length / elf64Rel.size }, (_, index) => {
    const { r_offset, r_info } = elf64Rel.read(section.data, index * elf64Rel.size);
    return { offset: toNumber(r_offset), type: Number(r_info & 0xffffffffn), symbol: Number(r_info >> 32n) };
  });
}
