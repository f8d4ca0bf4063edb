// ELF relocations of executable sections -> what each instruction refers to. The relocation's type number is never looked at:
// the instruction's form and the symbol decide.

import { type ElfFile, type ElfSymbol, relocations } from '../elf/index.js';
import { FormatError, RelocationError } from '../errors.js';
import { insnCount, isLdImm64, readInsn } from '../insn/index.js';
import { SHN_LORESERVE, SHN_UNDEF, SHT_REL, STB_LOCAL, STT_SECTION } from '../uapi/elf.js';
import { BPF_INSN_SZ, BPF_PSEUDO_CALL, CALL } from '../uapi/insn.js';
import type { BpfFunction, BpfMapDef, Extern, Reference } from './object.js';
import { isProgramSection } from './sections.js';

/**
 * The functions with their references filled in.
 * @throws {RelocationError} naming function, instruction and symbol.
 * @see libbpf bpf_program__record_reloc, src/libbpf.c
 */
export function collectReferences(
  elf: ElfFile,
  symbols: readonly ElfSymbol[],
  functions: readonly BpfFunction[],
  maps: readonly BpfMapDef[],
  externs: readonly Extern[],
): BpfFunction[] {
  const found = new Map<BpfFunction, Reference[]>();
  const lookup = lookupOf(maps, externs);
  for (const relocationSection of elf.sections) {
    const section = relocationSection.type === SHT_REL ? elf.sections[relocationSection.info] : undefined;
    if (!section || !isProgramSection(section)) continue;
    const inSection = functions.filter((candidate) => candidate.section === section.name);
    for (const { offset, symbol: index } of relocations(relocationSection)) {
      const symbol = symbols[index];
      if (!symbol)
        throw new FormatError(`Relocation of symbol ${index}, but there are ${symbols.length}`, {
          where: relocationSection.data.where,
        });
      if (offset % BPF_INSN_SZ !== 0 || offset >= section.size)
        throw new FormatError(`Relocation at ${offset}, which is no instruction of ${section.name}`, {
          where: relocationSection.data.where,
        });
      const slot = offset / BPF_INSN_SZ;
      const owner = inSection.find((candidate) => slot >= candidate.start && slot < candidate.start + insnCount(candidate.insns));
      if (!owner) continue; // code of an overridden weak function
      const list = found.get(owner) ?? [];
      found.set(owner, list);
      list.push(refer(elf, owner, slot - owner.start, symbol, lookup));
    }
  }
  return functions.map((owner) => ({ ...owner, references: (found.get(owner) ?? []).sort((a, b) => a.insn - b.insn) }));
}

/** What a symbol may mean: maps by name, data by section, the first of each. */
interface Lookup {
  readonly maps: ReadonlyMap<string, BpfMapDef>;
  readonly data: ReadonlyMap<string, BpfMapDef>;
  readonly externs: ReadonlySet<string>;
}

function lookupOf(maps: readonly BpfMapDef[], externs: readonly Extern[]): Lookup {
  const backwards = [...maps].reverse();
  return {
    maps: new Map(backwards.map((map) => [map.name, map])),
    data: new Map(backwards.flatMap((map) => (map.data ? [[map.data.section, map] as const] : []))),
    externs: new Set(externs.map(({ name }) => name)),
  };
}

function refer(elf: ElfFile, owner: BpfFunction, insn: number, symbol: ElfSymbol, lookup: Lookup): Reference {
  const where = { ...elf.region.where, program: owner.name, insn };
  const section = elf.sections[symbol.section];
  const label = symbol.name || section?.name || `symbol ${symbol.index}`;
  const refuse = (what: string, remedy = 'Compile the source anew: no compiler writes such a reference into a BPF object.') =>
    new RelocationError(`Reference to ${label}: ${what}`, { where, remedy });
  const { code, src, imm } = readInsn(owner.insns, insn);

  if (code !== CALL && !isLdImm64(owner.insns, insn))
    throw refuse(`the instruction (opcode 0x${code.toString(16)}) is neither a call nor a 64-bit load`);
  if (symbol.section === SHN_UNDEF && lookup.externs.has(symbol.name)) return { insn, kind: 'extern', name: symbol.name };
  if (symbol.section === SHN_UNDEF) throw refuse('it is not defined anywhere', 'Define it, or declare it __kconfig or __ksym.');
  if (symbol.section >= SHN_LORESERVE || !section)
    throw refuse('it is an uninitialised or absolute symbol', 'Compile with -fno-common, or initialise the variable.');

  if (code === CALL) {
    if (src !== BPF_PSEUDO_CALL)
      throw refuse(
        'the call is not one of a BPF function',
        'Helpers are called by number, through bpf_helpers.h; other functions must be defined in the object.',
      );
    if (section.name !== '.text')
      throw refuse(
        `it is called, but lies in ${section.name}`,
        'Only functions without SEC() can be called: put what both need into one, and call that.',
      );
    return { insn, kind: 'call', target: Math.floor(symbol.value / BPF_INSN_SZ) + imm + 1 };
  }
  if (section.name === '.text') {
    if (symbol.binding === STB_LOCAL && symbol.type !== STT_SECTION)
      throw refuse('the address of a local symbol in .text', 'Take the address of a function that is not static.');
    if ((symbol.value + imm) % BPF_INSN_SZ !== 0)
      throw refuse(`the address ${symbol.value + imm} is in the middle of an instruction`);
    return { insn, kind: 'subprog_addr', target: (symbol.value + imm) / BPF_INSN_SZ };
  }
  const data = lookup.data.get(section.name);
  if (data) {
    // What gcc 12 writes may lie outside; the verifier sees to it.
    const offset = symbol.value + imm;
    return { insn, kind: 'map_value', map: data.name, offset };
  }
  const map = section.name === '.maps' ? lookup.maps.get(symbol.name) : undefined;
  if (!map)
    throw refuse(
      `it is in section ${section.name}, where no map or variable of that name is`,
      'Maps are defined in SEC(".maps"), variables in .data, .rodata and .bss.',
    );
  return { insn, kind: 'map', map: map.name };
}
