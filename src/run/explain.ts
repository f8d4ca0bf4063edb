// Why will it not load? An object, the facts that are at hand, what follows from them, and the plan of a load that nobody performs.

import { planAttach } from '../attach/index.js';
import { encodeBtf, parseBtf } from '../btf/index.js';
import {
  assumedConfig,
  type CheckedKernel,
  checkObject,
  factsOf,
  NOTHING_SET,
  type ObjectCheck,
  UNKNOWN_ADDRESS,
} from '../check/index.js';
import { BpfError, type CoreExplanation } from '../errors.js';
import { type BpfObject, type Extern, linkProgram } from '../object/index.js';
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
import { readable, runningSymbols, THIS_KERNEL } from './kernels.js';
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
 * @param given A kernel that is described; the running one by default. Its types, configuration, symbols and modules are read then, as far
 *              as the object asks for them; nothing is tried on it.
 * @throws {BpfError} when what the object asks for cannot be read.
 */
export function explainObject(object: BpfObject, given?: CheckedKernel): Explained {
  const { kernel, facts, assumed } = given ? elsewhere(object, given) : here(object);
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

function elsewhere(object: BpfObject, kernel: CheckedKernel): Known {
  const { tracepoints, kconfig, kallsyms, pins, possibleCpus } = wanted(object);
  const { version, symbols } = kernel;
  const facts = factsOf(object, kernel);
  const cookie = facts.features.get('bpf_cookie') ?? true; // types tell
  return {
    kernel,
    facts: {
      ...facts,
      kernelVersion: version ?? describeFacts().kernelVersion,
      features: version === undefined ? facts.features : featuresOf(version).set('bpf_cookie', cookie),
      kconfig: kernel.kconfig ?? assumedConfig(object, NOTHING_SET),
    },
    assumed: [
      version === undefined ? 'its version and features, which are taken to be those of a recent kernel' : FEATURES_OF_VERSION,
      ...(possibleCpus ? ['that it has one CPU'] : []),
      ...(tracepoints.length > 0 ? [IDS] : []),
      ...(kconfig && !kernel.kconfig ? [SETTINGS] : []),
      ...(isGuessed(facts)
        ? [ADDRESSES]
        : kallsyms.length > 0
          ? [`the addresses of its symbols, as ${symbols?.file} has them`]
          : []),
      ...(pins.length > 0 ? [PINS] : []),
    ],
  };
}

/** Those of a release; distributions may have brought more to it. */
const featuresOf = (version: number): Map<FeatureName, boolean> =>
  new Map((Object.keys(FEATURES) as FeatureName[]).map((name) => [name, version >= versionCode(FEATURES[name].since)]));

const FEATURES_OF_VERSION = 'its features, which are taken to be those of its version';
const ADDRESSES = 'the addresses of its symbols, for which others stand';
/** Nobody knows some of them, or may not see them. */
const isGuessed = ({ kallsyms }: KernelFacts): boolean => [...kallsyms.values()].flat().includes(UNKNOWN_ADDRESS);

const IDS = 'the ids of tracepoints, which are read when it is loaded: 0 stands for them';
const SETTINGS = 'its configuration: 0 and empty text stand for its settings';
const PINS = 'that nothing is pinned, and the BPF file system is mounted';

/** Nothing is tried: features follow from the version, and pinned maps are not opened. */
function here(object: BpfObject): Known {
  const questions = wanted(object);
  const read = readFacts({ ...questions, kconfig: false, kallsyms: [], features: [], tracepoints: [], pins: [], programs: [] });
  const kernel: CheckedKernel = {
    name: THIS_KERNEL,
    version: read.kernelVersion,
    // A load may do without; what the kernel has is told by nothing else.
    btf: read.kernelBtf ?? readable(kernelBtf) ?? parseBtf(encodeBtf([])),
    modules: read.modules,
    kconfig: readable(kernelConfig),
    symbols: runningSymbols([object]),
  };
  const { kconfig } = kernel;
  const { kallsyms } = factsOf(object, kernel);
  const ids = readableTracepointIds(questions.tracepoints);
  const missing = questions.tracepoints.filter((name) => !ids.has(name));
  const facts: KernelFacts = {
    ...read,
    kallsyms,
    features: featuresOf(read.kernelVersion),
    kconfig: kconfig ?? assumedConfig(object, NOTHING_SET),
    tracepointIds: new Map([...missing.map((name) => [name, 0] as const), ...ids]),
  };
  return {
    kernel,
    facts,
    assumed: [
      FEATURES_OF_VERSION,
      ...(missing.length > 0 ? [IDS] : []),
      ...(questions.kconfig && !kconfig ? [SETTINGS] : []),
      ...(isGuessed(facts) ? [ADDRESSES] : []),
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
    loadable({ ...object, programs }).flatMap((program) =>
      linkProgram(object, program).references.flatMap((ref) => (ref.kind === 'extern' ? [ref.name] : [])),
    ),
  );
  // Settings have a place in the map of all, so they stay: as if it did not matter that they are not set.
  const externs = object.externs.flatMap((extern): Extern[] => {
    if (used.has(extern.name)) return [extern];
    return extern.kind === 'kconfig' ? [{ ...extern, weak: true }] : [];
  });
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
