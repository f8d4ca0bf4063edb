// One file taken apart: which of its sections count, and whether it is what a compiler would write.

import { type Btf, type ExtRecords, parseBtf, parseExtRecords } from '../btf/index.js';
import { type ElfFile, type ElfSection, machineName, relocations } from '../elf/index.js';
import { FormatError, UnsupportedError, type Where } from '../errors.js';
import * as elf from '../uapi/elf.js';
import { checkBtf, checkExt, placeVariables } from './input-types.js';
import type { Input, InputSection } from './model.js';

const INSN = 8;
const MOST_BYTES = 0xffffffff;

/**
 * @throws {FormatError} for what is no BPF object, or contradicts itself.
 * @throws {UnsupportedError} for sections, symbols and relocations that no compiler for BPF writes.
 * @see libbpf linker_load_obj_file, src/linker.c
 */
export function readInput(file: ElfFile): Input {
  const { where } = file.region;
  if (file.type !== elf.ET_REL || file.machine !== elf.EM_BPF)
    throw new FormatError(
      `Not a BPF object: ELF type ${file.type}, machine ${machineName(file.machine)}; expected type ${elf.ET_REL} (relocatable), machine ${machineName(elf.EM_BPF)}`,
      { where, remedy: 'Compile it for BPF: clang -target bpf -g -O2 -c FILE.bpf.c -o FILE.bpf.o' },
    );
  const { symbols } = file;
  if (!symbols)
    throw new FormatError('The object has no symbol table, so nothing in it can be linked', {
      where,
      remedy: 'Was it stripped? Use llvm-strip -g, which keeps what a linker needs.',
    });
  checkSymbols(file);
  const sections = file.sections.map((section) => readSection(file, section));
  const { btf, ext } = readTypes(file);
  const byName = new Map<string, InputSection>();
  for (const section of sections) if (section.elf?.index && !byName.has(section.name)) byName.set(section.name, section);
  const placed = btf && placeVariables(btf, symbols, byName, sections);
  return {
    file: where.file ?? 'an input',
    littleEndian: file.littleEndian,
    sections,
    byName,
    symbols,
    btf: placed,
    ext,
    symbolMap: new Uint32Array(symbols.length),
    typeMap: new Uint32Array(btf?.length ?? 0),
  };
}

function readTypes({ sections, region }: ElfFile): { readonly btf: Btf | undefined; readonly ext: ExtRecords | undefined } {
  const named = (name: string) => sections.find((section) => section.name === name && section.type === elf.SHT_PROGBITS);
  const types = named('.BTF');
  const records = named('.BTF.ext');
  const btf = types && parseBtf(types.data);
  if (btf) checkBtf(btf);
  if (!records) return { btf, ext: undefined };
  if (!btf)
    throw new FormatError('The object has .BTF.ext, but no .BTF, to which it refers', {
      where: region.where,
      remedy: 'Was .BTF removed? Compile again with clang -g.',
    });
  const ext = parseExtRecords(records.data);
  checkExt(ext, btf, records.data.where);
  return { btf, ext };
}

const isDebug = (name: string): boolean => name.startsWith('.debug_');

/** @see libbpf is_ignored_sec, src/linker.c */
function isIgnored({ index, type, name, size }: ElfSection): boolean {
  if (index === 0 || type === elf.SHT_STRTAB || type === elf.SHT_SYMTAB || type === elf.SHT_LLVM_ADDRSIG) return true;
  if (type === elf.SHT_PROGBITS && (name === '.BTF' || name === '.BTF.ext' || (name === '.text' && size === 0))) return true;
  if (isDebug(name)) return true;
  if (!name.startsWith('.rel')) return false;
  const target = name.slice('.rel'.length);
  return isDebug(target) || target === '.BTF' || target === '.BTF.ext';
}

const KNOWN_TYPES = new Set<number>([elf.SHT_PROGBITS, elf.SHT_NOBITS, elf.SHT_REL]);
const isPowerOfTwo = (n: number): boolean => n <= 0x40000000 && (n & (n - 1)) === 0;

