// `tsbpf btf dump`: types as C or raw, as bpftool prints them, and in its words.

import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import { type Btf, dumpC, dumpJson, dumpRaw, mergeBtf, type TypeId } from '../btf/index.js';
import { UsageError } from '../errors.js';
import { btfIdOfProgram, kernelBtf, loadedBtf, readWholeBtf, typesOfMap } from '../syscall/index.js';
import { BPF_F_RDONLY } from '../uapi/bpf.js';
import { toStdout } from './output.js';
import { LEGENDS, selectOne } from './selectors.js';
import { isPrefix, Words, WordsError } from './verbs.js';

export interface JsonFlags {
  readonly json?: true;
  readonly pretty?: true;
}
interface DumpFlags extends JsonFlags {
  readonly baseBtf?: string;
}

const MOST_ROOTS = 16;

/** What is dumped: types, and which of them; all of them if not said. */
interface Source {
  readonly read: () => Btf;
  readonly roots?: readonly TypeId[];
}
type Base = () => Btf | undefined;

export const dumpCommand = (): Command =>
  new Command('dump')
    .description('print types, as C or raw, as bpftool does')
    .argument(
      '<source...>',
      'file FILE… | id ID | map MAP [key|value|kv|all] | prog PROG, [format raw|c|json], [root_id ID]…, [unsorted]',
    )
    .option('-B, --base-btf <file>', 'what split BTF continues, such as the vmlinux of a module')
    .option('-j, --json', 'raw, as JSON on one line')
    .option('-p, --pretty', 'raw, as JSON for people')
    .addHelpText(
      'after',
      `
${LEGENDS.map}
${LEGENDS.prog}
Example: npx tsbpf btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h
format json is --json, which bpftool has no word for. unsorted prints C in the order of type ids. Words may be cut short.
Several files, each after the word file, are put together: modules that continue the same base.
Exit code 1: the types cannot be read, or cannot be said in C.`,
    )
    .action((said: string[], flags: DumpFlags) => {
      const words = new Words(said);
      const { read, roots } = sourceOf(words, () => (flags.baseBtf === undefined ? undefined : readWholeBtf(flags.baseBtf)));
      const { format, isUnsorted, asked } = formOf(words);
      const isC = format === 'c';
      const isJson = format === 'json' || flags.json || flags.pretty;
      if (isC && isJson) throw new WordsError('JSON is for raw types; leave out --json or format c');
      if (roots && asked.length > 0) throw new WordsError('root_id needs all types: map … all');
      const btf = read();
      const chosen = roots ?? (asked.length > 0 ? asked : undefined);
      const options = chosen ? { roots: chosen } : {};
      setFlagsFromString('--no-turbo-inlining'); // all of this runs once: functions inlined into each other take longer to compile than they save
      toStdout(
        (out) => {
          if (isC) dumpC(btf, out, { ...options, unsorted: isUnsorted });
          else if (isJson) dumpJson(btf, out, { ...options, pretty: flags.pretty ?? false });
          else dumpRaw(btf, out, options);
        },
        isJson ? 'json' : 'text',
      );
    });

/** The first word says where types come from; words are taken before anything is read, so that wrong ones are said first. */
const SOURCES: readonly (readonly [string, (words: Words, base: Base) => Source])[] = [
  ['map', fromMap],
  [
    'prog',
    (words, base) => {
      using prog = selectOne('prog', words);
      const id = btfIdOfProgram(prog.fd);
      return { read: () => loadedBtf(withTypes('program', id), base()) };
    },
  ],
  [
    'id',
    (words, base) => {
      const id = words.number('the id of a BTF');
      return { read: () => loadedBtf(id, base()) };
    },
  ],
  [
    'file',
    (words, base) => {
      const files = [words.next('a file')];
      while (words.take('file')) files.push(words.next('a file'));
      return { read: () => readFiles(files, base()) };
    },
  ],
];

function sourceOf(words: Words, base: Base): Source {
  const said = words.next('where types come from');
  const source = SOURCES.find(([name]) => isPrefix(said, name));
  if (!source) throw new WordsError(`types come from file, id, map or prog, not '${said}'`);
  return source[1](words, base);
}

/** Which types of a map, by the word after it; key and value if there is none. */
const PARTS = ['key', 'value', 'all', 'kv'] as const;

function fromMap(words: Words, base: Base): Source {
  using map = selectOne('map', words, BPF_F_RDONLY);
  const part = PARTS.find((word) => words.take(word)) ?? 'kv';
  const { btfId, key, value } = typesOfMap(map.fd);
  const roots = { key: [key], value: [value], kv: [key, value], all: undefined }[part];
  return { read: () => loadedBtf(withTypes('map', btfId), base()), ...(roots && { roots }) };
}

function withTypes(what: string, btfId: number): number {
  if (btfId === 0) throw new UsageError(`This ${what} was loaded without BTF`);
  return btfId;
}

const FORMATS = ['raw', 'c', 'json'] as const;
interface Form {
  readonly format: (typeof FORMATS)[number];
  readonly isUnsorted: boolean;
  readonly asked: readonly TypeId[];
}

/** What follows the source. */
function formOf(words: Words): Form {
  let format: Form['format'] = 'raw';
  let isUnsorted = false;
  const asked: TypeId[] = [];
  while (words.left > 0) {
    const word = words.oneOf(['format', 'root_id', 'unsorted']);
    if (word === 'format') format = words.oneOf(FORMATS);
    else if (word === 'unsorted') isUnsorted = true;
    else {
      const id = words.number('root_id');
      if (asked.includes(id)) throw new WordsError(`root_id ${id} stands there twice`);
      if (asked.length === MOST_ROOTS) throw new WordsError(`root_id may stand there ${MOST_ROOTS} times only`);
      asked.push(id);
    }
  }
  return { format, isUnsorted, asked };
}

const SYSFS = '/sys/kernel/btf/';
const VMLINUX = `${SYSFS}vmlinux`;

/** One file, or several that continue the same base. The running kernel's own types are the base of its modules. */
function readFiles(files: readonly string[], given: Btf | undefined): Btf {
  const parts = files.filter((file) => file !== VMLINUX);
  const base = given ?? (parts.some((file) => file.startsWith(SYSFS)) ? kernelBtf() : undefined);
  if (parts.length === 0) return readWholeBtf(VMLINUX, given);
  const [only] = parts;
  if (parts.length === 1) return readWholeBtf(only as string, base);
  if (!base)
    throw new UsageError(`Several files can be put together where all of them continue one base: ${parts.join(', ')}`, {
      remedy: 'Name the base, such as the vmlinux that modules belong to, with -B FILE.',
    });
  return mergeBtf(
    parts.map((file) => readWholeBtf(file, base)),
    base,
  );
}
