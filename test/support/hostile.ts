// What hostile bytes are put through, and how their files are mutated.

import fc from 'fast-check';
import { planAttach } from '../../src/attach/index.js';
import {
  alignOf,
  type Btf,
  diffBtf,
  dumpC,
  dumpJson,
  dumpRaw,
  findType,
  layoutOf,
  nameIndex,
  parseBtf,
  showLayout,
  sizeOf,
  spell,
} from '../../src/btf/index.js';
import { region, TextSink } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { BpfError } from '../../src/errors.js';
import { compileDecoder, eventType, shapeOf, variablesOf } from '../../src/maps/index.js';
import { type BpfObject, linkProgram, openObject } from '../../src/object/index.js';
import { fitMaps, type KernelFacts, planLoad, RING_BUFFERS, wanted } from '../../src/plan/index.js';
import { relocate, showFixup } from '../../src/relocate/index.js';
import { btfOf, INT, int, ptr, struct, typedef } from './btf-types.js';

/** A bound for one case, of the processor's time: others use the machine too. What is meant are hangs and blow-ups. */
const MOST_MILLISECONDS = 2000;
/** Of memory, by what JavaScript holds after a case and did not before, garbage included. */
const MOST_BYTES = 256 * 1024 * 1024;

const held = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

/**
 * Runs one case. Works or throws a BpfError, within bounds: anything else is thrown on.
 * @returns The code of the error, or `works`.
 */
export function verdict(run: () => void): string {
  const start = process.cpuUsage();
  const before = held();
  let result = 'works';
  try {
    run();
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    result = error.code;
  }
  const { user, system } = process.cpuUsage(start);
  const took = (user + system) / 1000;
  if (took > MOST_MILLISECONDS) throw new Error(`took ${Math.round(took)} ms (${result})`);
  if (held() - before > MOST_BYTES) throw new Error(`took ${Math.round((held() - before) / 1048576)} MiB (${result})`);
  return result;
}

/** A kernel as bootstrap sees it: its types, with other things in front of and between the members. */
export const KERNEL_LIKE: Btf = btfOf([
  INT,
  int('unsigned int', 4),
  int('long unsigned int', 8),
  typedef('pid_t', 1),
  ptr(6),
  struct('task_struct', 128, ['state', 3, 0], ['exit_code', 1, 24], ['pid', 4, 32], ['tgid', 4, 36], ['real_parent', 5, 64]),
  struct('trace_entry', 8, ['type', 2, 0], ['pid', 1, 4]),
  struct('trace_event_raw_sched_process_exec', 24, ['ent', 7, 0], ['__data_loc_filename', 2, 8], ['pid', 4, 12]),
]);

/** A machine that has everything. */
export const FACTS: KernelFacts = {
  pageSize: 4096,
  possibleCpus: 2,
  kernelVersion: 0x60c00,
  kernelBtf: KERNEL_LIKE,
  tracepointIds: new Map([
    ['sched/sched_process_exec', 1],
    ['sched/sched_process_exit', 2],
  ]),
  kconfig: { file: 'config', text: 'CONFIG_HZ=250\n' },
  kallsyms: new Map(),
  modules: [],
  pins: new Map(),
  pinFolders: new Map(),
  programBtfs: new Map(),
  features: new Map([
    ['memcg_account', true],
    ['perf_link', true],
  ]),
};

/** Everything that is done with an object before a kernel sees it, and with its events afterwards. */
export function exerciseObject(bytes: Uint8Array): void {
  const object = openObject(parseElf(region(bytes, { file: 'hostile.bpf.o' })));
  const all = [
    () => wanted(object),
    () => readTypes(object),
    ...object.programs.map((program) => () => linkProgram(object, program)),
    () => load(object, KERNEL_LIKE),
    () => object.btf && load(object, object.btf),
  ];
  settle(all);
}

function load(object: BpfObject, kernel: Btf): void {
  const { object: relocated, fixups } = relocate(object, { kernel });
  for (const fixup of fixups) showFixup(fixup);
  const fitted = fitMaps(relocated, FACTS);
  planLoad(fitted, FACTS);
  planAttach(fitted, FACTS);
}

/** Events of ring buffers and variables of data sections are read from memory that is just large enough. */
export function readTypes(object: BpfObject): void {
  const { btf } = object;
  if (!btf) return;
  settle(
    object.maps.map((map) => () => {
      if (map.data) readVariables(btf, map.valueType ?? 0, map.data.section, map.data.image);
      else if (RING_BUFFERS.has(map.type)) {
        const shape = shapeOf(btf, eventType(object, map, undefined));
        const decode = compileDecoder(shape);
        const memory = new Uint8Array(shape.size < 0x100000 ? shape.size : 0); // a size of its own choosing costs nothing until it is asked for
        if (memory.length === shape.size) decode(new DataView(memory.buffer), memory, 0);
      }
    }),
  );
}

