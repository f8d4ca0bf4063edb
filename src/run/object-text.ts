// Sections, relocations and instructions as text: as the file has them, and as a kernel would be given them.

import { sourceLineAt } from '../btf/index.js';
import { hex } from '../bytes/index.js';
import type { ElfFile } from '../elf/index.js';
import { BpfError, type SourceLine } from '../errors.js';
import { disassembleAll, insnCount } from '../insn/index.js';
import type { BpfFunction, BpfObject, Reference } from '../object/index.js';
import { type RelocatedProgram, showExplanation } from '../plan/index.js';
import { CORE_KINDS, parseSpec, showFixup, showSpec } from '../relocate/index.js';
import { listing } from './listing.js';
import { columns } from './page.js';
import { placesIn } from './variable-at.js';

export interface SectionRow {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly size: number;
  readonly flags: number;
}

export const sectionRows = ({ sections }: ElfFile): SectionRow[] =>
  sections.map(({ index, name, type, size, flags }) => ({ index, name, type, size, flags }));

const SECTION_TYPES: Readonly<Record<number, string>> = {
  0: 'NULL',
  1: 'PROGBITS',
  2: 'SYMTAB',
  3: 'STRTAB',
  8: 'NOBITS',
  9: 'REL',
  1879002115: 'LLVM_ADDRSIG',
};
/** SHF_… flags, by readelf's letters. */
const SECTION_FLAGS: readonly (readonly [bit: number, letter: string])[] = [
  [0x1, 'W'],
  [0x2, 'A'],
  [0x4, 'X'],
  [0x10, 'M'],
  [0x20, 'S'],
  [0x40, 'I'],
];

export const sectionTable = (rows: readonly SectionRow[]): string =>
  `Sections\n${columns(
    rows.map(({ index, name, type, size, flags }) => [
      String(index).padStart(3),
      name || '-',
      SECTION_TYPES[type] ?? `0x${type.toString(16)}`,
      `${size} bytes`,
      SECTION_FLAGS.filter(([bit]) => (flags & bit) !== 0)
        .map(([, letter]) => letter)
        .join(''),
    ]),
  ).join('\n')}\n`;

/** What an instruction is to be given: a CO-RE record, or something that it refers to. */
export interface RelocationRow {
  readonly function: string;
  readonly insn: number;
  readonly kind: string;
  readonly target: string;
  readonly source: { readonly file: string; readonly line: number; readonly text: string } | null;
}

export function relocationRows(object: BpfObject): RelocationRow[] {
  const placeOf = placesIn(object);
  return object.programs.flatMap((fn) => {
    const core = coreRecords(object, fn);
    const own = fn.references.map((reference) => ({
      insn: reference.insn,
      kind: reference.kind,
      target: targetOf(object, reference, placeOf),
    }));
    return [...core, ...own]
      .sort((a, b) => a.insn - b.insn)
      .map(({ insn, kind, target }) => {
        const found = sourceOf(object, fn, insn);
        const source = found ? { file: found.file, line: found.line, text: found.text.trim() } : null;
        return { function: fn.name, insn, kind, target, source };
      });
  });
}

function coreRecords({ btf, coreRelos }: BpfObject, fn: BpfFunction): { insn: number; kind: string; target: string }[] {
  const end = fn.start + insnCount(fn.insns);
  const records = (coreRelos.get(fn.section) ?? []).filter(({ insn }) => insn >= fn.start && insn < end);
  return records.map(({ insn, kind: number, type, access }) => {
    const kind = CORE_KINDS[number]?.name;
    const text = btf && kind ? specText(() => showSpec(parseSpec(btf, type, access, kind))) : undefined;
    return { insn: insn - fn.start, kind: `CO-RE ${kind ?? number}`, target: text ?? `type ${type}, ${access}` };
  });
}

