// Why will it not load? An object, the facts that are at hand, what follows from them, and the plan of a load that nobody performs.

import { planAttach } from '../attach/index.js';
import { encodeBtf, parseBtf } from '../btf/index.js';
import { assumedConfig, type CheckedKernel, checkObject, factsOf, NOTHING_SET, type ObjectCheck } from '../check/index.js';
import { BpfError, type CoreExplanation } from '../errors.js';
import type { BpfObject } from '../object/index.js';
import {
  coreTarget,
  describeFacts,
  FEATURES,
  type FeatureName,
  fitMaps,
  type KernelFacts,
  loadable,
  planLoad,
  relocatedPrograms,
  type Step,
  versionCode,
  wanted,
} from '../plan/index.js';
import { type Fixup, relocate } from '../relocate/index.js';
import { kernelBtf, kernelConfig, readableTracepointIds, readFacts } from '../syscall/index.js';
import { readable, readKernel, runningSymbols } from './kernels.js';
import { type Needed, neededOn } from './requirements.js';

export interface Explained extends Needed {
  readonly object: BpfObject;
  readonly kernel: CheckedKernel;
  /** What was not asked of any kernel, in words. */
  readonly assumed: readonly string[];
  readonly check: ObjectCheck;
  /** Each once, although several programs may have its function. */
  readonly fixups: readonly Fixup[];
  readonly explanations: ReadonlyMap<Fixup, CoreExplanation>;
  readonly plan: Planned;
}

export interface Planned {
  readonly steps: readonly Step[];
  /** Why there is no plan of all of it. */
  readonly error?: BpfError;
  /** Programs that are left out because of that. */
  readonly without: readonly string[];
  /** Programs that will be attached by hand, and why. */
  readonly unattached: readonly { readonly program: string; readonly why: string }[];
}

/**
 * @param file A kernel's types; those of the running kernel by default. Then its configuration, symbols and modules are read too,
 *             as far as the object asks for them; nothing is tried on it.
 * @throws {BpfError} when what the object asks for cannot be read.
 */
export function explainObject(object: BpfObject, file?: string): Explained {
  const { kernel, facts, assumed } = file === undefined ? here(object) : elsewhere(object, file);
  const check = checkObject(object, kernel);
  const needed = neededOn(object, check, kernel.btf.length > 1 ? kernel : undefined);
  const fixups = new Map<string, Fixup>();
  const explanations = new Map<Fixup, CoreExplanation>();
  for (const program of check.programs) {
    for (const fixup of program.fixups) {
      const key = `${fixup.program} ${fixup.insn} ${fixup.kind}`;
      const explanation = program.explanations.get(fixup);
      const known = fixups.get(key);
      if (known && !(explanation?.guarded === false)) continue; // of several programs, the one that gets there counts
      fixups.set(key, fixup);
      if (explanation) explanations.set(fixup, explanation);
    }
  }
  return {
    object,
    kernel,
    assumed,
    ...needed,
    check,
    fixups: [...fixups.values()],
    explanations,
    plan: planOf(object, facts),
  };
}

interface Known {
  readonly kernel: CheckedKernel;
  readonly facts: KernelFacts;
  readonly assumed: readonly string[];
}

function elsewhere(object: BpfObject, file: string): Known {
  const kernel = readKernel(file);
  const { tracepoints, kconfig, kallsyms, pins } = wanted(object);
  const { kernelVersion } = describeFacts();
  return {
    kernel,
    facts: { ...factsOf(object, kernel), kernelVersion, kconfig: assumedConfig(object, NOTHING_SET) },
    assumed: [
      'its version and features, which are taken to be those of a recent kernel',
      ...(tracepoints.length > 0 ? [IDS] : []),
      ...(kconfig ? [SETTINGS] : []),
      ...(kallsyms.length > 0 ? ['the addresses of its symbols, for which others stand'] : []),
      ...(pins.length > 0 ? [PINS] : []),
    ],
  };
}

const IDS = 'the ids of tracepoints, which are read when it is loaded: 0 stands for them';
const SETTINGS = 'its configuration: 0 and empty text stand for its settings';
const PINS = 'that nothing is pinned, and the BPF file system is mounted';

/** Nothing is tried: features follow from the version, and pinned maps are not opened. */
function here(object: BpfObject): Known {
  const questions = wanted(object);
  const read = readFacts({ ...questions, kconfig: false, features: [], tracepoints: [], pins: [], programs: [] });
  const kconfig = questions.kconfig ? readable(kernelConfig) : undefined;
  const ids = readableTracepointIds(questions.tracepoints);
  const missing = questions.tracepoints.filter((name) => !ids.has(name));
  const features = new Map(
    (Object.keys(FEATURES) as FeatureName[]).map((name) => [name, read.kernelVersion >= versionCode(FEATURES[name].since)]),
  );
  return {
    kernel: {
      name: 'this kernel',
      version: read.kernelVersion,
      // A load may do without; what the kernel has is told by nothing else.
      btf: read.kernelBtf ?? readable(kernelBtf) ?? parseBtf(encodeBtf([])),
      modules: read.modules,
      kconfig,
      symbols: runningSymbols([object]),
    },
    facts: {
      ...read,
      features,
      kconfig: kconfig ?? assumedConfig(object, NOTHING_SET),
      tracepointIds: new Map([...missing.map((name) => [name, 0] as const), ...ids]),
    },
    assumed: [
      'its features, which are taken to be those of its version',
      ...(missing.length > 0 ? [IDS] : []),
      ...(questions.kconfig && !kconfig ? [SETTINGS] : []),
      ...(questions.pins.length > 0 ? [PINS] : []),
    ],
  };
}

/** Of all of it; or of what is left without the programs that have no plan. */
function planOf(object: BpfObject, facts: KernelFacts): Planned {
  try {
    return planned(object, facts);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { ...planOfRest(object, facts), error };
  }
}

function planOfRest(object: BpfObject, facts: KernelFacts): Planned {
  const without = relocatedPrograms(object, facts).flatMap((one) => ('error' in one ? [one.program.name] : []));
  const isLeft = (name: string): boolean => !without.includes(name);
  const programs = object.programs.map((program) => (isLeft(program.name) ? program : { ...program, autoload: false }));
  const used = new Set(
    loadable({ ...object, programs }).flatMap(({ references }) => references.flatMap((ref) => ('name' in ref ? [ref.name] : []))),
  );
  const externs = object.externs.filter(({ kind, name }) => kind === 'kconfig' || used.has(name));
  try {
    return { ...planned({ ...object, programs, externs }, facts), without };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { steps: [], without, unattached: [] };
  }
}

function planned(object: BpfObject, facts: KernelFacts): Planned {
  const relocated = relocate(object, coreTarget(facts));
  const fitted = fitMaps(relocated.object, facts);
  const loading = planLoad(fitted, facts);
  const unattached: { program: string; why: string }[] = [];
  const attach = (part: BpfObject, name: string): Step[] => {
    try {
      return planAttach(part, facts);
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      unattached.push({ program: name, why: error.what });
      return [];
    }
  };
  const attaching = loadable(fitted).flatMap((program) => attach({ ...fitted, programs: [program], maps: [] }, program.name));
  const structures = fitted.maps.some(({ structOps }) => structOps) ? attach({ ...fitted, programs: [] }, 'struct_ops') : [];
  return { steps: [...loading, ...attaching, ...structures], without: [], unattached };
}