function readVariables(btf: Btf, datasec: number, section: string, image: Uint8Array): void {
  const variables = variablesOf(btf, datasec, { section, bytes: () => image });
  settle(Object.keys(variables).map((name) => () => variables[name]));
}

/** Does all of it, whatever the others throw, then throws the first error; one that is no BpfError at once. */
function settle(all: readonly (() => unknown)[]): void {
  let first: BpfError | undefined;
  for (const run of all) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      first ??= error;
    }
  }
  if (first) throw first;
}

/** Touches types all over a BTF: `step` apart, from `start`. Void has no size, and is left out. */
export function exerciseBtf(bytes: Uint8Array, start = 1, step = 1): void {
  const btf = parseBtf(region(bytes, { file: 'hostile btf' }));
  const index = nameIndex(btf);
  const all: (() => unknown)[] = [() => btf.pointerSize, () => findType(btf, 'task_struct'), () => index.essential('list_head')];
  for (let id = start; id < btf.length; id += step) {
    all.push(
      () => btf.type(id),
      () => sizeOf(btf, id),
      () => alignOf(btf, id),
      () => spell(btf, id),
      () => index.essential(btf.name(id)),
    );
  }
  settle(all);
  if (btf.length < SMALL) exerciseDumps(btf);
}

/** Where a kernel is mutated, each dump would take its half second. */
const SMALL = 2000;
/** These look at everything, so they refuse what nobody else would come across: that is no verdict on the rest. */
function exerciseDumps(btf: Btf): void {
  const all: (() => unknown)[] = [
    () => dumpC(btf, new TextSink()),
    () => dumpC(btf, new TextSink(), { unsorted: true }),
    () => dumpRaw(btf, new TextSink()),
    () => dumpJson(btf, new TextSink()),
    () => diffBtf(btf, btf),
  ];
  for (let id = 1; id < btf.length; id++) all.push(() => showLayout(layoutOf(btf, id)));
  try {
    settle(all);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
  }
}

/** One write over a file: `offset` bytes into `section` (modulo its size; the whole file if it is not there). */
export interface Change {
  readonly section: string;
  readonly offset: number;
  readonly bytes: number;
  readonly value: number;
}

const INTERESTING = [0, 1, 2, 4, 7, 8, 12, 0xff, 0x7fff, 0xffff, 0xffffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];

export const changesOf = (sections: readonly string[]): fc.Arbitrary<Change[]> =>
  fc.array(
    fc.record({
      section: fc.constantFrom(...sections),
      offset: fc.nat(0xffffff),
      bytes: fc.constantFrom(1, 1, 2, 4, 4),
      value: fc.oneof(fc.constantFrom(...INTERESTING), fc.nat(200), fc.integer({ min: 0, max: 0xffffffff })),
    }),
    { minLength: 1, maxLength: 6 },
  );

export interface Range {
  readonly at: number;
  readonly length: number;
}

/** Where each section's bytes lie in a file; `headers` are the ELF header and the section headers, `file` is all. */
export function rangesOf(bytes: Uint8Array): ReadonlyMap<string, readonly Range[]> {
  const file = parseElf(region(bytes));
  const shoff = Number(file.region.view.getBigUint64(40, file.littleEndian));
  const ranges = new Map<string, Range[]>([
    ['file', [{ at: 0, length: bytes.length }]],
    [
      'headers',
      [
        { at: 0, length: 64 },
        { at: shoff, length: file.sections.length * 64 },
      ],
    ],
  ]);
  for (const { name, data } of file.sections) {
    if (data.bytes.length > 0) ranges.set(name, [{ at: data.bytes.byteOffset - bytes.byteOffset, length: data.bytes.length }]);
  }
  return ranges;
}

/** A copy with the changes made; multi-byte ones are aligned, as the fields that they hit are. */
export function changed(
  bytes: Uint8Array,
  ranges: ReadonlyMap<string, readonly Range[]>,
  changes: readonly Change[],
): Uint8Array {
  const copy = new Uint8Array(bytes);
  for (const { section, offset, bytes: width, value } of changes) {
    const parts = ranges.get(section) ?? [{ at: 0, length: bytes.length }];
    const places = parts.flatMap((part) => (part.length > 0 ? [part] : []));
    const part = places[offset % places.length] as Range;
    const inside = Math.floor(offset / places.length) % part.length;
    const start = part.at + inside - (inside % width);
    for (let i = 0; i < width && start + i < copy.length; i++) copy[start + i] = value >>> (8 * i);
  }
  return copy;
}
