// Objects in the kernel that `--json` is tried with.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type LoadedObject, open } from '../../src/api/index.js';
import { mapInfo, progInfo } from '../../src/syscall/index.js';
import { tsbpf } from '../support/cli.js';
import { compilePart } from '../support/compile.js';
import { PerfWriter } from '../support/perf-writer.js';
import { runSyscallProgram } from '../support/programs.js';
import type { Files } from './json-files.js';
import { type Places, somePlaces } from './json-places.js';

const root = join(import.meta.dirname, '../..');

/** Words of a command line that name an object. */
type Words = readonly string[];

/** Objects that are in the kernel as long as this is not closed. */
export interface Live extends Files, Places {
  readonly externs: string;
  readonly missing: string;
  /** `id`, and the number. */
  readonly prog: (name: string) => Words;
  readonly map: (name: string) => Words;
  readonly link: Words;
  /** Programs for sockets, and the map that they can be attached to. */
  readonly sockets: { readonly verdict: Words; readonly any: Words; readonly map: Words };
  /** A program that was to write to its own streams; undefined where the kernel has none. */
  readonly writes: Words | undefined;
  /** It writes to a perf event array. */
  readonly writer: PerfWriter;
  /** A path in the BPF file system, taken away at the end. */
  readonly pins: (name: string) => string;
}

const NAMES = [
  ...['a_packet_program_with_long_name', 'on_switch', 'on_exec', 'walk_maps', 'let_pass', 'let_go', 'a_call'],
  ...[
    'm_hash',
    'm_array',
    'm_lru',
    'm_pchash',
    'm_pcarray',
    'm_lrupc',
    'm_lpm',
    'm_raw',
    'm_long',
    'm_rawpc',
    'm_queue',
    'm_stack',
  ],
  ...['m_progs', 'm_perf', 'm_stacks', 'm_ring', 'm_inner', 'm_maps', 'm_hmaps'],
];
/** A name that two objects have. */
export const ours = (name: string): string => `j_${name}`;

interface Listed {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly pids?: readonly { readonly pid: number }[];
}

const source = (name: string): string => join(root, 'test/parity', name);
const INCLUDES = ['-I/usr/include/x86_64-linux-gnu', '-I/usr/include/aarch64-linux-gnu'];

export function someLive(files: Files): Live & Disposable {
  // Under names of their own: other tests load the same source at the same time.
  const renamed = NAMES.map((name) => `-D${name}=${ours(name)}`);
  const object = compilePart(source('live.bpf.c'), 0, '-mcpu=v3', ...INCLUDES, ...renamed);
  const loaded = open(object).load();
  loaded.attach();
  const again = open(object).load();
  const mine = (kind: string) =>
    (JSON.parse(tsbpf([kind, 'list', '--json']).stdout) as Listed[]).filter(({ pids = [] }) =>
      pids.some(({ pid }) => pid === process.pid),
    );
  const [progs, maps, [link]] = [mine('prog'), mine('map'), mine('link')];
  const named = (listed: readonly Listed[]) => (name: string) => {
    const found = listed.find((one) => one.name === ours(name));
    if (!found) throw new Error(`${name} is not listed`);
    return ['id', String(found.id)];
  };
  const [prog, map] = [named(progs), named(maps)];
  const update = (name: string, ...words: string[]) => {
    const { status, stdout, stderr } = tsbpf(['map', 'update', ...map(name), ...words]);
    if (status !== 0) throw new Error(`map update ${name}: ${stdout}${stderr}`);
  };
  update('m_hash', 'key', '1', 'value', '{"name":[200,1,2,3,4,5,6,7],"color":77,"":{"wide":3}}');
  update('m_lru', 'key', '5000000000', 'value', '-3');
  update('m_pchash', 'key', '1', 'value', '{"x":4}');
  update('m_progs', 'key', '2', 'value', ...prog('a_packet_program_with_long_name'));
  update('m_hmaps', 'key', '7', '0', '0', '0', 'value', ...map('m_inner'));
  for (const n of ['1', '2']) {
    update('m_stack', 'value', n, ...Array(7).fill('0'));
    update('m_queue', 'value', n, '0', '0', '0');
  }
  for (const key of ['1', '2', '3']) update('m_raw', 'key', key, '0', '0', '0', 'value', ...Array(8).fill('1'));
  const sockets = open(compilePart(source('load.bpf.c'), 0, ...INCLUDES)).load();
  const writer = new PerfWriter();
  const streams = writing();
  const places = somePlaces(files, Number(prog('let_go')[1]));
  const idOf = (fd: number, kind: 'prog' | 'map') => ['id', String((kind === 'prog' ? progInfo(fd) : mapInfo(fd)).id)];
  return {
    ...files,
    ...places,
    externs: compilePart(source('progs/externs.bpf.c'), 0),
    missing: compilePart(source('progs/missing.bpf.c'), 0),
    prog,
    map,
    link: ['id', String(link?.id)],
    sockets: {
      verdict: idOf(sockets.fd('program', 'verdict'), 'prog'),
      any: idOf(sockets.fd('program', 'any_verdict'), 'prog'),
      map: idOf(sockets.fd('map', 'socks'), 'map'),
    },
    writes: streams && idOf(streams.fd('program', 'writes'), 'prog'),
    writer,
    pins: (name) => `/sys/fs/bpf/tsbpf-json-${process.pid}-${name}`,
    [Symbol.dispose]() {
      for (const held of [places, streams, writer, sockets]) held?.[Symbol.dispose]();
      again.close();
      loaded.close();
      for (const name of PINS) rmSync(`/sys/fs/bpf/tsbpf-json-${process.pid}-${name}`, { force: true, recursive: true });
    },
  };
}
const PINS = ['prog1', 'prog2', 'map1', 'map2', 'map3', 'map4', 'link1', 'link2', 'load1', 'load2', 'all1', 'all2'];

/** A program that was to write to its streams, where the kernel has them. Some kernels take it, and write nothing. */
function writing(): LoadedObject | undefined {
  let loaded: LoadedObject;
  try {
    loaded = open(compilePart(source('load.bpf.c'), 4, ...INCLUDES)).load();
  } catch (error) {
    console.warn(`streams of programs are not tried as JSON: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
  runSyscallProgram(loaded.fd('program', 'writes'), new Uint8Array(8));
  return loaded;
}
