// Several objects -> one, in the order in which libbpf's linker works, so that the result is the same.

import { BtfBuilder, btfBytes, dedupBtf, encodeExtRecords } from '../btf/index.js';
import { StringPool } from '../bytes/index.js';
import { type ElfFile, encodeElf, encodeSymbols, type SectionOutput } from '../elf/index.js';
import { UnsupportedError, UsageError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import { EM_BPF, ET_REL, SHF_STRINGS, SHN_LORESERVE, SHT_PROGBITS, SHT_STRTAB, SHT_SYMTAB } from '../uapi/elf.js';
import { appendExt, collectExt, renumberExt } from './ext.js';
import { readInput } from './input.js';
import type { Output } from './model.js';
import { appendRelocations } from './relocations.js';
import { appendSections, contents } from './sections.js';
import { appendSymbols } from './symbols.js';
import { appendTypes } from './types.js';

/**
 * Links BPF objects into one, as `bpftool gen object` does. Externs that no input defines stay externs, so that the result can be
 * linked again, or loaded if they are the kernel's.
 * @param files At least one; the order is that of the result. Their regions name them in errors.
 * @returns     The bytes of an ELF file, in the byte order of the inputs.
 * @throws {FormatError}      for what is no object, and where files contradict each other: two strong definitions of a name, a
 *                            declaration that its definition does not fit, different licenses.
 * @throws {UnsupportedError} for mixed byte orders, and what no compiler writes.
 * @throws {UsageError}       without any file.
 * @see libbpf bpf_linker__add_file and bpf_linker__finalize, src/linker.c
 */
export function linkObjects(files: readonly ElfFile[]): Uint8Array<ArrayBuffer> {
  const first = files[0];
  if (!first) throw new UsageError('There is nothing to link', { remedy: 'Give at least one object.' });
  const output = newOutput(first.littleEndian);
  for (const file of files) {
    refuseOtherOrder(first, file);
    const input = readInput(file);
    appendSections(output, input);
    appendSymbols(output, input);
    appendRelocations(output, input);
    appendTypes(output, input);
    appendExt(output, input);
  }
  return write(output);
}

function newOutput(littleEndian: boolean): Output {
  const names = new StringPool();
  names.addText('.strtab');
  names.addText('.symtab');
  return {
    littleEndian,
    names,
    sections: [],
    byName: new Map(),
    elfCount: SYMTAB_INDEX,
    symbols: [{ name: 0, type: 0, binding: 0, visibility: 0, section: 0, value: 0, size: 0 }],
    globals: new Map(),
    btf: new BtfBuilder({ file: 'the linked object', section: '.BTF' }),
  };
}

function refuseOtherOrder(first: ElfFile, file: ElfFile): void {
  if (first.littleEndian === file.littleEndian) return;
  const order = ({ littleEndian }: ElfFile) => (littleEndian ? 'little' : 'big');
  throw new UnsupportedError(
    `${first.region.where.file ?? 'The first file'} is ${order(first)}-endian, ${file.region.where.file ?? 'another'} is ${order(file)}-endian`,
    { where: file.region.where, remedy: 'Compile all of them with -target bpfel, or all with -target bpfeb.' },
  );
}

const STRTAB_INDEX = 1;
const SYMTAB_INDEX = 2;
const SYMBOL_SIZE = 24;
const BTF_ALIGN = 8;

/** @see libbpf bpf_linker__finalize, src/linker.c */
function write(output: Output): Uint8Array<ArrayBuffer> {
  const { littleEndian, names } = output;
  const types = finishTypes(output).map(({ name, data }) => ({ ...section(name, SHT_PROGBITS, data, BTF_ALIGN) }));
  const count = output.elfCount + types.length + 1;
  if (count >= SHN_LORESERVE)
    throw new UnsupportedError(`The result would have ${count} sections; at most ${SHN_LORESERVE - 1} fit`);
  const symbols = encodeSymbols(output.symbols, littleEndian);
  const own = output.sections
    .flatMap(({ elf }) => (elf ? [elf] : []))
    .sort((a, b) => a.index - b.index)
    .map(
      (elf): SectionOutput => ({
        name: elf.nameOffset,
        type: elf.type,
        flags: elf.flags,
        link: elf.link,
        info: elf.info,
        addralign: elf.addralign,
        entsize: elf.entsize,
        size: elf.size,
        data: contents(elf),
      }),
    );
  const sections: SectionOutput[] = [
    { ...section(names.addText('.strtab'), SHT_STRTAB, names.bytes, 1), flags: SHF_STRINGS },
    { ...section(names.addText('.symtab'), SHT_SYMTAB, symbols, 8), link: STRTAB_INDEX, entsize: SYMBOL_SIZE },
    ...own,
    ...types,
  ];
  return encodeElf({ littleEndian, type: ET_REL, machine: EM_BPF, sections, namesIndex: STRTAB_INDEX });
}

const section = (name: number, type: number, data: Uint8Array, addralign: number): SectionOutput => ({
  name,
  type,
  data,
  addralign,
  size: data.length,
  flags: 0,
  link: 0,
  info: 0,
  entsize: 0,
});

/** .BTF and .BTF.ext, if there are any. @see libbpf finalize_btf, src/linker.c */
function finishTypes(output: Output): { readonly name: number; readonly data: Uint8Array }[] {
  const { btf, sections, names, littleEndian } = output;
  if (btf.length === 1) return [];
  for (const { name, elf, hasBtf, variables } of sections) {
    if (!hasBtf) continue;
    const info = ((BTF_KIND.DATASEC << 24) | variables.length) >>> 0;
    btf.add([
      btf.strings.addText(name),
      info,
      elf?.size ?? 0,
      ...variables.flatMap(({ type, offset, size }) => [type, offset, size]),
    ]);
  }
  const records = collectExt(output);
  const { btf: deduplicated, ids } = dedupBtf(btf.view(), { keepStrings: true });
  renumberExt(records, ids);
  const ext = encodeExtRecords(records, littleEndian);
  const types = { name: names.addText('.BTF'), data: btfBytes(deduplicated, littleEndian) };
  return ext ? [types, { name: names.addText('.BTF.ext'), data: ext }] : [types];
}
