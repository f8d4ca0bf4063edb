// A kernel that is not at hand, as far as its types tell what it has: its enumerators name every program type, map type, attach type
// and helper that it knows, which is more exact than a version.

import { type Btf, findType, typesOf } from '../btf/index.js';
import type { BpfObject } from '../object/index.js';
import {
  describeFacts,
  findKernelType,
  isSetting,
  type KernelConfig,
  type KernelFacts,
  kconfigExterns,
  type ModuleBtf,
  versionCode,
  WRAPPED_SYSCALLS,
  wanted,
} from '../plan/index.js';
import { BPF_FUNC } from '../uapi/enums.js';
import type { Finding } from './finding.js';
import { isBuiltWith } from './kernel-config.js';
import { type KernelSymbol, type KernelSymbols, UNKNOWN_ADDRESS } from './kernel-symbols.js';

/** A kernel to hold objects against. */
export interface CheckedKernel {
  /** For people: `6.1`, a file. */
  readonly name: string;
  /** As LINUX_VERSION_CODE encodes it; undefined where nobody said. */
  readonly version: number | undefined;
  readonly btf: Btf;
  /** Types of its modules, where they are known. */
  readonly modules: readonly ModuleBtf[];
  /** What it was built with; undefined where it is not known. */
  readonly kconfig?: KernelConfig | undefined;
  /** Undefined where they are not known. */
  readonly symbols?: KernelSymbols | undefined;
}

/** `6.1`, `5.10.223-cloud-amd64`, `v6.12`, `debian-6.1` -> a version; undefined for a name that has none. */
export function versionIn(name: string): number | undefined {
  const found = /(?:^|[^\d.])(\d{1,2}\.\d{1,3}(?:\.\d{1,3})?)/.exec(name)?.[1];
  return found === undefined ? undefined : versionCode(found);
}

/** `(6 << 16) + (1 << 8)` -> `6.1`. */
export const showVersion = (code: number): string =>
  `${code >> 16}.${(code >> 8) & 0xff}${(code & 0xff) > 0 ? `.${code & 0xff}` : ''}`;

/** Enums of the kernel that number what it has. */
export type KernelEnum = 'bpf_func_id' | 'bpf_prog_type' | 'bpf_map_type' | 'bpf_attach_type';

const numbers = new WeakMap<Btf, Map<KernelEnum, ReadonlySet<number> | undefined>>();

/** The numbers that an enum has, its end marks aside; undefined where this BTF has no such enum. */
function numbersOf(btf: Btf, name: KernelEnum): ReadonlySet<number> | undefined {
  const known = numbers.get(btf) ?? new Map<KernelEnum, ReadonlySet<number> | undefined>();
  numbers.set(btf, known);
  if (!known.has(name)) {
    const id = findType(btf, name, 'ENUM', 'ENUM64');
    const type = id === undefined ? undefined : btf.type(id);
    const values = type?.kind === 'ENUM' || type?.kind === 'ENUM64' ? type.values : undefined;
    known.set(name, values && new Set(values.filter((value) => !value.name.startsWith('__')).map(({ value }) => Number(value))));
  }
  return known.get(name);
}

/** Every tracepoint has a typedef of this name, since 5.5; its category is not among the types. */
export const TRACEPOINT = 'btf_trace_';

const wholes = new WeakMap<Btf, boolean>();

/**
 * Whether these may be all types of a kernel: each has tracepoints. An object has none, nor has what `gen min-core-btf` leaves of a kernel:
 * what such types lack, a kernel may have.
 */
export function isWhole({ btf }: Pick<CheckedKernel, 'btf'>): boolean {
  const known = wholes.get(btf);
  if (known !== undefined) return known;
  let found = false;
  for (const id of typesOf(btf, 'TYPEDEF')) {
    found = btf.name(id).startsWith(TRACEPOINT);
    if (found) break;
  }
  wholes.set(btf, found);
  return found;
}

