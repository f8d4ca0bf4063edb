// What a kernel would be given of an object, as plain data: the plan of its load, taken apart for people who ask why it will
// not load there, and for comparisons with other loaders.

import { Patience } from '../bytes/index.js';
import { BpfError, type CoreExplanation, UnsupportedError } from '../errors.js';
import { readInsn } from '../insn/index.js';
import { type BpfFunction, type BpfObject, type LinkedProgram, ProgramLinker } from '../object/index.js';
import { Effort, type Fixup, relocate } from '../relocate/index.js';
import {
  BPF_INSN_SZ,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_VALUE,
  CALL,
  LD_IMM64,
} from '../uapi/insn.js';
import { attachTarget } from './attach-target.js';
import { explainRelocations } from './explain.js';
import { resolveExterns } from './externs.js';
import { coreTarget, type KernelFacts } from './facts.js';
import { loadable } from './loadable.js';
import { planMap } from './maps.js';
import { type LoadStep, planProgram } from './programs.js';
import type { WithFds } from './step.js';
import { resolveStructOps } from './struct-ops.js';

/** What an instruction refers to. `offset` is that into a data section, in bytes, or of a subprogram, in slots. */
export interface InsnReference {
  readonly insn: number;
  readonly kind: 'map' | 'map_value' | 'subprog' | 'kfunc' | 'btf_var' | 'ksym';
  readonly name: string;
  readonly offset: number;
}

/** A program whose plan could be made. `insns` have 0 where descriptors go. */
export interface PlannedProgram {
  readonly program: BpfFunction;
  readonly step: LoadStep;
  readonly insns: Uint8Array;
  readonly refs: readonly InsnReference[];
  /** Modules whose functions it calls, in the order of fd_array, from 1. */
  readonly modules: readonly string[];
  /** Where each function came to lie, its own first at 0. */
  readonly functions: LinkedProgram['functions'];
  readonly fixups: readonly Fixup[];
  /** Of those that are poisoned. */
  readonly explanations: ReadonlyMap<Fixup, CoreExplanation>;
  /** Why the step does not say what it hooks into, where a step without that is wanted too. */
  readonly unattached?: BpfError;
}
export type RelocatedProgram = PlannedProgram | { readonly program: BpfFunction; readonly error: BpfError };

/**
 * Plans every program that would be loaded, each by itself: one that fails does not hide the others.
 * @param elsewhere The types are not those of the kernel that will load it, which has the last word on what programs hook into: one whose
 *                  target they lack is planned without it.
 */
export function relocatedPrograms(object: BpfObject, facts: KernelFacts, { elsewhere = false } = {}): RelocatedProgram[] {
  const bounds = {
    elsewhere,
    linker: new ProgramLinker(),
    effort: new Effort(MOST_STEPS),
    patience: new Patience(),
  };
  return loadable(object).map((program) => {
    try {
      return planAlone(object, program, facts, bounds);
    } catch (error) {
      if (error instanceof BpfError) return { program, error };
      throw error;
    }
  });
}

/** On the work that all programs of an object cause together. */
interface Bounds {
  readonly elsewhere: boolean;
  readonly linker: ProgramLinker;
  readonly effort: Effort;
  readonly patience: Patience;
}

/** More than one relocation of an object has: .text is relocated again for each program. */
const MOST_STEPS = 100_000_000;

/** What is kept of a relocation, and of its explanation, counted as steps. */
const FIXUP = 300;
const POISONED = 2000;

/** As if the object had no other program, and nothing that this one does not use. */
function planAlone(
  whole: BpfObject,
  program: BpfFunction,
  facts: KernelFacts,
  { elsewhere, linker, effort, patience }: Bounds,
): PlannedProgram {
  const programs = whole.programs.filter((candidate) => candidate === program || candidate.isSubprogram);
  const relocated = relocate({ ...whole, programs }, coreTarget(facts), effort);
  const { object } = relocated;
  for (const { after } of relocated.fixups) effort.spend(after === 'poison' ? POISONED : FIXUP);
  const linked = linker.link(object, object.programs.find(({ name }) => name === program.name) ?? program);
  const used = new Set(linked.references.flatMap((reference) => (reference.kind === 'extern' ? [reference.name] : [])));
  const externs = resolveExterns(object, facts, ({ name }) => used.has(name), facts.kconfig !== undefined);
  const needing = object.maps.filter(({ structOps }) => structOps && [...structOps.programs.values()].includes(program.name));
  const structOps = resolveStructOps({ ...object, maps: needing }, facts);
  const unattached = elsewhere ? missingTarget(object, linked.program, facts) : undefined;
  const planned = unattached ? { ...linked, program: withoutTarget(linked.program) } : linked;
  const [step] = planProgram(object, planned, { facts, externs: externs.answers, structOps });
  const frozen = externs.object.maps
    // Settings that are not known are not zero.
    .filter(({ data, autocreate }) => data?.frozen && autocreate && (data.section !== '.kconfig' || facts.kconfig !== undefined))
    .flatMap((map) => planMap(externs.object, map, facts, undefined));
  const { insns } = step.attr;
  const inside = new Set(linked.functions.map(({ name }) => name));
  const fixups = relocated.fixups.filter((fixup) => inside.has(fixup.program));
  return {
    program,
    step,
    insns: insns.bytes,
    refs: references(insns, linked),
    modules: externs.answers.modules,
    functions: linked.functions,
    fixups,
    explanations: explainRelocations({ object: externs.object, facts, fixups, steps: [...frozen, step] }, patience),
    ...(unattached && { unattached }),
  };
}

function missingTarget(object: BpfObject, program: BpfFunction, facts: KernelFacts): BpfError | undefined {
  if (!program.def?.attachBtf) return undefined;
  try {
    attachTarget(object, program, program.def, facts);
    return undefined;
  } catch (error) {
    if (error instanceof UnsupportedError) return error;
    throw error;
  }
}

function withoutTarget(program: BpfFunction): BpfFunction {
  if (!program.def) return program;
  const { attachBtf, ...def } = program.def;
  return { ...program, def };
}

function references({ bytes, fds }: WithFds, { functions, references: linked }: LinkedProgram): InsnReference[] {
  const maps = new Map(fds.map(({ at, ref }) => [Math.floor(at / BPF_INSN_SZ), ref.fd.replace(/^map /, '')]));
  const externs = new Map(linked.flatMap((ref) => (ref.kind === 'extern' ? [[ref.insn, ref.name] as const] : [])));
  const found: InsnReference[] = [];
  for (let insn = 0; insn < bytes.length / BPF_INSN_SZ; insn++) {
    const { code, src, imm } = readInsn(bytes, insn);
    const map = maps.get(insn);
    if (map !== undefined) {
      const isValue = src === BPF_PSEUDO_MAP_VALUE;
      found.push({ insn, kind: isValue ? 'map_value' : 'map', name: map, offset: isValue ? readInsn(bytes, insn + 1).imm : 0 });
    }
    const extern = externs.get(insn);
    if (extern !== undefined && map === undefined) {
      const kind = code === CALL ? 'kfunc' : src === BPF_PSEUDO_BTF_ID ? 'btf_var' : 'ksym';
      found.push({ insn, kind, name: extern, offset: 0 });
    }
    if ((code === CALL && src === BPF_PSEUDO_CALL) || (code === LD_IMM64 && src === BPF_PSEUDO_FUNC)) {
      const start = insn + imm + 1;
      found.push({ insn, kind: 'subprog', name: functions.find((fn) => fn.start === start)?.name ?? '', offset: start });
    }
    if (code === LD_IMM64) insn++; // its second slot is no instruction
  }
  return found;
}
