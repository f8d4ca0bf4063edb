// The types of an input: checked once, so that whoever copies them can trust them; and with variables where the symbols say.

import { Btf, EXT_PARTS, type ExtPart, type ExtRecords, eachId, eachName, typesOf } from '../btf/index.js';
import type { ElfSymbol } from '../elf/index.js';
import { FormatError, type Where } from '../errors.js';
import { BTF_VAR_GLOBAL_ALLOCATED } from '../uapi/btf.js';
import { STT_OBJECT } from '../uapi/elf.js';
import type { InputSection } from './model.js';

/** Externs that C did not give a section. They are the linker's to resolve, not the loader's. @see libbpf BTF_EXTERN_SEC */
export const EXTERN_SECTION = '.extern';
const HEAD = 3;

/** @throws {FormatError} for ids and names that do not exist. */
export function checkBtf(btf: Btf): void {
  const { words, where } = btf;
  const stringsEnd = btf.strings.bytes.length;
  for (const at of btf.starts) {
    eachId(words, at, (place) => {
      if ((words[place] as number) >= btf.length)
        throw new FormatError(`Type ${words[place]} does not exist: ids end at ${btf.length - 1}`, { where });
    });
    eachName(words, at, (place) => {
      if ((words[place] as number) >= stringsEnd)
        throw new FormatError(`Cannot read string ${words[place]}: the table ends at ${stringsEnd}`, { where });
    });
  }
}

/** Word positions in each record of .BTF.ext that are type ids, and string offsets. */
export const EXT_FIELDS: { readonly [K in ExtPart]: { readonly types: readonly number[]; readonly strings: readonly number[] } } =
  {
    funcInfo: { types: [1], strings: [] },
    lineInfo: { types: [], strings: [1, 2] },
    coreRelos: { types: [1], strings: [2] },
  };

export function checkExt(ext: ExtRecords, btf: Btf, where: Where): void {
  const stringsEnd = btf.strings.bytes.length;
  for (const part of Object.keys(EXT_PARTS) as ExtPart[]) {
    const { types, strings } = EXT_FIELDS[part];
    for (const { section, size, words } of ext[part]) {
      if (section >= stringsEnd)
        throw new FormatError(`Cannot read string ${section}: the table ends at ${stringsEnd}`, { where });
      for (let at = 0; at < words.length; at += size) {
        for (const i of types)
          if ((words[at + i] as number) >= btf.length)
            throw new FormatError(`Type ${words[at + i]} of .BTF.ext does not exist: ids end at ${btf.length - 1}`, { where });
        for (const i of strings)
          if ((words[at + i] as number) >= stringsEnd)
            throw new FormatError(`Cannot read string ${words[at + i]} of .BTF.ext: the table ends at ${stringsEnd}`, { where });
      }
    }
  }
}

/**
 * A copy of the BTF in which global variables have the offsets of their symbols, which compilers leave at 0. Joins sections and
 * their types; a data section that the file lacks is added to `sections`.
 * @see libbpf linker_fixup_btf, src/linker.c
 */
export function placeVariables(
  btf: Btf,
  symbols: readonly ElfSymbol[],
  byName: Map<string, InputSection>,
  sections: InputSection[],
): Btf {
  const words = btf.words.slice();
  const objects = new Map<string, ElfSymbol>();
  const keyOf = (section: number, name: string) => `${section} ${name}`;
  for (const symbol of symbols) {
    const key = keyOf(symbol.section, symbol.name);
    if (symbol.type === STT_OBJECT && !objects.has(key)) objects.set(key, symbol);
  }
  for (const id of typesOf(btf, 'DATASEC')) {
    const datasec = btf.type(id);
    if (datasec.kind !== 'DATASEC') continue;
    const where = { ...btf.where, type: datasec.name };
    let section = byName.get(datasec.name);
    if (!section && datasec.name === EXTERN_SECTION) continue;
    if (!section) {
      if (!datasec.name) throw new FormatError(`Data section ${id} has no name`, { where });
      section = {
        name: datasec.name,
        elf: undefined,
        relocations: [],
        datasec: id,
        skipped: false,
        output: undefined,
        offset: 0,
        bytes: new Uint8Array(0),
      };
      sections.push(section);
      byName.set(datasec.name, section);
    }
    section.datasec = id;
    const start = (btf.starts[id - btf.firstId] as number) + HEAD;
    for (const [i, { type }] of datasec.vars.entries()) {
      const variable = btf.type(type);
      if (variable.kind !== 'VAR' && variable.kind !== 'FUNC')
        throw new FormatError(`Data section ${datasec.name} lists type ${type}, which is ${variable.kind}`, { where });
      if (variable.kind !== 'VAR' || variable.linkage !== BTF_VAR_GLOBAL_ALLOCATED) continue;
      const symbol = objects.get(keyOf(section.elf?.index ?? 0, variable.name));
      if (!symbol)
        throw new FormatError(
          `BTF describes variable ${variable.name} of section ${datasec.name}, but the file has no symbol for it`,
          {
            where,
          },
        );
      words[start + 3 * i + 1] = symbol.value;
    }
  }
  return new Btf({ words, starts: btf.starts, strings: btf.strings, base: undefined, pointerSize: 8 });
}
