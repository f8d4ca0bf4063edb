// One program of an object as a kernel would be given it, as far as that can be made: what fails on the way is a finding, and the rest
// goes on without it.

import { sourceLineAt } from '../btf/index.js';
import { BpfError, type CoreExplanation, type SourceLine } from '../errors.js';
import type { Insn } from '../insn/index.js';
import { insnCount, isLdImm64, type Reach, readInsn } from '../insn/index.js';
import { type BpfFunction, type BpfObject, type LinkedProgram, linkProgram } from '../object/index.js';
import {
  coreTarget,
  type ExternAnswer,
  explainRelocations,
  frozenMaps,
  type KernelFacts,
  planMap,
  planProgram,
  reachOf,
  resolveExterns,
  type Step,
} from '../plan/index.js';
import { type Fixup, relocate } from '../relocate/index.js';
import type { Finding } from './finding.js';
import { reachedByThemselves, unguarded, verifiesEach } from './global-functions.js';

/** A slot of the linked program, and what is there. */
export interface Slot {
  readonly insn: number;
  readonly value: Insn;
  readonly reached: boolean;
}

export interface Assembled {
  readonly linked: LinkedProgram;
  readonly fixups: readonly Fixup[];
  readonly explanations: ReadonlyMap<Fixup, CoreExplanation>;
  readonly slots: readonly Slot[];
  /** Externs that have an answer, weak ones that are missing among them. */
  readonly answers: ReadonlyMap<string, ExternAnswer>;
  /** The C line that a slot came from. */
  readonly sourceAt: (insn: number) => SourceLine | undefined;
  readonly findings: readonly Finding[];
}

const fault = (concern: Finding['concern'], { what, remedy }: BpfError): Finding => ({
  concern,
  verdict: 'red',
  stage: 'load',
  what,
  remedy,
});

/** What `make` gives; `fallback`, and a finding, where it throws one of our errors. */
function attempt<T>(findings: Finding[], concern: Finding['concern'], make: () => T, fallback: T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    findings.push(fault(concern, error));
    return fallback;
  }
}

/**
 * @param settings Whether the values of .kconfig can be computed; if not, code that depends on them is taken to be reached.
 * @returns        undefined when the program cannot be linked; `findings` says why.
 */
export function assemble(
  whole: BpfObject,
  program: BpfFunction,
  facts: KernelFacts,
  settings: boolean,
): Assembled | { readonly findings: readonly Finding[]; readonly linked?: undefined } {
  const findings: Finding[] = [];
  const programs = whole.programs.filter((candidate) => candidate === program || candidate.isSubprogram);
  const alone = { ...whole, programs };
  const relocated = attempt(findings, 'relocations', () => relocate(alone, coreTarget(facts)), { object: alone, fixups: [] });
  const { object } = relocated;
  const own = object.programs.find(({ name }) => name === program.name) ?? program;
  const linked = attempt(findings, 'instructions', () => linkProgram(object, own), undefined);
  if (!linked) return { findings };
  const inside = new Set(linked.functions.map(({ name }) => name));
  const fixups = relocated.fixups.filter((fixup) => inside.has(fixup.program));
  const answers = externAnswers(object, linked, facts);
  const frozen = frozenSteps(object, facts, settings);
  const step = attempt(findings, 'instructions', () => planned(object, linked, facts, answers), undefined);
  const constants = frozenMaps(frozen);
  const reach = step && reachOf(step.attr.insns, constants);
  const byThemselves =
    step && verifiesEach(facts) ? reachedByThemselves(object, linked, step.attr.insns, constants) : new Set<number>();
  const explanations = explainRelocations({ object, facts, fixups, steps: [...frozen, ...(step ? [step] : [])] });
  return {
    linked,
    fixups,
    explanations: unguarded(explanations, linked, byThemselves),
    slots: step ? slotsOf(step.attr.insns.bytes, reach, byThemselves) : [],
    answers,
    sourceAt: (insn) => sourceAt(object, linked, insn),
    findings,
  };
}

/** Externs that have no answer are told elsewhere; here they are as good as weak ones. */
function externAnswers(object: BpfObject, { references }: LinkedProgram, facts: KernelFacts): Map<string, ExternAnswer> {
  const used = new Set(references.flatMap((reference) => (reference.kind === 'extern' ? [reference.name] : [])));
  const answers = new Map<string, ExternAnswer>();
  for (const [index, extern] of object.externs.entries()) {
    if (!used.has(extern.name)) continue;
    try {
      for (const [name, answer] of resolveExterns(object, facts, (one) => one === extern, false).answers.byName)
        answers.set(name, answer);
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      answers.set(extern.name, { kind: 'absent', index });
    }
  }
  return answers;
}

/** What it hooks into does not change its instructions, so the step is made without looking for that. */
function planned(object: BpfObject, linked: LinkedProgram, facts: KernelFacts, byName: ReadonlyMap<string, ExternAnswer>) {
  const { def, type, ...rest } = linked.program;
  const { attachBtf, ...bare } = def ?? { sec: '', type };
  const program: BpfFunction = {
    ...rest,
    def: bare,
    type: type === 'BPF_PROG_TYPE_STRUCT_OPS' ? 'BPF_PROG_TYPE_UNSPEC' : type,
  };
  const modules = [...byName.values()].flatMap((answer) => ('module' in answer && answer.module ? [answer.module] : []));
  const answers = { facts, externs: { byName, modules }, structOps: new Map() };
  return planProgram(object, { ...linked, program }, answers)[0];
}

/** The steps that make what the verifier may take for constants. */
function frozenSteps(object: BpfObject, facts: KernelFacts, settings: boolean): Step[] {
  const filled = settings ? resolveSettings(object, facts) : object;
  return filled.maps
    .filter(({ data, autocreate }) => data?.frozen && autocreate && (data.section !== '.kconfig' || settings))
    .flatMap((map) => planMap(filled, map, facts, undefined));
}

function resolveSettings(object: BpfObject, facts: KernelFacts): BpfObject {
  try {
    return resolveExterns(object, facts, ({ kind }) => kind === 'kconfig').object;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { ...object, maps: object.maps.filter(({ data }) => data?.section !== '.kconfig') };
  }
}

/** Where reach cannot tell, everything counts as reached. */
function slotsOf(bytes: Uint8Array, reach: Reach | undefined, alone: ReadonlySet<number>): Slot[] {
  const slots: Slot[] = [];
  for (let insn = 0; insn < insnCount(bytes); insn++) {
    slots.push({ insn, value: readInsn(bytes, insn), reached: (reach?.reached[insn] ?? true) || alone.has(insn) });
    if (isLdImm64(bytes, insn)) insn++;
  }
  return slots;
}

function sourceAt({ btf }: BpfObject, { lineInfo, functions }: LinkedProgram, insn: number): SourceLine | undefined {
  const owner = functions.findLast(({ start }) => start <= insn);
  const found = btf && sourceLineAt(btf, lineInfo, insn, owner?.start ?? 0);
  return found && owner && { ...found, function: owner.name };
}
