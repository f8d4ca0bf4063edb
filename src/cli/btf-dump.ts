// `tsbpf btf dump`: types as C or raw, as bpftool prints them.

import { Command } from 'commander';
import { type Btf, dumpC, dumpJson, dumpRaw, type TypeId } from '../btf/index.js';
import { kernelBtf, loadedBtf, mapTypes, programBtfId, readWholeBtf, type Selector } from '../syscall/index.js';
import { toStdout } from './output.js';
import { parseWords, type Said } from './words.js';

export interface JsonFlags {
  readonly json?: true;
  readonly pretty?: true;
}
interface DumpFlags extends JsonFlags {
  readonly baseBtf?: string;
}

const MOST_ROOTS = 16;
const GRAMMAR = {
  file: { takes: 'text' },
  id: { takes: 'number' },
  map: {},
  prog: {},
  pinned: { takes: 'text' },
  key: {},
  value: {},
  kv: {},
  all: {},
  format: { takes: ['raw', 'c'] },
  root_id: { takes: 'number', most: MOST_ROOTS },
  unsorted: {},
} as const;
type Words = Said<typeof GRAMMAR>;

/** What is dumped: types, and which of them. */
interface Source {
  readonly btf: Btf;
  readonly roots?: readonly TypeId[];
}
type Fail = (message: string) => never;

export const dumpCommand = (): Command =>
  new Command('dump')
    .description('print types, as C or raw, as bpftool does')
    .argument(
      '<source...>',
      'file FILE | id ID | map id ID [key|value|kv|all] | prog id ID, [format raw|c], [root_id ID]…, [unsorted]',
    )
    .option('-B, --base-btf <file>', 'what split BTF continues, such as the vmlinux of a module')
    .option('-j, --json', 'raw, as JSON on one line')
    .option('-p, --pretty', 'raw, as JSON for people')
    .addHelpText(
      'after',
      `
Example: npx tsbpf btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h
A program or map can also be named by where it is pinned: prog pinned PATH. unsorted prints C in the order of type ids.
Exit code 1: the types cannot be read, or cannot be said in C.`,
    )
    .action((words: string[], flags: DumpFlags, command: Command) => {
      const fail: Fail = (message) => command.error(`error: ${message}`);
      const said = parseWords(words, GRAMMAR, fail);
      const isC = said.format?.[0] === 'c';
      const isJson = flags.json || flags.pretty;
      if (isC && isJson) fail('JSON is for raw types; leave out --json or format c');
      if (new Set(said.root_id).size !== (said.root_id ?? []).length) fail('the same root_id stands there twice');
      const { btf, roots = said.root_id } = find(words[0] as string, said, flags, fail);
      const chosen = roots ? { roots } : {};
      toStdout((out) => {
        if (isC) dumpC(btf, out, { ...chosen, unsorted: said.unsorted !== undefined });
        else if (isJson) dumpJson(btf, out, { ...chosen, pretty: flags.pretty ?? false });
        else dumpRaw(btf, out, chosen);
      });
    });

/** The first word says where types come from. */
const SOURCES: Readonly<Record<string, (said: Words, base: () => Btf | undefined, fail: Fail) => Source>> = {
  file: (said, base) => {
    const file = said.file?.[0] as string;
    return { btf: readWholeBtf(file, base() ?? baseOf(file)) };
  },
  id: (said, base) => ({ btf: loadedBtf(said.id?.[0] as number, base()) }),
  prog: (said, base, fail) => ({ btf: loadedBtf(programBtfId(selector(said, fail)), base()) }),
  map: (said, base, fail) => {
    const { btfId, key, value } = mapTypes(selector(said, fail));
    if (said.root_id && !said.all) fail('root_id needs all types: map … all');
    const roots = said.all ? undefined : [...(said.value ? [] : [key]), ...(said.key ? [] : [value])];
    return { btf: loadedBtf(btfId, base()), ...(roots && { roots }) };
  },
};
const MAP_WORDS = ['key', 'value', 'kv', 'all'] as const;

function find(first: string, said: Words, { baseBtf }: DumpFlags, fail: Fail): Source {
  const source = SOURCES[first] ?? fail(`types come from file, id, map or prog, not '${first}'`);
  const others = Object.keys(SOURCES).filter((word) => word !== first && said[word as keyof Words]);
  const extra = others.filter((word) => word !== 'id' || first === 'file');
  if (extra.length > 0) fail(`types come from '${first}' or from '${extra[0]}', not from both`);
  const parts = MAP_WORDS.filter((word) => said[word]);
  if (first !== 'map' && parts.length > 0) fail(`'${parts[0]}' is for maps`);
  if (parts.length > 1) fail(`'${parts[0]}' and '${parts[1]}' exclude each other`);
  if (said.pinned && first !== 'map' && first !== 'prog') fail("'pinned' is for maps and programs");
  return source(said, () => (baseBtf === undefined ? undefined : readWholeBtf(baseBtf)), fail);
}

function selector({ id, pinned }: Words, fail: Fail): Selector {
  if (id && pinned) fail("'id' and 'pinned' exclude each other");
  if (pinned) return { pinned: pinned[0] as string };
  return { id: id?.[0] ?? fail("say which: 'id ID' or 'pinned PATH'") };
}

const SYSFS = /^\/sys\/kernel\/btf\/(?!vmlinux$)/;
/** The running kernel's modules continue its types. */
const baseOf = (file: string): Btf | undefined => (SYSFS.test(file) ? kernelBtf() : undefined);
