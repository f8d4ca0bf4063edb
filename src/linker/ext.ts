// .BTF.ext: functions, lines and CO-RE records of each section, moved by as much as its instructions were.

import { EXT_PART_NAMES, type ExtBlock, type ExtPart, type ExtRecords } from '../btf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { EXT_FIELDS } from './input-types.js';
import type { Input, Output } from './model.js';

/** @see libbpf linker_append_btf_ext, src/linker.c */
export function appendExt(output: Output, input: Input): void {
  if (!input.ext || !input.btf) return;
  for (const part of EXT_PART_NAMES) for (const block of input.ext[part]) appendBlock(output, input, part, block);
}

function appendBlock(output: Output, input: Input, part: ExtPart, { section: nameOffset, size, words }: ExtBlock): void {
  const { btf } = input;
  if (!btf) return;
  const name = btf.nameAt(nameOffset);
  const section = input.byName.get(name);
  if (!section)
    throw new FormatError(`.BTF.ext describes section "${name}", which does not exist`, { where: { file: input.file } });
  if (!section.output || section.skipped) return;
  const blocks = section.output.ext[part];
  const existing = blocks[0];
  if (existing && existing.size !== size)
    throw new UnsupportedError(
      `${part} of section "${name}" has records of ${4 * existing.size} bytes, and of ${4 * size} here`,
      {
        where: { file: input.file, section: '.BTF.ext' },
        remedy: 'Compile all files with the same clang.',
      },
    );
  const target = existing ?? { size, words: [] };
  if (!existing) blocks.push(target);
  const { types, strings } = EXT_FIELDS[part];
  for (let at = 0; at < words.length; at += size) {
    const record = Array.from(words.subarray(at, at + size));
    record[0] = ((record[0] as number) + section.offset) >>> 0;
    for (const i of types) record[i] = input.typeMap[record[i] as number] as number;
    for (const i of strings) record[i] = output.btf.addString(btf, record[i] as number);
    for (const word of record) target.words.push(word);
  }
}

/** All records, in the order of sections, before deduplication. @see libbpf finalize_btf_ext, src/linker.c */
export function collectExt({ sections, btf }: Output): ExtRecords {
  const collect = (part: ExtPart): ExtBlock[] => {
    const blocks = sections.flatMap(({ name, ext }) =>
      ext[part].map(({ size, words }) => ({ section: btf.strings.addText(name), size, words: Uint32Array.from(words) })),
    );
    const other = blocks.find(({ size }) => size !== blocks[0]?.size);
    if (other)
      throw new UnsupportedError(`${part} has records of ${4 * (blocks[0]?.size ?? 0)} and of ${4 * other.size} bytes`, {
        remedy: 'Compile all files with the same clang.',
      });
    return blocks;
  };
  return { funcInfo: collect('funcInfo'), lineInfo: collect('lineInfo'), coreRelos: collect('coreRelos') };
}

/** The same records, with types by their ids after deduplication. */
export function renumberExt(records: ExtRecords, ids: Uint32Array): void {
  for (const part of EXT_PART_NAMES) {
    for (const { size, words } of records[part])
      for (let at = 0; at < words.length; at += size)
        for (const i of EXT_FIELDS[part].types) words[at + i] = ids[words[at + i] as number] as number;
  }
}
