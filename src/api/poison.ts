// A CO-RE relocation that failed is poisoned, as is a call of a weak function that the kernel lacks, and what refers to a map that is
// not created; the verifier refuses the program if that instruction can be reached. It then names a helper that does not exist; here
// that becomes what is missing.

import { BpfError, type CoreExplanation, VerifierError } from '../errors.js';
import type { StepEvent } from '../load/index.js';
import { type LinkedProgram, linkProgram } from '../object/index.js';
import { explainRelocations, KFUNC_POISON, MAP_POISON } from '../plan/index.js';
import { CORE_POISON, type Fixup, showSpec } from '../relocate/index.js';
import type { LoadPlan } from './plan.js';

/** Does what `steps` do; a refusal because of poison is explained. */
export function* explainingPoison<T>(plan: LoadPlan, steps: Generator<StepEvent, T>): Generator<StepEvent, T> {
  try {
    return yield* steps;
  } catch (error) {
    throw error instanceof VerifierError
      ? (explain(plan, error) ?? explainCall(plan, error) ?? explainMap(plan, error) ?? error)
      : error;
  }
}

function explain(plan: LoadPlan, error: VerifierError): VerifierError | undefined {
  const { object, fixups } = plan;
  const slot = poisonedSlot(error);
  const program = object.programs.find(({ name }) => name === error.where.program);
  const fixup = slot === undefined || !program ? undefined : fixupAt(linkProgram(object, program), fixups, slot);
  if (!fixup) return undefined;
  const explanation = explained(plan, fixup);
  return new VerifierError(error.call, error.errno, error.log, {
    doing: `Program ${error.where.program} reaches CO-RE relocation <${fixup.kind}> ${showSpec(fixup.local)}, which failed: ${fixup.reason}`,
    where: { ...error.where, insn: fixup.insn },
    remedy: remedyFor(explanation?.suggestion),
    refusal: {
      ...error,
      reason: `CO-RE relocation <${fixup.kind}> ${explanation?.local ?? showSpec(fixup.local)} failed: ${fixup.reason}`,
      explanation: explanation && { ...explanation, guarded: false }, // the kernel got there
    },
    cause: error,
  });
}

/** What is proposed is C, which starts with a guard where the kernel lacks something. */
function remedyFor(suggestion: string | undefined): string {
  if (suggestion === undefined)
    return 'Guard it: bpf_core_field_exists(), bpf_core_type_exists(), bpf_core_enum_value_exists(), or add a flavor of the type with what this kernel has.';
  const verb = suggestion.startsWith('if (') ? 'Guard it: ' : suggestion.startsWith('with ') ? 'Read it ' : '';
  return `${verb}${suggestion.replaceAll('\n', '\n  ')}`;
}

/** Nothing must hide the refusal: types that cannot be read leave it without an explanation. */
function explained(plan: LoadPlan, fixup: Fixup): CoreExplanation | undefined {
  try {
    return explainRelocations(plan).get(fixup);
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** Poisoned calls carry the place of the function among the externs. */
function explainCall({ object }: LoadPlan, error: VerifierError): VerifierError | undefined {
  const poison = Number(/invalid func unknown#(\d+)/.exec(error.log)?.[1] ?? 0);
  const extern = object.externs[poison - KFUNC_POISON];
  const program = object.programs.find(({ name }) => name === error.where.program);
  const slot = poisonedSlot(error, poison);
  if (!extern || !program || slot === undefined) return undefined;
  const owner = linkProgram(object, program).functions.findLast(({ start }) => start <= slot);
  return new VerifierError(error.call, error.errno, error.log, {
    doing: `Program ${program.name} calls ${extern.name}, which this kernel does not have, or has with another type`,
    where: { ...error.where, insn: slot - (owner?.start ?? 0) },
    remedy: `Guard the call: if (${extern.name}) …, or bpf_ksym_exists(${extern.name}).`,
    refusal: { ...error, reason: `${extern.name} is not in this kernel, or with another type` },
    cause: error,
  });
}

/** As is what refers to a map that is not created; it carries the place of the map. */
function explainMap({ object }: LoadPlan, error: VerifierError): VerifierError | undefined {
  const map = object.maps[Number(/invalid func unknown#(\d+)/.exec(error.log)?.[1] ?? 0) - MAP_POISON];
  if (!map || map.autocreate) return undefined;
  return new VerifierError(error.call, error.errno, error.log, {
    doing: `Program ${error.where.program} refers to map ${map.name}, which is not created`,
    where: error.where,
    remedy: `Leave autocreate of ${map.name} switched on, or switch off the program too. Code behind a constant that is false may refer to it.`,
    refusal: { ...error, reason: `map ${map.name} is not created` },
    cause: error,
  });
}

/** The instruction that the verifier refused, as a slot of the linked program, if it is the call that stands for poison. */
function poisonedSlot({ log, insn }: VerifierError, poison: number = CORE_POISON): number | undefined {
  return log.includes(`invalid func unknown#${poison}`) || log.includes(`call unknown#${poison}`) ? insn : undefined;
}

/** Slots of functions that were appended count from where they came to lie. The second slot of an ld_imm64 is poisoned too. */
function fixupAt({ functions }: LinkedProgram, fixups: readonly Fixup[], slot: number): Fixup | undefined {
  const owner = functions.findLast(({ start }) => start <= slot);
  if (!owner) return undefined;
  const insn = slot - owner.start;
  const own = fixups.filter((fixup) => fixup.program === owner.name && fixup.after === 'poison');
  return own.find((fixup) => fixup.insn === insn) ?? own.find((fixup) => fixup.insn === insn - 1);
}
