// Sections of one name become one: each input's bytes after those before it, where their alignment allows.

import { hex, type StringPool } from '../bytes/index.js';
import type { ElfSection } from '../elf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { SHT_NOBITS, SHT_REL } from '../uapi/elf.js';
import type { Input, InputSection, Output, OutputElfSection, OutputSection } from './model.js';

/** What all files must agree on: a loader reads it as one text, or one number. */
const MUST_AGREE = new Set(['license', 'version']);
const MOST_BYTES = 0xffffffff;

/**
 * Appends code and data of an input.
 * @throws {UnsupportedError} where two files disagree about what a section is, or about the license.
 * @see libbpf linker_append_sec_data, src/linker.c
 */
export function appendSections(output: Output, input: Input): void {
  for (const section of input.sections) {
    if (section.skipped || section.elf?.type === SHT_REL) continue;
    const existing = output.byName.get(section.name);
    if (existing?.elf && section.elf) {
      refuseMismatch(existing, existing.elf, section.elf, input);
      if (MUST_AGREE.has(section.name)) {
        refuseDisagreement(existing, existing.elf, section.elf, input);
        section.skipped = true;
        continue;
      }
    }
    appendSection(output, input, section);
  }
}

/** Adds one section to the one of its name, which is made if there is none yet. */
export function appendSection(output: Output, input: Input, section: InputSection): OutputSection {
  const target = output.byName.get(section.name) ?? addSection(output, input, section.name);
  section.output = target;
  if (!section.elf) return target;
  target.elf ??= newElfSection(output.names, ++output.elfCount, section.elf);
  const { elf } = target;
  elf.addralign = Math.max(1, elf.addralign, section.elf.addralign);
  section.offset = Math.ceil(elf.size / elf.addralign) * elf.addralign;
  elf.size = section.offset + section.elf.size;
  if (elf.size > MOST_BYTES)
    throw new UnsupportedError(`Section "${section.name}" would be larger than 4 GiB`, {
      where: { file: input.file, section: section.name },
    });
  if (section.elf.type !== SHT_NOBITS) {
    section.bytes = section.elf.data.bytes.slice();
    elf.chunks.push({ offset: section.offset, bytes: section.bytes });
  }
  return target;
}

function addSection(output: Output, input: Input, name: string): OutputSection {
  const section: OutputSection = {
    name,
    file: input.file,
    elf: undefined,
    symbol: 0,
    hasBtf: false,
    variables: [],
    ext: { funcInfo: [], lineInfo: [], coreRelos: [] },
  };
  output.sections.push(section);
  output.byName.set(name, section);
  return section;
}

const newElfSection = (
  names: StringPool,
  index: number,
  { name, type, flags, addralign, entsize }: ElfSection,
): OutputElfSection => ({
  index,
  nameOffset: names.addText(name),
  type,
  flags,
  entsize,
  link: 0,
  info: 0,
  addralign,
  size: 0,
  chunks: [],
});

/** All bytes of a section, with zeros between those of different files. */
export function contents({ type, size, chunks }: OutputElfSection): Uint8Array {
  if (type === SHT_NOBITS) return new Uint8Array(0);
  const bytes = new Uint8Array(size);
  for (const chunk of chunks) bytes.set(chunk.bytes, chunk.offset);
  return bytes;
}

const COMPARED = { type: 'type', flags: 'flags', entsize: 'entry size' } as const;

export function refuseMismatch(existing: OutputSection, before: OutputElfSection, now: ElfSection, input: Input): void {
  for (const key of Object.keys(COMPARED) as (keyof typeof COMPARED)[]) {
    if (before[key] === now[key]) continue;
    throw new UnsupportedError(
      `Section "${now.name}" has ${COMPARED[key]} ${before[key]} in ${existing.file} and ${now[key]} in ${input.file}`,
      {
        where: now.data.where,
        remedy: 'Give one of the two another name, or the same kind of contents (both initialised, or neither).',
      },
    );
  }
}

function refuseDisagreement(existing: OutputSection, before: OutputElfSection, now: ElfSection, input: Input): void {
  const first = contents(before);
  const second = now.data.bytes;
  if (first.length === second.length && first.every((byte, i) => byte === second[i])) return;
  throw new FormatError(
    `Files disagree about "${now.name}": ${show(now.name, first)} in ${existing.file}, ${show(now.name, second)} in ${input.file}`,
    { where: now.data.where, remedy: `An object has one ${now.name}: make them the same, to the byte.` },
  );
}

const show = (name: string, bytes: Uint8Array): string =>
  name === 'license'
    ? JSON.stringify(new TextDecoder().decode(bytes.subarray(0, 64)).replace(/\0+$/, ''))
    : hex(bytes.subarray(0, 16));