/** What is red because types lack it is not known where they are not a whole kernel's. */
export const unlessPartial = (kernel: CheckedKernel, finding: Finding): Finding =>
  finding.verdict !== 'red' || isWhole(kernel)
    ? finding
    : { ...finding, verdict: 'unknown', what: `${finding.what}; but these types are not a whole kernel's` };

/** Whether a kernel has an enumerator: by its types if they tell, else by its version; undefined where neither does. */
export function hasNumber(
  { btf, version }: Pick<CheckedKernel, 'btf' | 'version'>,
  name: KernelEnum,
  value: number,
  since: string | undefined,
): boolean | undefined {
  const has = numbersOf(btf, name)?.has(value);
  return has === false && !isWhole({ btf }) ? isSince(version, since) : (has ?? isSince(version, since));
}

/** Whether a version has what came with `since`; undefined where either is not known. */
export const isSince = (version: number | undefined, since: string | undefined): boolean | undefined =>
  version === undefined || since === undefined ? undefined : version >= versionCode(since);

export const hasKind = (kernel: CheckedKernel, name: string, kind: 'FUNC' | 'STRUCT' | 'TYPEDEF' | 'VAR'): boolean =>
  findKernelType({ kernelBtf: kernel.btf, modules: kernel.modules }, name, kind) !== undefined;

const CODE = /^[tTwW]$/;
export const isCode = ({ type }: KernelSymbol): boolean => CODE.test(type);

/**
 * Symbols that a loader finds in /proc/kallsyms of that kernel; undefined where they are not known. It shows what is no code only if it was
 * built for that, while System.map has everything.
 */
export function shownSymbols({ symbols, kconfig }: CheckedKernel, name: string): readonly KernelSymbol[] | undefined {
  if (isBuiltWith(kconfig, 'CONFIG_KALLSYMS') === false) return [];
  const found = symbols?.find(name);
  if (!symbols || !found || symbols.hasModules || isBuiltWith(kconfig, 'CONFIG_KALLSYMS_ALL') !== false) return found;
  return found.filter(isCode);
}

/** What a planner may know of such a kernel. Symbols and settings that are not known are for the checks to tell. */
export function factsOf(object: BpfObject, kernel: CheckedKernel): KernelFacts {
  const { btf, modules, version, kconfig, symbols: list } = kernel;
  const questions = wanted(object);
  const { features } = describeFacts();
  const cookie = hasNumber(kernel, 'bpf_func_id', BPF_FUNC.BPF_FUNC_get_attach_cookie, '5.15');
  const symbols = questions.kallsyms.flatMap((name): [string, bigint[]][] => {
    const shown = shownSymbols(kernel, name) ?? guessed(kernel, name);
    return shown.length > 0 ? [[name, shown.map(({ address }) => address)]] : [];
  });
  return describeFacts({
    kernelBtf: btf,
    modules,
    kernelVersion: version ?? 0,
    kconfig,
    kallsyms: new Map(symbols),
    kallsymsFile: list?.file,
    tracepointIds: new Map(questions.tracepoints.map((name) => [name, 0])),
    features: new Map(features).set('bpf_cookie', cookie ?? true),
  });
}

/** Where nobody knows, a symbol is taken to be there, so that the code that needs it is looked at. */
const guessed = (kernel: CheckedKernel, name: string): Pick<KernelSymbol, 'address'>[] =>
  !WRAPPED_SYSCALLS.includes(name) || hasKind(kernel, name, 'FUNC') ? [{ address: UNKNOWN_ADDRESS }] : [];

/** Whether the values of .kconfig can be computed for this kernel. */
export const settingsKnown = (object: BpfObject, { kconfig, version }: CheckedKernel): boolean =>
  kconfigExterns(object).every((extern) =>
    isSetting(extern) ? kconfig !== undefined : extern.name !== 'LINUX_KERNEL_VERSION' || version !== undefined,
  );
