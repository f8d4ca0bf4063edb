// What the machine says. Facts are gathered first, and only those that a plan will ask for; the planner itself asks nothing.

import type { Btf } from '../btf/index.js';
import { FormatError } from '../errors.js';
import type { BpfFunction, BpfObject } from '../object/index.js';
import { needsKernelBtf } from '../relocate/index.js';
import type { FeatureName } from './features.js';
import { type MachineSizes, wantsSlotPerCpu } from './fit-maps.js';
import { loadable } from './loadable.js';

/** The questions that an object raises. */
export interface Wanted {
  readonly kernelBtf: boolean;
  readonly possibleCpus: boolean;
  /** `sched/sched_process_exec`: category and name. */
  readonly tracepoints: readonly string[];
  readonly features: readonly FeatureName[];
}

export interface KernelFacts extends MachineSizes {
  /** As LINUX_VERSION_CODE encodes it: (major << 16) + (minor << 8) + patch. */
  readonly kernelVersion: number;
  readonly kernelBtf: Btf | undefined;
  /** Perf event ids, by `category/name`. */
  readonly tracepointIds: ReadonlyMap<string, number>;
  readonly features: ReadonlyMap<FeatureName, boolean>;
}

/**
 * Facts of a machine that is not at hand, for plans and dry runs: what is not given is as on a recent kernel.
 * @example describeFacts({ kernelBtf: parseBtf(bytes), tracepointIds: new Map([['sched/sched_process_exec', 1]]) })
 */
export const describeFacts = (known: Partial<KernelFacts> = {}): KernelFacts => ({
  pageSize: 4096,
  possibleCpus: 1,
  kernelVersion: (6 << 16) + (12 << 8),
  kernelBtf: undefined,
  tracepointIds: new Map(),
  features: new Map([
    ['memcg_account', true],
    ['perf_link', true],
  ]),
  ...known,
});

/**
 * What must be asked of a machine before this object can be planned for it. Pure: asks nothing itself.
 * @throws {FormatError} for a section that should name a tracepoint and does not.
 */
export function wanted(object: BpfObject): Wanted {
  const tracepoints = loadable(object).flatMap((program) =>
    program.def?.attach === 'tracepoint' ? (tracepointOf(object, program) ?? []) : [],
  );
  return {
    kernelBtf: needsKernelBtf(object),
    possibleCpus: object.maps.some(wantsSlotPerCpu),
    tracepoints: [...new Set(tracepoints)],
    features: tracepoints.length > 0 ? ['memcg_account', 'perf_link'] : ['memcg_account'],
  };
}

/** What stands after the first `/` of a section name; undefined where there is none. */
export function targetOf({ section }: Pick<BpfFunction, 'section'>): string | undefined {
  const slash = section.indexOf('/');
  return slash < 0 ? undefined : section.slice(slash + 1);
}

/**
 * `tp/sched/sched_process_exec` -> `sched/sched_process_exec`; undefined for a bare `tp`, which is for its user to attach.
 * @throws {FormatError} when it is not a category and a name.
 */
export function tracepointOf(object: BpfObject, program: BpfFunction): string | undefined {
  const target = targetOf(program);
  if (target === undefined || /^[^/]+\/[^/]+$/.test(target)) return target;
  throw new FormatError(`Section "${program.section}" names no tracepoint`, {
    where: { ...object.where, program: program.name },
    remedy: 'Write SEC("tp/<category>/<name>"), for example SEC("tp/sched/sched_process_exec").',
  });
}
