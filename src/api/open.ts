// open(): the first call of an application. From here on a BPF object reads like a JavaScript object.

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planAttach, planIterate, planLink } from '../attach/index.js';
import { type Btf, parseBtf } from '../btf/index.js';
import { region } from '../bytes/index.js';
import { parseElf } from '../elf/index.js';
import { UsageError } from '../errors.js';
import { drive, execute, type Kernel, type Session, type StepEvent } from '../load/index.js';
import { variablesOf } from '../maps/index.js';
import { type BpfObject, openObject } from '../object/index.js';
import {
  coreTarget,
  fitMaps,
  type KernelFacts,
  loadable,
  type Pin,
  planLoad,
  planPins,
  type Step,
  wanted,
  withToken,
} from '../plan/index.js';
import { relocate } from '../relocate/index.js';
import { read, readBtf, readFacts, realKernel } from '../syscall/index.js';
import { LoadedObject } from './loaded.js';
import type { LoadPlan } from './plan.js';
import { explainingPoison } from './poison.js';
import { MapSettings, named, ProgramSettings } from './settings.js';
import { structOpsOf } from './struct-ops.js';
import type { ObjectTypes, Section, Untyped } from './types.js';

export interface OpenOptions {
  /** Names the object in errors and in the kernel, where it is given as bytes. */
  readonly name?: string;
  /** Types to relocate against instead of the running kernel's: a file (raw BTF or ELF), or raw BTF. */
  readonly btf?: string | Uint8Array;
  /** Where maps that are pinned by name go: a directory of a BPF file system. /sys/fs/bpf by default. */
  readonly pinRoot?: string;
}

export interface LoadOptions {
  /** The door to the kernel; the real one by default. */
  readonly kernel?: Kernel;
  /** What is known of the machine; asked of it by default. */
  readonly facts?: KernelFacts;
  /** Sees every step before and after it is done. */
  readonly observe?: (event: StepEvent) => void;
  /** Sees the plan before its first step is done. */
  readonly onPlan?: (plan: LoadPlan) => void;
  /** Told what was found out about the machine, a line at a time. */
  readonly note?: (text: string) => void;
  /** Where a BPF file system is mounted that hands on the right to use BPF (a token). For containers. */
  readonly token?: string;
  /**
   * What the verifier is to write down of every program, even if it takes it: 1, 2 with every state, 4 statistics, and sums of them.
   * `loaded.log(program)` has it. 0 by default: a program that is refused has its log anyway.
   */
  readonly logLevel?: number;
  /**
   * What gets a name in the BPF file system, as the last steps of the load. A link is that of the program `name`, which is attached for it.
   * If any step fails, none of it is left, nor directories that were made for it.
   */
  readonly pins?: readonly Pin[];
  /** Whether the BPF file system may be mounted at /sys/fs/bpf if something is to be pinned there and it is missing; true by default. */
  readonly mount?: boolean;
}

const pinning = ({ pins = [], mount = true }: Pick<LoadOptions, 'pins' | 'mount'>) => ({ pins, mount });

/**
 * Opens a BPF object: parses and understands it, asks nothing of any kernel.
 * @param source A file, by its name or as a file: URL, or its bytes.
 * @throws {FormatError} or {UnsupportedError} when it is not an object that can be loaded; {SyscallError} when the file cannot be read.
 */
export function open<T extends ObjectTypes = Untyped>(
  source: string | URL | Uint8Array,
  { name, btf, pinRoot }: OpenOptions = {},
): OpenObject<T> {
  const path = source instanceof URL ? fileURLToPath(source) : source;
  if (typeof path !== 'string' && !(path instanceof Uint8Array))
    throw new UsageError('open() takes a file name, a file: URL, or bytes in a Uint8Array');
  const bytes = typeof path === 'string' ? read(path) : path;
  const file = name ?? (typeof path === 'string' ? path : 'object');
  const object = openObject(parseElf(region(bytes, { file })));
  return new OpenObject<T>(
    pinRoot === undefined ? object : pinnedIn(pinRoot, object),
    btf === undefined ? undefined : readTypes(btf),
  );
}

const pinnedIn = (root: string, object: BpfObject): BpfObject => ({
  ...object,
  maps: object.maps.map((map) => (map.pinPath === undefined ? map : { ...map, pinPath: `${resolve(root)}/${map.name}` })),
});

const logging = (logLevel: number, object: BpfObject): BpfObject => ({
  ...object,
  programs: object.programs.map((program) => ({ logLevel, ...program })),
});

/** Links that are to be pinned. */
const planLinks = (object: BpfObject, facts: KernelFacts, pins: readonly Pin[]): Step[] =>
  pins
    .filter(({ kind }) => kind === 'link')
    .flatMap(({ name }) => planLink(object, named('program', loadable(object), name, object), facts));

/** Notes what the verifier wrote down. */
function* keepingLogs(steps: Generator<StepEvent, Session>, logs: Map<string, string>): Generator<StepEvent, Session> {
  try {
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done) return next.value;
      const event = next.value;
      if (event.at === 'after' && event.log !== undefined && event.step.where?.program)
        logs.set(event.step.where.program, event.log);
      yield event;
    }
  } finally {
    steps.return(undefined as never); // as in `drive`
  }
}

