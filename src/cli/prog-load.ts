// `tsbpf prog load` and `loadall`: the programs and maps of an object, loaded and given names in the BPF file system.

import { resolve } from 'node:path';
import { type OpenObject, open } from '../api/index.js';
import { BpfError, UnsupportedError, UsageError } from '../errors.js';
import type { StepEvent } from '../load/index.js';
import { nearestSection, type SecDef, secDef } from '../object/index.js';
import { loadable, type Pin } from '../plan/index.js';
import { type NounContext, printDone } from './nouns.js';
import { sayer } from './say.js';
import { type Selected, selectOne } from './selectors.js';
import { stopOnSignals } from './signals.js';
import { verbose } from './verbose.js';
import { type Words, WordsError } from './verbs.js';

/** The whole object is loaded, and its first program pinned at PATH. */
export const load = (words: Words, context: NounContext): Promise<void> =>
  loadWith(words, context, (programs, path) => programs.slice(0, 1).map((name) => ({ kind: 'program', name, path })));

/** All programs are pinned, each by its name in the folder PATH. */
export const loadAll = (words: Words, context: NounContext): Promise<void> =>
  loadWith(words, context, (programs, path) => programs.map((name) => ({ kind: 'program', name, path: `${path}/${name}` })));

type PinPrograms = (programs: readonly string[], path: string) => Pin[];
type Say = (line: string) => void;

interface Replacement {
  readonly by: number | string;
  readonly map: Selected & { readonly fd: number };
}

interface LoadWords {
  readonly file: string;
  readonly path: string;
  type?: SecDef;
  pinMaps?: string;
  autoattach?: true;
  kernelBtf?: string;
}

async function loadWith(words: Words, context: NounContext, pinPrograms: PinPrograms): Promise<void> {
  const stop = new AbortController();
  stopOnSignals(stop);
  const say = sayer();
  using replacements = new Replacements();
  const said = parse(words, replacements);
  using object = open(said.file, said.kernelBtf === undefined ? {} : { btf: said.kernelBtf });
  setTypes(object, said.type);
  replacements.applyTo(object);

  const options = {
    ...(context.debug ? verbose(say) : {}),
    ...(context.debug && context.log && { logLevel: EVERYTHING }),
    pins: [...programPins(object, said, pinPrograms, say), ...mapPins(object, said.pinMaps)],
    mount: context.mount,
  };
  const loaded = await untilStopped(object.loading(options), stop.signal, options.observe);
  for (const { name } of loadable(object.object)) {
    const log = loaded.log(name);
    if (log !== undefined) say(`verifier log of ${name}:\n${log.trimEnd()}`);
  }
  printDone(context);
}

/** Every instruction, also of paths that turned out well, with states, and statistics: what `bpftool -d` asks for. */
const EVERYTHING = 1 | 2 | 4;
const OPTIONS = ['type', 'map', 'dev', 'offload_dev', 'xdpmeta_dev', 'pinmaps', 'autoattach', 'kernel_btf'] as const;
type Option = (typeof OPTIONS)[number];

const onDevice = (): never => {
  throw new UnsupportedError('Programs cannot be bound to a network device by tsbpf yet (offload_dev, xdpmeta_dev)', {
    remedy:
      'Without it the program runs on any device. offload_dev needs a network card that runs BPF itself; xdpmeta_dev only matters to programs that read XDP hints.',
  });
};

/** What each word of the command takes. */
const TAKES: Readonly<Record<Option, (words: Words, said: LoadWords, replacements: Replacements) => void>> = {
  type: (words, said) => {
    if (said.type) throw new WordsError('program type already specified');
    said.type = programType(words.next('a program type'));
  },
  map: (words, _, replacements) => replacements.take(words),
  dev: onDevice,
  offload_dev: onDevice,
  xdpmeta_dev: onDevice,
  pinmaps: (words, said) => {
    said.pinMaps = folder(words.next('a folder'));
  },
  autoattach: (_, said) => {
    said.autoattach = true;
  },
  kernel_btf: (words, said) => {
    said.kernelBtf = words.next('a file');
  },
};

function parse(words: Words, replacements: Replacements): LoadWords {
  const said: LoadWords = { file: words.next('an object file'), path: folder(words.next('a path')) };
  while (words.left > 0) TAKES[words.oneOf(OPTIONS)](words, said, replacements);
  return said;
}

/** Without a slash at its end, and whatever the current folder is later. */
const folder = (path: string): string => resolve(path);

