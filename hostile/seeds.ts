// What is mutated: objects that are built in memory, the fixtures, objects compiled with one for each feature, and of a corpus those
// that bring something new. The first kind is there everywhere; the list says which others were.

import { readdirSync, readFileSync, statSync } from 'node:fs';
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
  /** False for what can only be linked. */
  readonly opens: boolean;
  /** Types that have everything that the object asks of a kernel. */
  readonly kernel: Uint8Array;
  readonly tracepoints: readonly string[];
  readonly symbols: readonly string[];
}

/** In the order of `files`. What is no ELF file is left out. */
export function readSeeds(files: readonly string[]): Seed[] {
  const own = files.map((file): [string, Uint8Array] => [basename(file), read(file)]);
  return [...BUILT, ...own].flatMap(([name, bytes]) => seedOf(name, bytes) ?? []);
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

const BUILT: readonly [string, Uint8Array][] = [
  ['built: a definition', DEFINES],
  ['built: a declaration', DECLARES],
  ['built: externs', EXTERNS],
];

function seedOf(name: string, bytes: Uint8Array): Seed | undefined {
  const object = opened(bytes);
  if (!object)
    return isElf(bytes)
      ? { name, layout: layoutOf(bytes), opens: false, kernel: encodeBtf([INT]), tracepoints: [], symbols: [] }
      : undefined;
  const { tracepoints, kallsyms } = wanted(object);
  return { name, layout: layoutOf(bytes), opens: true, kernel: kernelFor(object), tracepoints, symbols: kallsyms };
}

function isElf(bytes: Uint8Array): boolean {
  try {
    return layoutOf(bytes).sections.length > 1;
  } catch {
    return false;
  }
}

function opened(bytes: Uint8Array): BpfObject | undefined {
  try {
    return openObject(parseElf(region(bytes)));
  } catch {
    return undefined; // a corpus has objects that are refused as they are
  }
}

const FLAVORED: ReadonlySet<string> = new Set(['STRUCT', 'UNION', 'ENUM', 'ENUM64', 'TYPEDEF', 'FWD']);

/** The object's own types without their flavors, and around them what it hooks into. */
function kernelFor(object: BpfObject): Uint8Array {
  const types: BtfTypeInput[] = [];
  const names = new Set<string>();
  const { btf } = object;
  /** One of each name: where a kernel has several, relocations against them are ambiguous. */
  const once = (name: string): string => {
    const essential = essentialName(name);
    if (name === '' || names.has(essential)) return name === '' ? '' : `other_${names.size}_${types.length}`;
    names.add(essential);
    return essential;
  };
  for (let id = 1; id < (btf?.length ?? 1); id++) {
    const type = btf?.type(id);
    if (type && type.kind !== 'VOID') types.push(FLAVORED.has(type.kind) ? { ...type, name: once(type.name) } : type);
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

/**
 * Of the objects in these folders, those that have something which neither `files` nor any before them has, the smallest first.
 * @returns At most `most` paths.
 */
export function diverse(files: readonly string[], corpus: readonly string[], most: number): string[] {
  const known = new Set(files.flatMap((file) => featuresOf(read(file))));
  const found = corpus
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)))
    .filter((file) => /\.(o|elf)$/.test(file))
    .map((file) => ({ file, size: statSync(file).size }))
    .filter(({ size }) => size <= MOST_BYTES)
    .sort((a, b) => a.size - b.size || (a.file < b.file ? -1 : 1));
  const chosen: string[] = [];
  for (const { file } of found) {
    if (chosen.length >= most) break;
    const fresh = featuresOf(read(file)).filter((feature) => !known.has(feature));
    if (fresh.length === 0) continue;
    for (const feature of fresh) known.add(feature);
    chosen.push(file);
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

export const parsedKernel = (bytes: Uint8Array) => parseBtf(region(bytes, { file: 'a kernel' }));