const readTypes = (btf: string | Uint8Array): Btf =>
  typeof btf === 'string' ? readBtf(btf) : parseBtf(region(btf, { file: 'btf' }));

export class OpenObject<T extends ObjectTypes = Untyped> implements Disposable {
  /** What the file says, with what was set since, as a value. Images of data sections are private, and writable until it is loaded. */
  object: BpfObject;
  readonly #btf: Btf | undefined;
  readonly #loaded = new Set<LoadedObject<T>>();

  constructor(object: BpfObject, btf: Btf | undefined) {
    this.object = object;
    this.#btf = btf;
  }

  get name(): string {
    return this.object.name;
  }
  /** What constants will be in the next load: `object.rodata.min_duration_ns = 5n`. What is loaded already keeps its own. */
  get rodata(): Section<T, 'rodata'> {
    return this.section('.rodata') as Section<T, 'rodata'>;
  }
  get data(): Section<T, 'data'> {
    return this.section('.data') as Section<T, 'data'>;
  }
  get bss(): Section<T, 'bss'> {
    return this.section('.bss') as Section<T, 'bss'>;
  }
  /**
   * The variables of a data section, by its name in the file: `.data.custom`.
   * @throws {UsageError} when the object has no such section.
   */
  section(name: string): Record<string, unknown> {
    const { maps, btf } = this.object;
    const map = maps.find((candidate) => candidate.data?.section === name);
    const image = map?.data?.image;
    if (!image) throw new UsageError(`The object has no section ${name}`, { where: this.object.where });
    if (!btf || map.valueType === undefined)
      throw new UsageError(`Section ${name} has no types`, { where: this.object.where, remedy: 'Compile with clang -g.' });
    return variablesOf(btf, map.valueType, {
      section: name,
      bytes: () => image,
      ...(name === '.kconfig' && { readOnly: "externs get their values from the kernel's configuration" }),
    });
  }

  /**
   * What may be changed of a program: `object.program('trace').autoload = false`.
   * @throws {UsageError} when there is none of that name.
   */
  program(name: string): ProgramSettings {
    const programs = this.object.programs.filter(({ isSubprogram }) => !isSubprogram);
    return new ProgramSettings(this, named('program', programs, name, this.object).name);
  }
  /**
   * What may be changed of a map: `object.map('events').maxEntries = 1 << 20`.
   * @throws {UsageError} when there is none of that name.
   */
  map(name: string): MapSettings {
    return new MapSettings(this, named('map', this.object.maps, name, this.object).name);
  }
  /**
   * The fields of a struct_ops structure. A function is the name of the program that stands in for it, or null.
   * @throws {UsageError} when there is none of that name.
   */
  structOps(name: string): Record<string, unknown> {
    return structOpsOf(this, name);
  }

  /** What must be known of a machine, what CO-RE decides for it, and what would be done to it. Performs nothing on it but questions. */
  plan(options: Pick<LoadOptions, 'facts' | 'note' | 'observe' | 'token' | 'logLevel' | 'pins' | 'mount'> = {}): LoadPlan {
    const { pins, mount } = pinning(options);
    const facts =
      options.facts ??
      readFacts(wanted(this.object, pins), {
        ...(this.#btf && { btf: this.#btf }),
        ...(options.note && { note: options.note }),
        ...(options.observe && { observe: options.observe }),
      });
    const { logLevel = 0 } = options;
    const relocated = relocate(logLevel === 0 ? this.object : logging(logLevel, this.object), coreTarget(facts));
    const object = fitMaps(relocated.object, facts);
    const steps = [...planLoad(object, facts, { pins, mount }), ...planLinks(object, facts, pins), ...planPins(object, pins)];
    return {
      original: this.object,
      object,
      facts,
      fixups: relocated.fixups,
      steps: options.token === undefined ? steps : withToken(steps, options.token),
    };
  }

  /**
   * Loads maps and programs into the kernel. If any step fails, everything made so far is closed.
   * @throws {RelocationError}, {SyscallError}, {VerifierError}, {UnsupportedError}
   */
  load(options: LoadOptions = {}): LoadedObject<T> {
    return drive(this.loading(options), options.observe);
  }

  /**
   * The same step by step: yields before and after each. Whoever stops early, by `return()` or by leaving a loop, leaves nothing behind.
   * `observe` sees only what is asked before, and what `attach` does later.
   * @throws As `load`.
   */
  *loading(options: LoadOptions = {}): Generator<StepEvent, LoadedObject<T>> {
    const { kernel = realKernel, observe } = options;
    const logs = new Map<string, string>();
    const plan = this.plan(options);
    const { object, facts, steps } = plan;
    options.onPlan?.(plan);
    const session = yield* explainingPoison(plan, keepingLogs(execute(steps, kernel), logs));
    const loaded = new LoadedObject<T>({
      object,
      session,
      pretended: kernel.pretends === true,
      logs,
      attach: (earlier) => drive(execute(planAttach(object, facts), kernel, earlier), observe),
      iterate: (earlier, program) => drive(execute(planIterate(object, program), kernel, earlier), observe),
      onClose: () => this.#loaded.delete(loaded),
    });
    this.#loaded.add(loaded);
    return loaded;
  }

  /** Closes what was loaded from this and is still open. The object itself holds nothing, and can be loaded again. */
  close(): void {
    for (const loaded of [...this.#loaded]) loaded.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}
