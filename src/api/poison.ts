// A CO-RE relocation that failed is poisoned, and the verifier refuses the program if that instruction can be reached. It
// then names a helper that does not exist; here that becomes the field or type that the kernel lacks.

import { VerifierError } from '../errors.js';
import { type LinkedProgram, linkProgram } from '../object/index.js';
import { CORE_POISON, type Fixup, showSpec } from '../relocate/index.js';
import type { LoadPlan } from './plan.js';

/** Does what `load` does; a refusal because of poison is explained. */
export function explainingPoison<T>(plan: LoadPlan, load: () => T): T {
  try {
    return load();
  } catch (error) {
    throw error instanceof VerifierError ? (explain(plan, error) ?? error) : error;
  }
}

function explain({ object, fixups }: LoadPlan, error: VerifierError): VerifierError | undefined {
  const slot = poisonedSlot(error.log);
  const program = object.programs.find(({ name }) => name === error.where.program);
  const fixup = slot === undefined || !program ? undefined : fixupAt(linkProgram(object, program), fixups, slot);
  if (!fixup) return undefined;
  return new VerifierError(error.call, error.errno, error.log, {
    doing: `Program ${error.where.program} reaches CO-RE relocation <${fixup.kind}> ${showSpec(fixup.local)}, which failed: ${fixup.reason}`,
    where: { ...error.where, insn: fixup.insn },
    remedy:
      'Guard the access with bpf_core_field_exists() or bpf_core_type_exists(), or add a flavor of the type (struct name___old) with what this kernel has.',
    cause: error,
  });
}

/** The instruction that the verifier refused, as a slot of the linked program. */
function poisonedSlot(log: string): number | undefined {
  if (!log.includes(`invalid func unknown#${CORE_POISON}`)) return undefined;
  const call = [...log.matchAll(new RegExp(`^(\\d+): \\(85\\) call unknown#${CORE_POISON}`, 'gm'))].at(-1)?.[1];
  return call === undefined ? undefined : Number(call);
}

/** Slots of functions that were appended count from where they came to lie. The second slot of an ld_imm64 is poisoned too. */
function fixupAt({ functions }: LinkedProgram, fixups: readonly Fixup[], slot: number): Fixup | undefined {
  const owner = functions.findLast(({ start }) => start <= slot);
  if (!owner) return undefined;
  const insn = slot - owner.start;
  const own = fixups.filter((fixup) => fixup.program === owner.name && fixup.after === 'poison');
  return own.find((fixup) => fixup.insn === insn) ?? own.find((fixup) => fixup.insn === insn - 1);
}
