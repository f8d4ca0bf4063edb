// What a compiler leaves open in an object's BTF: the sizes of data sections, the offsets of global variables, and which
// functions and variables are hidden. The kernel wants all of it filled in.

import { Btf, typesOf } from '../btf/index.js';
import type { ElfSection, ElfSymbol } from '../elf/index.js';
import { FormatError } from '../errors.js';
import { BTF_FUNC_GLOBAL, BTF_FUNC_STATIC, BTF_VAR_GLOBAL_ALLOCATED, BTF_VAR_STATIC } from '../uapi/btf.js';
import { STB_LOCAL, STT_FUNC, STT_OBJECT, STV_HIDDEN, STV_INTERNAL } from '../uapi/elf.js';

/** Word positions behind the three that all types share. */
const HEAD = 3;
const SECINFO_WORDS = 3;
const EXTERN_SECTIONS = new Set(['.kconfig', '.ksyms']);

/**
 * A copy with everything filled in.
 * @throws {FormatError} for a data section without an ELF section, or a variable without a symbol.
 * @see libbpf btf_fixup_datasec, src/libbpf.c
 */
export function fixBtf(btf: Btf, sections: readonly ElfSection[], symbols: readonly ElfSymbol[]): Btf {
  const words = btf.words.slice();
  const variables = new Map(
    symbols.filter((symbol) => symbol.type === STT_OBJECT && symbol.binding !== STB_LOCAL).map((symbol) => [symbol.name, symbol]),
  );
  for (const id of typesOf(btf, 'DATASEC')) fixDatasec(btf, words, id, sections, variables);
  hideFunctions(btf, words, sections, symbols);
  return new Btf({ words, starts: btf.starts, strings: btf.strings, base: btf.base, pointerSize: 8 });
}

const isHidden = ({ visibility }: ElfSymbol): boolean => visibility === STV_HIDDEN || visibility === STV_INTERNAL;
const wordAt = (btf: Btf, id: number): number => btf.starts[id - btf.firstId] as number;

function fixDatasec(
  btf: Btf,
  words: Uint32Array,
  id: number,
  sections: readonly ElfSection[],
  variables: ReadonlyMap<string, ElfSymbol>,
): void {
  const type = btf.type(id);
  if (type.kind !== 'DATASEC') return;
  const at = wordAt(btf, id);
  const where = { ...btf.where, type: type.name };
  const isExtern = EXTERN_SECTIONS.has(type.name);
  const open = type.size === 0; // clang writes 0, the static linker fills it in
  if (open && !isExtern) {
    const size = sections.find((section) => section.name === type.name)?.size;
    if (!size) throw new FormatError(`BTF describes data section ${type.name}, but the file has nothing in it`, { where });
    words[at + 2] = size;
  }
  const places = type.vars.map((info) => {
    const variable = btf.type(info.type);
    if (variable.kind !== 'VAR') {
      if (isExtern && variable.kind === 'FUNC') return info;
      throw new FormatError(`Data section ${type.name} lists type ${info.type}, which is ${variable.kind} and no variable`, {
        where,
      });
    }
    if (isExtern || variable.linkage !== BTF_VAR_GLOBAL_ALLOCATED) return info;
    const symbol = variables.get(variable.name);
    if (!symbol) throw new FormatError(`BTF describes variable ${variable.name}, but the file has no symbol for it`, { where });
    if (isHidden(symbol)) words[wordAt(btf, info.type) + HEAD] = BTF_VAR_STATIC;
    return open ? { ...info, offset: symbol.value } : info;
  });
  places.sort((a, b) => a.offset - b.offset);
  for (const [i, { type: variable, offset, size }] of places.entries())
    words.set([variable, offset, size], at + HEAD + i * SECINFO_WORDS);
}

/** A hidden global subprogram is verified in its callers' context, like a static one. */
function hideFunctions(btf: Btf, words: Uint32Array, sections: readonly ElfSection[], symbols: readonly ElfSymbol[]): void {
  const text = sections.find((section) => section.name === '.text')?.index;
  const hidden = new Set(
    symbols
      .filter((symbol) => symbol.type === STT_FUNC && symbol.section === text && isHidden(symbol))
      .map((symbol) => symbol.name),
  );
  if (hidden.size === 0) return;
  for (const id of typesOf(btf, 'FUNC')) {
    const type = btf.type(id);
    if (type.kind !== 'FUNC' || type.linkage !== BTF_FUNC_GLOBAL || !hidden.has(type.name)) continue;
    const info = wordAt(btf, id) + 1;
    words[info] = (((words[info] as number) & ~0xffffff) | BTF_FUNC_STATIC) >>> 0;
  }
}
