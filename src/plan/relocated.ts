// What a kernel would be given of an object, as plain data: the plan of its load, taken apart for people who ask why it will
// not load there, and for comparisons with other loaders.

import { BpfError, type CoreExplanation } from '../errors.js';
import { readInsn } from '../insn/index.js';
import { type BpfFunction, type BpfObject, type LinkedProgram, linkProgram } from '../object/index.js';
import { type Fixup, relocate } from '../relocate/index.js';
import {
  BPF_INSN_SZ,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_VALUE,
  CALL,
  LD_IMM64,
} from '../uapi/insn.js';
import { explainRelocations } from './explain.js';
import { coreTarget, type KernelFacts } from './facts.js';
import { fitMaps } from './fit-maps.js';
import { planLoad } from './load.js';
import { loadable } from './loadable.js';
import { type BpfStep, isWithFds, type Step, type WithFds } from './step.js';

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
  readonly step: BpfStep;
  readonly insns: Uint8Array;
  readonly refs: readonly InsnReference[];
  readonly fixups: readonly Fixup[];
  /** Of those that are poisoned. */
  readonly explanations: ReadonlyMap<Fixup, CoreExplanation>;
}
export type RelocatedProgram = PlannedProgram | { readonly program: BpfFunction; readonly error: BpfError };

/**
 * Plans every program that would be loaded, each by itself: one that fails does not hide the others.
 */
export const relocatedPrograms = (object: BpfObject, facts: KernelFacts): RelocatedProgram[] =>
  loadable(object).map((program) => {
    try {
      return planAlone(object, program, facts);
    } catch (error) {
      if (error instanceof BpfError) return { program, error };
      throw error;
    }
  });

/** As if the object had no other program. */
function planAlone(object: BpfObject, program: BpfFunction, facts: KernelFacts): PlannedProgram {
  const programs = object.programs.filter((candidate) => candidate === program || candidate.isSubprogram);
  const relocated = relocate({ ...object, programs }, coreTarget(facts));
  const fitted = fitMaps(relocated.object, facts);
  const linked = linkProgram(fitted, fitted.programs.find(({ name }) => name === program.name) ?? program);
  const steps = planLoad(fitted, facts);
  const step = steps.find(isProgLoad) as BpfStep;
  const insns = step.attr.insns as WithFds;
  const inside = new Set(linked.functions.map(({ name }) => name));
  const fixups = relocated.fixups.filter((fixup) => inside.has(fixup.program));
  return {
    program,
    step,
    insns: insns.bytes,
    refs: references(insns, linked),
    fixups,
    explanations: explainRelocations({ object: fitted, facts, fixups, steps }),
  };
}

const isProgLoad = (step: Step): step is BpfStep =>
  step.call === 'bpf' && step.cmd === 'BPF_PROG_LOAD' && isWithFds(step.attr.insns ?? 0);

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
