// Relocations move with the bytes that they are about, and refer to symbols by their new indices.

import { encodeRelocations } from '../elf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';

import { SHF_EXECINSTR, SHT_REL, STT_SECTION } from '../uapi/elf.js';
import { CALL } from '../uapi/insn.js';
import type { Input, InputSection, Output } from './model.js';
import { appendSection, refuseMismatch } from './sections.js';

const INSN = 8;
const IMM = 4;
const SYMTAB_INDEX = 2;

/** @see libbpf linker_append_elf_relos, src/linker.c */
export function appendRelocations(output: Output, input: Input): void {
  for (const section of input.sections) {
    const { elf } = section;
    const target = elf && input.sections[elf.info];
    if (section.skipped || elf?.type !== SHT_REL || !target?.output?.elf || target.skipped) continue;
    const existing = output.byName.get(section.name);
    if (existing?.elf) refuseMismatch(existing, existing.elf, elf, input);
    const table = appendSection(output, input, section).elf;
    if (!table) continue;
    table.link = SYMTAB_INDEX;
    table.info = target.output.elf.index;
    const moved = section.relocations.map(({ offset, type, symbol }) => {
      if (input.symbols[symbol]?.type === STT_SECTION) moveAddend(input, target, offset, symbol);
      return { offset: offset + target.offset, type, symbol: newSymbol(input, target, offset, symbol) };
    });
    section.bytes.set(encodeRelocations(moved, output.littleEndian));
  }
}

function newSymbol(input: Input, target: InputSection, offset: number, symbol: number): number {
  const index = input.symbolMap[symbol] as number;
  if (index !== 0) return index;
  const { name = '', section = 0 } = input.symbols[symbol] ?? {};
  const left = input.sections[section]?.name ?? 'none';
  throw new UnsupportedError(`"${target.name}" refers to ${name || 'a symbol'} of section "${left}", which is left out`, {
    where: { file: input.file, section: target.name, offset },
    remedy:
      left === 'license'
        ? 'Copy the license into a variable of its own, if a program is to read it.'
        : 'Was the file changed after it was compiled? Compile it again.',
  });
}

/**
 * A reference to a section has its place in the instruction: in bytes, or for a call in instructions. The section now starts later.
 * Compilers write one for what is static, so that names may be there twice.
 */
function moveAddend(input: Input, target: InputSection, offset: number, symbol: number): void {
  const where = { file: input.file, section: target.name, offset };
  const to = input.sections[input.symbols[symbol]?.section ?? 0];
  if (!to?.output) return; // `newSymbol` says so
  if (((target.elf?.flags ?? 0) & SHF_EXECINSTR) === 0)
    throw new UnsupportedError(`"${target.name}" holds the address of something static in "${to.name}", which cannot be linked`, {
      where,
      remedy: 'Remove static from what it refers to.',
    });
  const { bytes } = target;
  if (offset + INSN > bytes.length) throw new FormatError(`Relocation at ${offset}, past the end of the section`, { where });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isCall = bytes[offset] === CALL;
  const distance = isCall ? to.offset / INSN : to.offset;
  view.setInt32(offset + IMM, view.getInt32(offset + IMM, input.littleEndian) + distance, input.littleEndian);
}