function readSection(file: ElfFile, section: ElfSection): InputSection {
  const { where } = section.data;
  const skipped = isIgnored(section);
  if (!skipped) {
    if (section.name === '') throw new FormatError(`Section ${section.index} has no name`, { where });
    if (!KNOWN_TYPES.has(section.type))
      throw new UnsupportedError(`Section "${section.name}" is of type ${section.type}, which cannot be linked`, {
        where,
        remedy: 'Compile with clang -target bpf, which writes only data, code, and relocations without addends.',
      });
    if (!isPowerOfTwo(section.addralign))
      throw new FormatError(`Section "${section.name}" is aligned to ${section.addralign}, which is no power of two`, { where });
    if (section.flags & elf.SHF_EXECINSTR && section.type === elf.SHT_PROGBITS && section.size % INSN !== 0)
      throw new FormatError(`Section "${section.name}" has ${section.size} bytes of code, not a multiple of ${INSN}`, { where });
    if (section.entsize > MOST_BYTES)
      throw new FormatError(`Section "${section.name}" has entries of ${section.entsize} bytes`, { where });
    if (section.size > MOST_BYTES) throw new FormatError(`Section "${section.name}" is larger than 4 GiB`, { where });
  }
  const isRelocation = section.type === elf.SHT_REL && !skipped;
  return {
    name: section.name,
    elf: section,
    relocations: isRelocation ? readRelocations(file, section) : [],
    datasec: undefined,
    skipped,
    output: undefined,
    offset: 0,
    bytes: new Uint8Array(0),
  };
}

const KNOWN_RELOCATIONS = new Set<number>([elf.R_BPF_64_64, elf.R_BPF_64_ABS64, elf.R_BPF_64_ABS32, elf.R_BPF_64_32]);

/** @see libbpf linker_sanity_check_elf_relos, src/linker.c */
function readRelocations({ sections, symbols = [] }: ElfFile, section: ElfSection): ReturnType<typeof relocations> {
  const { where } = section.data;
  const target = sections[section.info];
  if (!target || target.index === 0 || section.name !== `.rel${target.name}`)
    throw new FormatError(
      `Section "${section.name}" says that it relocates section ${section.info} (${target?.name ?? 'none'})`,
      {
        where,
      },
    );
  if (isIgnored(target)) return [];
  if (target.type !== elf.SHT_PROGBITS)
    throw new FormatError(`Section "${section.name}" relocates "${target.name}", which holds neither code nor data`, { where });
  if (sections[section.link]?.type !== elf.SHT_SYMTAB)
    throw new FormatError(`Section "${section.name}" takes symbols from section ${section.link}, which is no symbol table`, {
      where,
    });
  const code = (target.flags & elf.SHF_EXECINSTR) !== 0;
  return relocations(section).map((relocation, index) => {
    const { offset, type, symbol } = relocation;
    const refuse = (what: string) =>
      new FormatError(`Relocation ${index} of "${target.name}" ${what}`, { where: { ...where, offset } });
    if (!KNOWN_RELOCATIONS.has(type)) throw refuse(`is of type ${type}, which is not known`);
    if (symbol === 0 || symbol >= symbols.length) throw refuse(`refers to symbol ${symbol}, which does not exist`);
    const room = code ? INSN : type === elf.R_BPF_64_ABS64 ? 8 : 4;
    if (offset + room > target.size) throw refuse(`is at ${offset}, past the end at ${target.size}`);
    if (code && offset % INSN !== 0) throw refuse(`is at ${offset}, which is no start of an instruction`);
    return relocation;
  });
}

/** @see libbpf linker_sanity_check_elf_symtab, src/linker.c */
function checkSymbols({ sections, symbols = [], region }: ElfFile): void {
  for (const { index, name, type, binding, visibility, section, value, size } of symbols) {
    if (index === 0) continue;
    const where: Where = { ...region.where, section: '.symtab' };
    const what = `Symbol ${index} (${name || 'no name'})`;
    if (binding > elf.STB_WEAK)
      throw new UnsupportedError(`${what} has binding ${binding}; local, global and weak are known`, { where });
    if (visibility !== elf.STV_DEFAULT && visibility !== elf.STV_HIDDEN)
      throw new UnsupportedError(`${what} has visibility ${visibility}; default and hidden are known`, { where });
    if (value > MOST_BYTES || size > MOST_BYTES) throw new FormatError(`${what} is at ${value}, with ${size} bytes`, { where });
    if (section === elf.SHN_UNDEF) {
      if (type !== elf.STT_NOTYPE || binding === elf.STB_LOCAL || value !== 0 || size !== 0)
        throw new FormatError(`${what} is not defined, yet has a type, a place or a size`, { where });
    } else if (section < elf.SHN_LORESERVE && section >= sections.length) {
      throw new FormatError(`${what} is in section ${section}, which does not exist`, { where });
    } else if (type === elf.STT_SECTION && value !== 0) {
      throw new FormatError(`${what} stands for a section, but is at ${value} in it`, { where });
    }
  }
}
