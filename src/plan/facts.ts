// What the machine says. Facts are gathered first, and only those that a plan will ask for; the planner itself asks nothing.

import type { Btf } from '../btf/index.js';
import { FormatError } from '../errors.js';
import type { BpfFunction, BpfObject } from '../object/index.js';
import { type CoreTarget, needsKernelBtf } from '../relocate/index.js';
import { externQuestions } from './externs.js';
import type { FeatureName } from './features.js';
import { type MachineSizes, wantsSlotPerCpu } from './fit-maps.js';
import type { KernelConfig } from './kconfig.js';
import { loadable } from './loadable.js';

/** The questions that an object raises. */
export interface Wanted {
  readonly kernelBtf: boolean;
  /** Type ids go to the kernel: those of no other BTF will do. */
  readonly attachBtf: boolean;
  readonly possibleCpus: boolean;
  /** `sched/sched_process_exec`: category and name. */
  readonly tracepoints: readonly string[];
  readonly features: readonly FeatureName[];
  /** The configuration that it was built with. */
  readonly kconfig: boolean;
  /** Names of symbols. */
  readonly kallsyms: readonly string[];
}

export interface KernelFacts extends MachineSizes {
  /** As LINUX_VERSION_CODE encodes it: (major << 16) + (minor << 8) + patch. */
  readonly kernelVersion: number;
  readonly kernelBtf: Btf | undefined;
  /** Types to relocate against, where others are given in place of the kernel's own. */
  readonly coreBtf?: Btf | undefined;
  /** Perf event ids, by `category/name`. */
  readonly tracepointIds: ReadonlyMap<string, number>;
  readonly features: ReadonlyMap<FeatureName, boolean>;
  /** Undefined when nobody asked. */
  readonly kconfig: KernelConfig | undefined;
  /** Addresses of symbols by name; more than one where several symbols are called so. */
  readonly kallsyms: ReadonlyMap<string, readonly bigint[]>;
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
  kconfig: undefined,
  kallsyms: new Map(),
  features: new Map([
    ['bpf_cookie', true],
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
  const externs = externQuestions(object);
  const attachBtf = externs.btf || loadable(object).some(({ def }) => def?.attachBtf);
  return {
    kernelBtf: attachBtf || needsKernelBtf(object),
    attachBtf,
    possibleCpus: object.maps.some(wantsSlotPerCpu),
    tracepoints: [...new Set(tracepoints)],
    features: ['memcg_account', ...(tracepoints.length > 0 ? (['perf_link'] as const) : []), ...externs.features],
    kconfig: externs.kconfig,
    kallsyms: externs.kallsyms,
  };
}

/** What CO-RE relocates against on this machine; undefined where its types are not known. */
export function coreTarget({ coreBtf, kernelBtf }: KernelFacts): CoreTarget | undefined {
  const kernel = coreBtf ?? kernelBtf;
  return kernel && { kernel };
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
