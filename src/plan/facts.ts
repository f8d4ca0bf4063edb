// What the machine says. Facts are gathered first, and only those that a plan will ask for; the planner itself asks nothing.

import type { Btf } from '../btf/index.js';
import type { BpfObject } from '../object/index.js';
import { needsKernelBtf } from '../relocate/index.js';
import type { FeatureName } from './features.js';

/** The questions that an object raises. */
export interface Wanted {
  readonly kernelBtf: boolean;
  /** `sched/sched_process_exec`: category and name. */
  readonly tracepoints: readonly string[];
  readonly features: readonly FeatureName[];
}

export interface KernelFacts {
  readonly pageSize: number;
  readonly possibleCpus: number;
  /** As LINUX_VERSION_CODE encodes it: (major << 16) + (minor << 8) + patch. */
  readonly kernelVersion: number;
  readonly kernelBtf: Btf | undefined;
  /** Perf event ids, by `category/name`. */
  readonly tracepointIds: ReadonlyMap<string, number>;
  readonly features: ReadonlyMap<FeatureName, boolean>;
}

/** What must be asked of a machine before this object can be planned for it. Pure: asks nothing itself. */
export function wanted(object: BpfObject): Wanted {
  const programs = object.programs.filter((program) => !program.isSubprogram && program.autoload);
  const tracepoints = programs.flatMap(({ def, section }) => (def?.attach === 'tracepoint' ? (tracepointOf(section) ?? []) : []));
  return {
    kernelBtf: needsKernelBtf(object),
    tracepoints: [...new Set(tracepoints)],
    features: tracepoints.length > 0 ? ['memcg_account', 'perf_link'] : ['memcg_account'],
  };
}

/** `tp/sched/sched_process_exec` -> `sched/sched_process_exec`; undefined for a bare `tp`. */
export function tracepointOf(section: string): string | undefined {
  const slash = section.indexOf('/');
  return slash < 0 ? undefined : section.slice(slash + 1);
}