/** As in SEC(), the part behind the slash may be missing. */
function programType(word: string): SecDef {
  const def = secDef(word) ?? secDef(`${word}/`);
  if (def) return def;
  throw new WordsError(`'${word}' is no program type. ${similarTo(word)}`.trimEnd());
}

function similarTo(section: string): string {
  const similar = nearestSection(section);
  return similar === undefined ? '' : `Did you mean ${similar}? `;
}

function setTypes(object: OpenObject, def: SecDef | undefined): void {
  for (const { name, isSubprogram, section, def: known, autoload } of object.object.programs) {
    if (isSubprogram) continue;
    const program = object.program(name);
    program.autoattach = false;
    if (!def && !known && autoload)
      throw new UsageError(`Section name "${section}" says no program type`, {
        where: { ...object.object.where, program: name },
        remedy: `${similarTo(section.replace(/^\?/, ''))}Say which it is: type TYPE, for example type xdp.`,
      });
    if (!def) continue;
    program.type = def.type;
    program.expectedAttachType = def.attachType;
  }
}

/** Maps that take the place of the object's. They are open until the load is over. */
class Replacements implements Disposable {
  readonly #all: Replacement[] = [];

  take(words: Words): void {
    const by = words.oneOf(['idx', 'name']) === 'idx' ? words.number('the place of a map') : words.next('the name of a map');
    this.#all.push({ by, map: selectOne('map', words) });
  }

  applyTo(object: OpenObject): void {
    const seen = new Set<string>();
    for (const { by, map } of this.#all) {
      const name = typeof by === 'string' ? by : nameAt(object, by);
      if (seen.has(name)) throw new UsageError(`Two maps are to take the place of ${name}`, { where: { map: name } });
      object.map(name).reuseFd(map.fd);
      seen.add(name);
    }
  }

  [Symbol.dispose](): void {
    for (const { map } of this.#all) map[Symbol.dispose]();
  }
}

function nameAt({ object }: OpenObject, index: number): string {
  const map = object.maps[index];
  if (map) return map.name;
  throw new UsageError(`The object has no map of idx ${index}`, {
    where: object.where,
    remedy: `Maps: ${object.maps.map(({ name }, i) => `${i} ${name}`).join(', ') || 'none'}.`,
  });
}

function programPins(object: OpenObject, { path, autoattach }: LoadWords, pinPrograms: PinPrograms, say: Say): Pin[] {
  const entries = object.object.programs.filter(({ isSubprogram }) => !isSubprogram);
  for (const { name, autoload, section } of entries)
    if (!autoload) say(`tsbpf: program ${name} is not loaded: its section "${section}" switches it off`);
  const pins = pinPrograms(
    loadable(object.object).map(({ name }) => name),
    path,
  );
  if (pins.length === 0) throw new UsageError('The object has no program that would be loaded', { where: object.object.where });
  return autoattach ? pins.map((pin) => linkPin(object, pin, say)) : pins;
}

/** The link in place of the program, where there can be one. */
function linkPin(object: OpenObject, pin: Pin, say: Say): Pin {
  const program = object.program(pin.name);
  if (!program.hasLink) {
    say(`tsbpf: program ${pin.name} cannot be attached by its section name; the program itself is pinned`);
    return pin;
  }
  program.autoattach = true;
  return { ...pin, kind: 'link' };
}

/** The kernel takes no dots there. A map that the object itself pins at the very same place has that name already. */
function mapPins(object: OpenObject, root: string | undefined): Pin[] {
  if (root === undefined) return [];
  return object.object.maps.flatMap(({ name, autocreate, pinPath }): Pin[] => {
    const path = `${root}/${object.map(name).pinName.replaceAll('.', '_')}`;
    return autocreate && path !== pinPath ? [{ kind: 'map', name, path }] : [];
  });
}

/** To the end, with a look after each step whether somebody wants it stopped: then all that was done is taken back. */
async function untilStopped<T>(
  steps: Generator<StepEvent, T>,
  signal: AbortSignal,
  observe: (event: StepEvent) => void = () => {},
): Promise<T> {
  try {
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done) return next.value;
      observe(next.value);
      await new Promise((resolve) => setImmediate(resolve)); // signals are seen between turns of the event loop
      if (signal.aborted) throw new BpfError('Interrupted: what was loaded and pinned so far is gone again');
    }
  } finally {
    steps.return(undefined as never); // does nothing after the end
  }
}
