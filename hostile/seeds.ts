// What is mutated: objects that are built in memory, the fixtures, objects compiled with one for each feature, and of a corpus those
// that bring something new. The first kind is there everywhere; the list says which others were.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type BtfTypeInput, encodeBtf, essentialName, parseBtf } from '../src/btf/index.js';
import { region } from '../src/bytes/index.js';
import { parseElf } from '../src/elf/index.js';
import { type BpfObject, openObject } from '../src/object/index.js';
import { wanted } from '../src/plan/index.js';
import { INT } from '../test/support/btf-types.js';
import { buildElf } from '../test/support/elf-builder.js';
import { externElf } from '../test/support/extern-object.js';
import { DECLARES, DEFINES } from '../test/support/linkable.js';
import { type Layout, layoutOf } from './layout.js';

export interface Seed {
  readonly name: string;
  readonly layout: Layout;
  /** Types that have everything that the object asks of a kernel. */
  readonly kernel: Uint8Array;
  readonly tracepoints: readonly string[];
  readonly symbols: readonly string[];
}

/** A list of files, in its order; what is no object that opens is left out. */
export function readSeeds(files: readonly string[], corpus: readonly string[], most: number): Seed[] {
  const built: [string, Uint8Array][] = [
    ['built: a definition', DEFINES],
    ['built: a declaration', DECLARES],
    ['built: externs', EXTERNS],
  ];
  const own = [...built, ...files.map((file): [string, Uint8Array] => [basename(file), read(file)])];
  const known = new Set(own.flatMap(([, bytes]) => featuresOf(bytes)));
  return [...own, ...diverse(corpus, known, most)].flatMap(([name, bytes]) => seedOf(name, bytes) ?? []);
}

const read = (file: string): Uint8Array => new Uint8Array(readFileSync(file));

const EXTERNS = buildElf(
  externElf(
    {
      '.kconfig': [
        { name: 'CONFIG_HZ', type: 'u32' },
        { name: 'CONFIG_NONE', type: 'char[4]', weak: true },
        { name: 'LINUX_KERNEL_VERSION', type: 'int' },
      ],
      '.ksyms': [
        { name: 'bare', type: 'const void', weak: true },
        { name: 'typed', type: 'u64', weak: true },
        { name: 'called', type: 'int (struct *)', weak: true },
      ],
    },
    { calls: ['called'], loads: ['bare', 'typed', 'called', 'CONFIG_HZ'] },
  ),
);

function seedOf(name: string, bytes: Uint8Array): Seed | undefined {
  const object = opened(bytes);
  if (!object) return undefined;
  const { tracepoints, kallsyms } = wanted(object);
  return { name, layout: layoutOf(bytes), kernel: kernelFor(object), tracepoints, symbols: kallsyms };
}

function opened(bytes: Uint8Array): BpfObject | undefined {
  try {
    return openObject(parseElf(region(bytes)));
  } catch {
    return undefined; // a corpus has objects that are refused as they are
  }
}

/** The object's own types without their flavors, and around them what it hooks into. */
function kernelFor(object: BpfObject): Uint8Array {
  const types: BtfTypeInput[] = [];
  const { btf } = object;
  for (let id = 1; id < (btf?.length ?? 1); id++) {
    const type = btf?.type(id);
    if (type && type.kind !== 'VOID')
      types.push(type.kind === 'STRUCT' || type.kind === 'UNION' ? { ...type, name: essentialName(type.name) } : type);
  }
  if (types.length === 0) types.push(INT);
  const void0 = types.push({ kind: 'FUNC_PROTO', type: 0, params: [] });
  for (const { name, kind, flavored } of wanted(object).types) {
    if (flavored) continue;
    if (kind === 'FUNC') types.push({ kind, name, type: void0, linkage: 0 });
    else if (kind === 'TYPEDEF') types.push({ kind, name, type: types.push({ kind: 'PTR', type: void0 }) });
    else if (kind === 'STRUCT') {
      const inner = types.findIndex((type) => type.kind === 'STRUCT' && type.name === name.replace('bpf_struct_ops_', '')) + 1;
      types.push({ kind, name, size: 4096, members: [{ name: 'data', type: inner, bitOffset: 512, bitfieldSize: 0 }] });
    }
  }
  return encodeBtf(types);
}

const MOST_BYTES = 40_000;

/** Of those that have something which none before has, the smallest first. */
function diverse(corpus: readonly string[], known: Set<string>, most: number): [string, Uint8Array][] {
  const files = corpus
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
    .filter((file) => /\.(o|elf)$/.test(file))
    .map((file) => ({ file, bytes: read(file) }))
    .filter(({ bytes }) => bytes.length <= MOST_BYTES)
    .sort((a, b) => a.bytes.length - b.bytes.length || (a.file < b.file ? -1 : 1));
  const chosen: [string, Uint8Array][] = [];
  for (const { file, bytes } of files) {
    if (chosen.length >= most) break;
    const fresh = featuresOf(bytes).filter((feature) => !known.has(feature));
    if (fresh.length === 0) continue;
    for (const feature of fresh) known.add(feature);
    chosen.push([basename(file), bytes]);
  }
  return chosen;
}

/** Program types, map types, kinds of relocations, references and types, byte order. */
function featuresOf(bytes: Uint8Array): string[] {
  const object = opened(bytes);
  if (!object) return [];
  const { programs, maps, externs, coreRelos, btf, littleEndian } = object;
  const kinds = btf ? Array.from({ length: btf.length - 1 }, (_, i) => btf.kind(i + 1)) : ['no BTF'];
  return [
    `little endian ${littleEndian}`,
    ...programs.flatMap(({ def, references, exceptionCallback }) => [
      `section ${def?.sec}`,
      ...references.map(({ kind }) => `reference ${kind}`),
      ...(exceptionCallback === undefined ? [] : ['exception callback']),
    ]),
    ...maps.map(({ type, data, slots }) => `map ${type} ${data?.section.slice(0, 8)} ${slots !== undefined}`),
    ...externs.map(({ kind, weak }) => `extern ${kind} ${weak}`),
    ...[...coreRelos.values()].flatMap((relos) => relos.map(({ kind }) => `CO-RE ${kind}`)),
    ...kinds.map((kind) => `type ${kind}`),
  ];
}

/** A number for the list: a replay on other objects is no replay. */
export function digestOf(seeds: readonly Seed[]): string {
  let hash = 0x811c9dc5;
  for (const { layout } of seeds) for (const byte of layout.bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${seeds.length} objects, ${hash.toString(16).padStart(8, '0')}`;
}

export const parsedKernel = (bytes: Uint8Array) => parseBtf(region(bytes, { file: 'a kernel' }));
