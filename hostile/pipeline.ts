// Everything that is done with an object before a kernel sees it, stage by stage.

import { planAttach } from '../src/attach/index.js';
import { dedupBtf, parseBtf } from '../src/btf/index.js';
import { region } from '../src/bytes/index.js';
import { type ElfFile, parseElf } from '../src/elf/index.js';
import { VerifierError } from '../src/errors.js';
import { disassembleAll } from '../src/insn/index.js';
import { linkObjects } from '../src/linker/index.js';
import { drive, dryRunKernel, execute, type Kernel, parseVerifierLog, verifierFrame } from '../src/load/index.js';
import { type BpfObject, openObject } from '../src/object/index.js';
import {
  encodeAttr,
  explainRelocations,
  fitMaps,
  type KernelFacts,
  planLoad,
  relocatedPrograms,
  type Step,
  showExplanation,
  wanted,
} from '../src/plan/index.js';
import { relocate, showFixup } from '../src/relocate/index.js';
import { relocatedJson, toJson } from '../src/run/index.js';
import { BPF_ATTR } from '../src/uapi/bpf.js';
import { exerciseBtf, readTypes } from '../test/support/hostile.js';
import { Stages } from './stages.js';

export interface Case {
  readonly bytes: Uint8Array;
  readonly facts: KernelFacts;
  /** Mutated types of a kernel, besides those of `facts`. */
  readonly otherKernel: Uint8Array | undefined;
  /** Linked with, before and after. */
  readonly other: Uint8Array | undefined;
  /** What the kernel says when it refuses each program. */
  readonly log: string | undefined;
  /** The slower half: each program by itself, JSON, explanations, text. */
  readonly inspect: boolean;
  readonly dedup: boolean;
}

/** @returns The code of the first error, or `works`. @throws {Failed} */
export function exercise({ bytes, facts, otherKernel, other, log, inspect, dedup }: Case): string {
  const stages = new Stages();
  const file = stages.run('parseElf', () => parseElf(region(bytes, { file: 'hostile.bpf.o' })));
  if (!file) return stages.outcome;
  const object = stages.run('openObject', () => openObject(file));
  if (object) {
    const questions = stages.run('wanted', () => wanted(object));
    if (questions) {
      stages.run('readTypes', () => readTypes(object));
      load(stages, object, facts, log);
      if (inspect) inspected(stages, object, facts);
      const kernel = otherKernel && stages.run('parseBtf of a kernel', () => parseBtf(region(otherKernel, { file: 'a kernel' })));
      if (kernel) load(stages, object, { ...facts, kernelBtf: kernel }, undefined);
      const { btf } = object;
      if (dedup && btf) stages.run('dedupBtf', () => dedupBtf(btf));
    }
  } else if (dedup) {
    const types = file.sections.find(({ name }) => name === '.BTF');
    if (types) stages.run('all types', () => exerciseBtf(types.data.bytes, 1, 7));
  }
  if (other) link(stages, file, other);
  return stages.outcome;
}

function load(stages: Stages, object: BpfObject, facts: KernelFacts, log: string | undefined): void {
  const relocated = stages.run('relocate', () => relocate(object, facts.kernelBtf && { kernel: facts.kernelBtf }));
  if (!relocated) return;
  const { fixups } = relocated;
  stages.run('showFixup', () => fixups.forEach((fixup) => void showFixup(fixup)));
  const fitted = fitMaps(relocated.object, facts);
  const loading = stages.run('planLoad', () => planLoad(fitted, facts));
  const attaching = stages.run('planAttach', () => planAttach(fitted, facts));
  if (!loading) return;
  const explained = stages.run('explainRelocations', () => explainRelocations({ object: fitted, facts, fixups, steps: loading }));
  for (const found of explained?.values() ?? []) stages.run('showExplanation', () => showExplanation(found));
  stages.run('dry run', () => {
    const kernel = encoding(dryRunKernel(facts));
    using session = drive(execute(loading, kernel));
    if (attaching) drive(execute(attaching, kernel, session))[Symbol.dispose]();
  });
  if (log !== undefined) refuse(stages, loading, facts, log);
}

/** Encodes each call, as the real kernel's door does. */
const encoding = (kernel: Kernel): Kernel => ({
  ...kernel,
  run(step, fds) {
    const layout = step.call === 'bpf' ? BPF_ATTR[step.cmd] : undefined;
    if (step.call === 'bpf' && layout) encodeAttr(layout, step.attr, (ref) => fds.get(ref));
    return kernel.run(step, fds);
  },
});

const EACCES = 13;

/** A kernel that refuses every program with this log. */
function refuse(stages: Stages, steps: readonly Step[], facts: KernelFacts, log: string): void {
  const bytes = new TextEncoder().encode(`${log}\0`);
  const dry = dryRunKernel(facts);
  const kernel: Kernel = {
    ...dry,
    run: (step, fds) =>
      step.call === 'bpf' && step.cmd === 'BPF_PROG_LOAD'
        ? { result: -EACCES, out: new Map([['log_buf', bytes]]) }
        : dry.run(step, fds),
  };
  stages.run('parseVerifierLog', () => parseVerifierLog(log));
  const before = stages.outcome;
  stages.run('refusal', () => {
    try {
      drive(execute(steps, kernel))[Symbol.dispose]();
    } catch (error) {
      if (!(error instanceof VerifierError)) throw error;
      verifierFrame(error);
    }
  });
  stages.outcome = before; // that it is refused is no news
}

function inspected(stages: Stages, object: BpfObject, facts: KernelFacts): void {
  const programs = stages.run('relocatedPrograms', () => relocatedPrograms(object, facts));
  if (!programs) return;
  stages.run('inspect', () => toJson(relocatedJson(object, facts, programs, { full: true })));
  for (const planned of programs) {
    if ('error' in planned) continue;
    stages.run('disassemble', () => disassembleAll(planned.insns));
    stages.run('showExplanation', () => [...planned.explanations.values()].map(showExplanation));
  }
}

/** Before and after another object; what comes of it can be opened, or is refused like any other. */
function link(stages: Stages, file: ElfFile, bytes: Uint8Array): void {
  const other = stages.run('parseElf of another', () => parseElf(region(bytes, { file: 'other.bpf.o' })));
  for (const files of other
    ? [
        [file, other],
        [other, file],
      ]
    : [[file]]) {
    const linked = stages.run('linkObjects', () => linkObjects(files));
    if (linked) stages.run('the linked object', () => openObject(parseElf(region(linked, { file: 'linked.bpf.o' }))));
  }
}
