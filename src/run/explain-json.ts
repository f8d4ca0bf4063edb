// An explained object as JSON for programs.

import { spell } from '../btf/index.js';
import { CANNOT_KNOW } from '../check/index.js';
import { callName, fdRefs, isFdRef, isWithFds, type Step } from '../plan/index.js';
import { showSpec } from '../relocate/index.js';
import { externJson, findingJson, kernelJson, programCheckJson } from './check.js';
import type { Explained } from './explain.js';
import { mapJson, ownersOf, relocationJson } from './inspect.js';
import { describeError } from './json.js';
import { leastJson, requirementJson } from './requirements.js';

/** A value that `toJson` takes. */
export function explainJson({
  object,
  kernel,
  assumed,
  requirements,
  least,
  check,
  fixups,
  explanations,
  plan,
}: Explained): Record<string, unknown> {
  const owners = ownersOf(object);
  return {
    object: {
      file: object.where.file ?? object.name,
      license: object.license,
      little_endian: object.littleEndian,
      maps: object.maps.map(mapJson),
    },
    kernel: { ...kernelJson(kernel), assumed },
    verdict: check.verdict,
    load: check.load,
    least_kernel: leastJson({ requirements, least }),
    requirements: requirements.map(requirementJson),
    externs: check.externs.map(externJson),
    open: check.open,
    findings: check.findings.map(findingJson),
    programs: check.programs.map(programCheckJson),
    relocations: fixups.map((fixup) => ({
      ...relocationJson(object, owners, fixup, explanations.get(fixup)),
      candidates: fixup.verdicts.map(({ btf, id, spec, mismatch }) => ({
        type: spell(btf, id),
        id,
        matches: spec !== undefined,
        path: spec ? showSpec(spec) : null,
        reason: mismatch ?? null,
      })),
    })),
    steps: plan.steps.map(stepJson),
    plan_error: plan.error ? describeError(plan.error) : null,
    without: plan.without,
    not_attached: plan.unattached,
    cannot_know: CANNOT_KNOW,
  };
}

/** A step: the call and its attributes; descriptors by the names of the steps that make them. */
function stepJson(step: Step): Record<string, unknown> {
  return {
    id: step.id,
    why: step.why,
    call: callName(step),
    ...('attr' in step && { attr: Object.fromEntries(Object.entries(step.attr).map(([name, value]) => [name, shown(value)])) }),
    ...('pid' in step && { pid: step.pid, cpu: step.cpu, flags: step.flags }),
    ...('path' in step && { path: step.path }),
    ...('target' in step && { target: step.target }),
    makes: step.makes ?? null,
    needs: [...new Set([...fdRefs(step)].map(({ fd }) => fd))],
    optional: step.optional ?? false,
  };
}

type Value = Extract<Step, { call: 'bpf' }>['attr'][string];

function shown(value: Value): unknown {
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (isWithFds(value)) return { bytes: value.bytes, descriptors: value.fds.map(({ at, ref }) => ({ at, of: ref.fd })) };
  return isFdRef(value) ? { descriptor: value.fd } : value;
}
