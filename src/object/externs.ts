// Externs: variables and functions that an object declares and the kernel, or its configuration, defines. They are undefined
// symbols, and BTF says what they are.

import { alignOf, type Btf, findType, resolved, sizeOf, skipModsAndTypedefs, spell, typesOf } from '../btf/index.js';
import type { ElfSymbol } from '../elf/index.js';
import { FormatError, UnsupportedError, type Where } from '../errors.js';
import { BTF_FUNC_EXTERN, BTF_VAR_GLOBAL_EXTERN } from '../uapi/btf.js';
import { SHN_UNDEF, STB_LOCAL, STB_WEAK, STT_NOTYPE } from '../uapi/elf.js';
import { kconfigType, MOST_KCONFIG_BYTES } from './kconfig.js';
import type { Extern } from './object.js';

const DECLARE = 'Define it, or declare it extern with __kconfig or __ksym (bpf_helpers.h), and compile with clang -g.';

/**
 * In libbpf's order, in which poisoned calls count them: .kconfig before .ksyms; there by alignment (the widest first), size
 * and name, here by name.
 * @throws {FormatError} for an undefined symbol that BTF does not describe as an extern; {UnsupportedError} for one of a section
 *         or type that no loader knows.
 * @see libbpf bpf_object__collect_externs, src/libbpf.c
 */
export function collectExterns(symbols: readonly ElfSymbol[], btf: Btf | undefined, where: Where): Extern[] {
  const undefinedSymbols = symbols.filter(
    (symbol) => symbol.section === SHN_UNDEF && symbol.binding !== STB_LOCAL && symbol.type === STT_NOTYPE && symbol.name !== '',
  );
  const sections = btf && undefinedSymbols.length > 0 ? sectionsOf(btf) : new Map<number, string>();
  const found = undefinedSymbols.map(({ name, binding }) => describe(name, binding === STB_WEAK, btf, sections, where));
  found.sort((a, b) => compare(a, b));
  return place(found, where);
}

/** The first DATASEC that lists a variable or function decides. */
function sectionsOf(btf: Btf): ReadonlyMap<number, string> {
  const sections = new Map<number, string>();
  for (const id of typesOf(btf, 'DATASEC')) {
    const type = btf.type(id);
    if (type.kind !== 'DATASEC') continue;
    for (const { type: listed } of type.vars) if (!sections.has(listed)) sections.set(listed, type.name);
  }
  return sections;
}

/** An extern, and for .kconfig the alignment that decides about its place. */
type Found = { readonly extern: Extern; readonly align: number };

function describe(name: string, weak: boolean, btf: Btf | undefined, sections: ReadonlyMap<number, string>, where: Where): Found {
  const id = btf && findType(btf, name, 'VAR', 'FUNC');
  if (!btf || id === undefined)
    throw new FormatError(`${name} is not defined anywhere, and BTF does not describe it as an extern`, {
      where: { ...where, type: name },
      remedy: DECLARE,
    });
  const type = btf.type(id);
  const at = { ...where, type: name };
  if (type.kind !== 'VAR' && type.kind !== 'FUNC') throw new FormatError(`Extern ${name} is ${type.kind}`, { where: at });
  if (type.linkage !== (type.kind === 'VAR' ? BTF_VAR_GLOBAL_EXTERN : BTF_FUNC_EXTERN))
    throw new FormatError(`${name} is an undefined symbol, but BTF describes it as defined here`, {
      where: at,
      remedy: 'Compile with clang, or a newer gcc: old ones do not tell declarations from definitions in BTF.',
    });
  const section = sections.get(id);
  if (section === undefined)
    throw new FormatError(`${name} is declared, but not defined anywhere, nor marked as the kernel's`, {
      where: at,
      remedy: DECLARE,
    });
  if (section === '.kconfig') {
    if (type.kind === 'FUNC') throw new UnsupportedError(`Extern function ${name} cannot be in .kconfig`, { where: at });
    const value = kconfigType(btf, type.type);
    if (!value)
      throw new UnsupportedError(`Extern ${name} of .kconfig has type ${spell(btf, type.type)}`, {
        where: at,
        remedy: 'Declare it bool, char, an integer, enum libbpf_tristate, or an array of char.',
      });
    const extern: Extern = { name, weak, section, kind: 'kconfig', ...value, size: sizeOf(btf, type.type), offset: 0 };
    return { extern, align: alignOf(btf, type.type) };
  }
  if (section !== '.ksyms')
    throw new UnsupportedError(`Extern ${name} is in section ${section}; only .kconfig and .ksyms are the kernel's`, {
      where: at,
      remedy: DECLARE,
    });
  const target = skipModsAndTypedefs(btf, type.type);
  if (type.kind === 'FUNC' && resolved(btf, target).kind !== 'FUNC_PROTO')
    throw new FormatError(`Extern function ${name} has type ${spell(btf, type.type)}, which is no function's`, { where: at });
  return { extern: { name, weak, section, kind: type.kind === 'VAR' ? 'variable' : 'function', type: target }, align: 0 };
}

function compare({ extern: a, align: alignA }: Found, { extern: b, align: alignB }: Found): number {
  if (a.section !== b.section) return a.section === '.kconfig' ? -1 : 1;
  if (a.kind === 'kconfig' && b.kind === 'kconfig' && (alignA !== alignB || a.size !== b.size))
    return alignB - alignA || a.size - b.size;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** Gives those of .kconfig their places, one behind the other. */
function place(found: readonly Found[], where: Where): Extern[] {
  let end = 0;
  return found.map(({ extern, align }) => {
    if (extern.kind !== 'kconfig') return extern;
    const offset = Math.ceil(end / align) * align;
    end = offset + extern.size;
    if (end > MOST_KCONFIG_BYTES)
      throw new UnsupportedError(`Externs of .kconfig take more than ${MOST_KCONFIG_BYTES} bytes, with ${extern.name}`, {
        where,
      });
    return { ...extern, offset };
  });
}
