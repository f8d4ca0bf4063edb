// Reading facts from this machine: only what is asked for, and what cannot change only once a process.

import type { Btf } from '../btf/index.js';
import { SyscallError } from '../errors.js';
import { drive, execute, type Kernel, type StepEvent } from '../load/index.js';
import { FEATURES, type FeatureName, type KernelFacts, needsModules, type Wanted } from '../plan/index.js';
import { readKallsyms } from './kallsyms.js';
import { realKernel } from './kernel.js';
import { kernelBtf } from './kernel-btf.js';
import { kernelConfig } from './kernel-config.js';
import { kernelVersion } from './kernel-version.js';
import { pageSize } from './libc.js';
import { readModules } from './modules.js';
import { btfOfProgram } from './objects.js';
import { readPins } from './pins.js';
import { read } from './read-whole.js';
import { openTracefs, readTracepointId } from './tracefs.js';

export interface FactOptions {
  /** Takes the place of the running kernel's types in CO-RE. */
  readonly btf?: Btf;
  /** Told what was found out and how, a line at a time. */
  readonly note?: (text: string) => void;
  /** Sees the steps of feature probes. */
  readonly observe?: (event: StepEvent) => void;
}

/**
 * @throws {SyscallError} or {UnsupportedError} when something that is wanted cannot be found out.
 */
export function readFacts(wanted: Wanted, { btf, note = () => {}, observe }: FactOptions = {}): KernelFacts {
  const kernel =
    wanted.attachBtf || (wanted.kernelBtf && !btf)
      ? timed(note, (found) => `kernel BTF: ${found.length - 1} types from ${found.where.file}`, kernelBtf)
      : btf;
  return {
    pageSize: pageSize(),
    possibleCpus: wanted.possibleCpus ? possibleCpus() : undefined,
    kernelVersion: kernelVersion(),
    kernelBtf: kernel,
    coreBtf: btf,
    modules:
      kernel && kernel !== btf && needsModules(kernel, wanted.types)
        ? timed(
            note,
            (found) => `BTF of modules: ${found.length}, because the kernel's own lacks something`,
            () => readModules(kernel),
          )
        : [],
    ...readPins(wanted.pins, wanted.newPins),
    programBtfs: new Map(wanted.programs.map((fd) => [fd, btfOfProgram(fd)])),
    features: new Map(wanted.features.flatMap((name) => feature(name, note, observe))),
    kconfig: wanted.kconfig ? timed(note, ({ file }) => `kernel configuration: ${file}`, kernelConfig) : undefined,
    kallsyms: timed(
      wanted.kallsyms.length > 0 ? note : () => {},
      ({ size }) => `kernel symbols: ${size} found`,
      () => readKallsyms(wanted.kallsyms),
    ),
    tracepointIds: tracepointIds(wanted.tracepoints, note),
  };
}

function timed<T>(note: (text: string) => void, say: (value: T) => string, ask: () => T): T {
  const start = performance.now();
  const value = ask();
  note(`${say(value)} (${(performance.now() - start).toFixed(2)} ms)`);
  return value;
}

const knownTracepoints = new Map<string, number>();

function tracepointIds(names: readonly string[], note: (text: string) => void): ReadonlyMap<string, number> {
  if (names.some((name) => !knownTracepoints.has(name))) {
    using tracefs = openTracefs();
    note(tracefs.note);
    for (const name of names) knownTracepoints.set(name, readTracepointId(tracefs, name));
  }
  return new Map(names.map((name) => [name, knownTracepoints.get(name) as number]));
}

const knownFeatures = new Map<FeatureName, boolean>();

/** Absent when the kernel would not say, for want of rights; the load will then fail with the reason. */
function feature(name: FeatureName, note: (text: string) => void, observe: FactOptions['observe']): [FeatureName, boolean][] {
  const known = knownFeatures.get(name);
  const found = known ?? probe(name, realKernel, observe);
  if (found === undefined) return [];
  if (known === undefined)
    note(`feature ${name}: ${found ? 'yes' : 'no'} (the kernel ${FEATURES[name].what} since ${FEATURES[name].since})`);
  knownFeatures.set(name, found);
  return [[name, found]];
}

/** Wants of this process, for the moment: not what the kernel can do. */
const SAYS_NOTHING: ReadonlySet<string> = new Set(['EPERM', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);

/** Whether the kernel has a feature; undefined when it cannot be told. */
export function probe(name: FeatureName, kernel: Kernel, observe?: (event: StepEvent) => void): boolean | undefined {
  const { steps, failsWith, refines } = FEATURES[name];
  const basis = refines === undefined || probe(refines, kernel, observe);
  if (basis !== true) return basis;
  try {
    drive(execute(steps(), kernel), observe)[Symbol.dispose]();
    return true;
  } catch (error) {
    if (!(error instanceof SyscallError) || SAYS_NOTHING.has(error.errno)) return undefined;
    return error.errno === failsWith;
  }
}

/** `0-3,8` -> 0, 1, 2, 3, 8. */
export const cpuList = (list: string): number[] =>
  list
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = '0', last = first] = range.split('-');
      return Array.from({ length: Number(last) - Number(first) + 1 }, (_, i) => Number(first) + i);
    });

const cpus = (which: 'possible' | 'online'): number[] =>
  cpuList(new TextDecoder().decode(read(`/sys/devices/system/cpu/${which}`)));

/** CPUs that this machine may ever have: as many values has an element of a per-CPU map. */
export const possibleCpus = (): number => cpus('possible').length;

/** CPUs that run now, by number. */
export const onlineCpus = (): readonly number[] => cpus('online');
