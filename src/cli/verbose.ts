// What --verbose shows: what was found out about the machine, each CO-RE relocation before and after, each step of the load.

import type { LoadOptions, LoadPlan } from '../api/index.js';
import { disassemble, insnCount, readInsn } from '../insn/index.js';
import { tracer } from '../load/index.js';
import type { BpfObject } from '../object/index.js';
import { type Fixup, showFixup } from '../relocate/index.js';

export function verbose(write: (line: string) => void): LoadOptions {
  return {
    note: write,
    onPlan: (plan) => {
      for (const fixup of plan.fixups) write(showRelocation(plan, fixup));
    },
    observe: tracer(write, () => performance.now()),
  };
}

function showRelocation({ original, object }: LoadPlan, fixup: Fixup): string {
  const place = `${fixup.program} insn ${fixup.insn}`;
  return `CO-RE ${place}: ${showFixup(fixup)}\n  before: ${textAt(original, fixup)}\n  after:  ${textAt(object, fixup)}`;
}

function textAt({ programs }: BpfObject, { program, insn }: Fixup): string {
  const insns = programs.find((candidate) => candidate.name === program)?.insns ?? new Uint8Array();
  return disassemble(readInsn(insns, insn), insn + 1 < insnCount(insns) ? { next: readInsn(insns, insn + 1) } : {});
}