/** A broken record is shown as it stands. */
function specText(show: () => string): string | undefined {
  try {
    return show();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

function targetOf({ programs }: BpfObject, reference: Reference, placeOf: ReturnType<typeof placesIn>): string {
  switch (reference.kind) {
    case 'map':
      return reference.map;
    case 'map_value':
      return placeOf(reference.map, reference.offset);
    case 'extern':
      return reference.name;
    default:
      return (
        programs.find(({ isSubprogram, start }) => isSubprogram && start === reference.target)?.name ??
        `.text ${reference.target}`
      );
  }
}

const sourceOf = ({ btf, ext }: BpfObject, fn: BpfFunction, insn: number): SourceLine | undefined =>
  btf && sourceLineAt(btf, ext.lineInfo.get(fn.section) ?? [], fn.start + insn, fn.start);

export const relocationTable = (rows: readonly RelocationRow[]): string =>
  `Relocations\n${columns(
    rows.map(({ function: name, insn, kind, target, source }) => [
      `${name} insn ${insn}`,
      kind,
      target,
      source ? `${source.file.replace(/^.*\//, '')}:${source.line}` : '',
    ]),
  ).join('\n')}\n`;

/** Every function with its instructions, each with what it is to be given. */
export function ownListing(object: BpfObject): string {
  const rows = relocationRows(object);
  return object.programs
    .map((fn) => {
      const notes = new Map<number, string[]>();
      for (const { function: owner, insn, kind, target } of rows)
        if (owner === fn.name) notes.set(insn, [...(notes.get(insn) ?? []), `${kind} ${target}`]);
      const body = listing(fn.insns, {
        source: (slot) => sourceOf(object, fn, slot),
        notes: (slot) => notes.get(slot) ?? [],
      });
      return `${fn.name}: section ${fn.section}, ${insnCount(fn.insns)} instructions\n${body}`;
    })
    .join('\n');
}

/** The same as data: instructions in hexadecimal. */
export const ownFunctions = ({ programs }: BpfObject): Record<string, unknown>[] =>
  programs.map(({ name, section, start, insns, isSubprogram }) => ({
    name,
    section,
    start,
    is_subprogram: isSubprogram,
    insns: hex(insns),
    disassembly: disassembleAll(insns).map(({ index, text }) => ({ insn: index, text })),
  }));

/** A program as a kernel would be given it, with the lines of C, and what of it that kernel has no answer for. */
export function relocatedText(object: BpfObject, planned: RelocatedProgram): string {
  const { name, section } = planned.program;
  const head = `${name}: section ${section}`;
  if ('error' in planned) return `${head}: ${planned.error.message}\n\n`;
  const { functions, unattached } = planned;
  const owner = (slot: number) => functions.findLast(({ start }) => start <= slot);
  const fixups = new Map(planned.fixups.map((fixup) => [`${fixup.program} ${fixup.insn}`, fixup]));
  const placeOf = placesIn(object);
  const refs = new Map(planned.refs.filter(({ kind }) => kind !== 'subprog').map((ref) => [ref.insn, ref]));
  const body = listing(planned.insns, {
    functionAt: (slot) => functions.find(({ start }) => start > 0 && start === slot)?.name, // the first has the head
    source: (slot) => {
      const fn = owner(slot);
      const program = object.programs.find((candidate) => candidate.name === fn?.name);
      return fn && program && sourceOf(object, program, slot - fn.start);
    },
    notes: (slot) => {
      const fn = owner(slot);
      const ref = refs.get(slot);
      const fixup = fn && fixups.get(`${fn.name} ${slot - fn.start}`);
      return [
        ...(ref ? [`${ref.kind} ${ref.kind === 'map_value' ? placeOf(ref.name, ref.offset) : ref.name}`] : []),
        ...(fixup ? [showFixup(fixup)] : []),
      ];
    },
  });
  const failed = [...planned.explanations.values()].map((found) => `\n  ${showExplanation(found).join('\n    ')}\n`);
  const poisoned = failed.length > 0 ? `\nCO-RE relocations that this kernel has no answer for:\n${failed.join('')}` : '';
  const target = unattached
    ? `  ${unattached.what}; a load looks for it in the running kernel. ${unattached.remedy ?? ''}`.trimEnd()
    : '';
  return `${head}, ${insnCount(planned.insns)} instructions\n${target && `${target}\n`}${body}${poisoned}\n`;
}
