// What the machine says. Facts are gathered first, and only those that a plan will ask for; the planner itself asks nothing.

import { type Btf, type BtfKind, findType, nameIndex } from '../btf/index.js';
import type { BpfObject } from '../object/index.js';
import { type CoreTarget, needsKernelBtf } from '../relocate/index.js';
import { argCtxFeatures } from './arg-ctx.js';
import { targetType } from './attach-target.js';
import { externQuestions } from './externs.js';
import { FEATURES, type FeatureName } from './features.js';
import { hasArenaVariables, type MachineSizes, wantsSlotPerCpu } from './fit-maps.js';
import type { KernelConfig } from './kconfig.js';
import type { ModuleBtf } from './kernel-types.js';
import { loadable } from './loadable.js';
import { type Pin, type PinFolder, type PinnedMap, pinPaths } from './pins.js';
import { btfFeatures } from './sanitize-btf.js';
import { tracepointOf } from './section-target.js';
import { structOpsNames } from './struct-ops.js';

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
  /** Types of modules too, if the kernel's own BTF lacks one of these. */
  readonly types: readonly WantedType[];
  /** Where maps want to be pinned. */
  readonly pins: readonly string[];
  /** Where other things will be: of these paths only the directories matter. */
  readonly newPins: readonly string[];
  /** Descriptors of programs that others hook into. */
  readonly programs: readonly number[];
}

/** `flavored`: as CO-RE looks for it, whatever stands behind `___`. */
export interface WantedType {
  readonly name: string;
  readonly kind: BtfKind;
  readonly flavored: boolean;
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
  /** Where they were looked for, if not in /proc/kallsyms. */
  readonly kallsymsFile?: string | undefined;
  /** Types of loaded modules; none when everything is in the kernel's own BTF. */
  readonly modules: readonly ModuleBtf[];
  /** By path. */
  readonly pins: ReadonlyMap<string, PinnedMap>;
  /** Directories of pins, by path; of those that are absent also the ones above, up to one that is there. */
  readonly pinFolders: ReadonlyMap<string, PinFolder>;
  /** Types of the programs that are hooked into, by descriptor; undefined for one that was loaded without. */
  readonly programBtfs: ReadonlyMap<number, Btf | undefined>;
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
  modules: [],
  pins: new Map(),
  pinFolders: new Map(),
  programBtfs: new Map(),
  features: new Map((Object.keys(FEATURES) as FeatureName[]).map((name) => [name, true])),
  ...known,
});

/**
 * What must be asked of a machine before this object can be planned for it. Pure: asks nothing itself.
 */
export function wanted(object: BpfObject, pins: readonly Pin[] = []): Wanted {
  const tracepoints = loadable(object).flatMap((program) =>
    program.def?.attach === 'tracepoint' && program.autoattach !== false ? (tracepointOf(program) ?? []) : [],
  );
  const externs = externQuestions(object);
  const attachBtf =
    externs.btf ||
    loadable(object).some(({ def, targetProgram }) => def?.attachBtf && !targetProgram) ||
    object.maps.some((map) => map.structOps && map.autocreate);
  return {
    kernelBtf: attachBtf || needsKernelBtf(object),
    attachBtf,
    possibleCpus: object.maps.some(wantsSlotPerCpu),
    tracepoints: [...new Set(tracepoints)],
    features: [
      'memcg_account',
      ...(tracepoints.length > 0 ? (['perf_link'] as const) : []),
      ...externs.features,
      ...argCtxFeatures(object),
      ...btfFeatures(object.btf),
      ...(object.maps.some(hasArenaVariables) ? (['ldimm64_full_range'] as const) : []),
      ...(loadable(object).some(({ def }) => def?.multiUprobe) ? (['uprobe_multi', 'uprobe_multi_pid'] as const) : []),
    ],
    kconfig: externs.kconfig,
    kallsyms: externs.kallsyms,
    types: wantedTypes(object, externs.types),
    pins: pinPaths(object),
    newPins: pins.map(({ path }) => path),
    programs: loadable(object).flatMap(({ targetProgram }) => (targetProgram ? [targetProgram.fd] : [])),
  };
}

/** What CO-RE relocates against on this machine; undefined where its types are not known. */
export function coreTarget({ coreBtf, kernelBtf, modules }: KernelFacts): CoreTarget | undefined {
  if (coreBtf) return { kernel: coreBtf };
  return kernelBtf && { kernel: kernelBtf, modules: modules.map(({ btf }) => btf) };
}

function wantedTypes(object: BpfObject, externs: readonly WantedType[]): WantedType[] {
  const { btf, coreRelos } = object;
  const roots = new Set([...coreRelos.values()].flatMap((relos) => relos.map(({ type }) => type)));
  const core = btf
    ? [...roots].flatMap((id): WantedType[] =>
        id < btf.length && btf.name(id) ? [{ name: btf.name(id), kind: btf.kind(id), flavored: true }] : [],
      )
    : [];
  const targets = loadable(object).flatMap((program): WantedType[] => {
    const type = targetType(program);
    return type ? [{ ...type, flavored: false }] : [];
  });
  const structOps = structOpsNames(object).map((name): WantedType => ({ name, kind: 'STRUCT', flavored: false }));
  return [...externs, ...core, ...targets, ...structOps];
}

/** Whether modules have to be looked into, which costs a read for each of them. */
export const needsModules = (btf: Btf, types: readonly WantedType[]): boolean =>
  types.some(({ name, kind, flavored }) =>
    flavored ? nameIndex(btf).essential(name).length === 0 : findType(btf, name, kind) === undefined,
  );
