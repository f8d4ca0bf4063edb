// What `--json` is tried with: a row for each verb of the command line. A verb without one fails json.test.ts.

import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from '../../src/api/index.js';
import { encodeBtf } from '../../src/btf/index.js';
import { linkInfo, mustBpf, openById } from '../../src/syscall/index.js';
import { BPF_ATTACH_TYPE } from '../../src/uapi/enums.js';
import { array, INT, int, proto, ptr, struct, typedef, union } from '../support/btf-types.js';
import { tsbpf } from '../support/cli.js';
import { compilePart } from '../support/compile.js';
import { kernelOf } from '../support/kernels.js';

const root = join(import.meta.dirname, '../..');

/** Words of a command line behind its verb. */
type Words = readonly string[];
export interface Case {
  readonly words: Words;
  /** 0 if not said; undefined: it depends on the machine. */
  readonly status?: 0 | 1 | undefined;
}
export interface Row {
  /** What works on any machine. */
  readonly cases?: (files: Files) => readonly Case[];
  /** What needs a compiler and a kernel that takes programs. */
  readonly live?: (live: Live) => readonly Case[];
  /** What fails, whatever the machine, with exit code 1. */
  readonly fails: readonly Words[];
  /** What fails only where BPF may be used. */
  readonly refused?: (files: Files) => readonly Words[];
  /** Words that are wrong usage: exit code 2. */
  readonly misused: readonly Words[];
  /** It prints a line for each event; as a stream until it is told to stop. */
  readonly lines?: 'stream' | 'some';
  /** The error comes from a machine that is no Linux, as nothing else keeps the verb from an answer. */
  readonly elsewhere?: true;
}

export interface Files {
  readonly path: (name: string) => string;
  readonly bootstrap: string;
  readonly bench: string;
  /** A kernel whose task_struct has another parent. */
  readonly bare: string;
  /** 64 bytes. */
  readonly packet: string;
  /** One type of every kind. */
  readonly kinds: string;
  /** A kernel of that release. */
  readonly kernel: (release: '5.10' | '6.12') => string;
  readonly remove: () => void;
}

export function someFiles(): Files {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-json-'));
  const path = (name: string) => join(folder, name);
  const write = (name: string, bytes: Uint8Array) => {
    writeFileSync(path(name), bytes);
    return path(name);
  };
  for (const release of ['5.10', '6.12']) write(`${release}.btf`, kernelOf(release));
  return {
    path,
    bootstrap: join(root, 'fixtures/bootstrap.bpf.o'),
    bench: join(root, 'fixtures/bench.bpf.o'),
    bare: write('bare.btf', encodeBtf([INT, struct('task_struct', 4, ['parent_real', 1])])),
    packet: write('packet', new Uint8Array(64)),
    kinds: write('kinds.btf', everyKind()),
    kernel: (release) => path(`${release}.btf`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const everyKind = (): Uint8Array =>
  encodeBtf([
    INT,
    ptr(1),
    array(1, 4),
    struct('s', 24, ['a', 1, 0], ['low', 1, 4, 3], ['', 5, 8], ['far', 1, 20]),
    union('', 8, ['wide', 6], ['p', 2]),
    int('long long', 8),
    { kind: 'ENUM', name: 'e', size: 4, signed: false, values: [{ name: 'E', value: 0xffffffffn }] },
    { kind: 'ENUM64', name: 'w', size: 8, signed: true, values: [{ name: 'W', value: -(2n ** 60n) }] },
    { kind: 'FWD', name: 'f', union: true },
    typedef('t', 4),
    { kind: 'VOLATILE', type: 1 },
    { kind: 'CONST', type: 1 },
    { kind: 'RESTRICT', type: 2 },
    proto(1, 1, 2),
    { kind: 'FUNC', name: 'fn', type: 14, linkage: 1 },
    { kind: 'VAR', name: 'v', type: 1, linkage: 0 },
    { kind: 'DATASEC', name: '.data', size: 4, vars: [{ type: 16, offset: 0, size: 4 }] },
    { kind: 'FLOAT', name: 'double', size: 8 },
    { kind: 'DECL_TAG', name: 'tag', type: 4, component: -1, attribute: false },
    { kind: 'TYPE_TAG', name: 'user', type: 1, attribute: false },
  ]);

/** Objects that are in the kernel as long as this is not closed. */
export interface Live extends Files {
  readonly externs: string;
  readonly missing: string;
  /** `id`, and the number. */
  readonly prog: (name: string) => Words;
  readonly map: (name: string) => Words;
  readonly link: Words;
  /** A link that can be detached. */
  readonly detachable: Words;
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
const ours = (name: string): string => `j_${name}`;

interface Listed {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly pids?: readonly { readonly pid: number }[];
}

export function someLive(files: Files): Live & Disposable {
  const source = (name: string) => join(root, 'test/parity', name);
  // Under names of their own: other tests load the same source at the same time.
  const renamed = NAMES.map((name) => `-D${name}=${ours(name)}`);
  const object = compilePart(
    source('live.bpf.c'),
    0,
    '-mcpu=v3',
    '-I/usr/include/x86_64-linux-gnu',
    '-I/usr/include/aarch64-linux-gnu',
    ...renamed,
  );
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
  const cgroup = cgroupLink(files, Number(prog('let_go')[1]));
  return {
    ...files,
    externs: compilePart(source('progs/externs.bpf.c'), 0),
    missing: compilePart(source('progs/missing.bpf.c'), 0),
    prog,
    map,
    link: ['id', String(link?.id)],
    detachable: ['id', String(cgroup.id)],
    pins: (name) => `/sys/fs/bpf/tsbpf-json-${process.pid}-${name}`,
    [Symbol.dispose]() {
      cgroup[Symbol.dispose]();
      again.close();
      loaded.close();
      for (const name of PINS) rmSync(`/sys/fs/bpf/tsbpf-json-${process.pid}-${name}`, { force: true });
    },
  };
}
const PINS = ['prog1', 'prog2', 'map1', 'map2', 'link1', 'link2'];

/** A link to a group of processes that nobody is in. Version 2 of cgroups is mounted for that where it is not. */
function cgroupLink({ path }: Files, program: number): Disposable & { readonly id: number } {
  const mounted = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
  const at = mounted ?? path('cgroup');
  if (mounted === undefined) {
    mkdirSync(at);
    spawnSync('mount', ['-t', 'cgroup2', 'none', at]);
  }
  const group = join(at, `tsbpf-json-${process.pid}`);
  mkdirSync(group);
  const target_fd = openSync(group, constants.O_RDONLY | constants.O_DIRECTORY);
  using prog = openById('prog', program);
  const attach_type = BPF_ATTACH_TYPE.BPF_CGROUP_INET_EGRESS;
  const { result } = mustBpf(
    'BPF_LINK_CREATE',
    { prog_fd: prog?.fd ?? -1, target_fd, attach_type, flags: 0 },
    'Cannot make a link',
  );
  return {
    id: linkInfo(result).id,
    [Symbol.dispose]() {
      closeSync(result);
      closeSync(target_fd);
      spawnSync('rmdir', [group]);
      if (mounted === undefined) spawnSync('umount', [at]);
    },
  };
}

const of = (...words: string[]): Case => ({ words });
const no = (...words: string[]): Case => ({ words, status: 1 });
const NOWHERE = '/nonexistent/file';
/** There are never so many. */
const NONE: Words = ['id', '4000000000'];
/** What all verbs that take one object do with words that name none. */
const noun = { fails: [NONE], misused: [['bogus'], ['id', 'x'], []] };
const listing = { fails: [NONE], misused: [['bogus'], ['id', 'x']] };
const KEY = ['key', '1', '0', '0', '0'];

export const ROWS: Readonly<Record<string, Row>> = {
  'run bootstrap': {
    lines: 'stream',
    fails: [['--btf', NOWHERE]],
    refused: ({ bare }) => [['--btf', bare]],
    misused: [['--nope'], ['extra'], ['--duration', 'x']],
  },
  inspect: {
    cases: ({ bootstrap, bench, bare, kernel }) => [
      of(bootstrap),
      of(bench, '--insns', '--relocations', '--sections', '--btf'),
      of(bootstrap, '--relocated', '--btf', kernel('6.12')),
      of(bootstrap, '--relocated', '--btf', bare, '--full', '--insns'),
    ],
    live: ({ externs, missing, bare, kernel }) => [
      of(externs),
      of(externs, '--relocated', '--full'),
      { ...of(missing, '--relocated', '--full', '--btf', kernel('5.10')), status: undefined },
      no(externs, '--relocated', '--btf', bare),
    ],
    fails: [[NOWHERE], [import.meta.filename]],
    misused: [[], ['x', '--full'], ['x', '--btf', 'y'], ['x', 'y']],
  },
  explain: {
    cases: ({ bootstrap, bench, bare, kernel }) => [
      of(bootstrap, '--btf', kernel('5.10')),
      of(bench, '--btf', kernel('6.12')),
      no(bootstrap, '--btf', bare),
    ],
    live: ({ externs, missing, bootstrap, bare }) => [
      { ...of(externs), status: undefined },
      { ...of(missing), status: undefined },
      of(bootstrap),
      no(externs, '--btf', bare),
    ],
    fails: [[NOWHERE], [import.meta.filename]],
    misused: [[], ['x', '--nope'], ['x', 'y']],
  },
  check: {
    cases: ({ bootstrap, bench, bare, kernel }) => [
      of(bootstrap, '--kernel', `5.10=${kernel('5.10')}`, '--btf', kernel('6.12')),
      no(bootstrap, bench, '--kernel', `5.10=${kernel('5.10')}`, '--btf', kernel('6.12')),
      no(bootstrap, '--btf', bare),
      no(NOWHERE, bootstrap, '--btf', kernel('6.12')),
    ],
    live: ({ externs, missing, bare }) => [
      no(externs, missing, '--kernel', `bare=${bare}`),
      { ...of(externs, missing), status: undefined },
    ],
    fails: [[join(root, 'fixtures/bootstrap.bpf.o'), '--btf', NOWHERE]],
    misused: [[], ['x', '--kernel', 'nameless'], ['x', '--nope']],
  },
  'btf dump': {
    cases: ({ bootstrap, kinds }) => [
      of('file', kinds),
      of('file', bootstrap, 'format', 'raw'),
      of('file', kinds, 'root_id', '4', 'root_id', '7'),
    ],
    live: ({ map, prog }) => [of('map', ...map('m_hash')), of('prog', ...prog('on_switch'))],
    fails: [
      ['file', NOWHERE],
      ['file', join(root, 'fixtures/bootstrap.bpf.o'), 'root_id', '9999'],
    ],
    misused: [[], ['bogus'], ['file', 'x', 'format', 'c'], ['file', 'x', 'bogus']],
  },
  'btf list': { live: () => [of(), of('id', '1')], ...listing },
  'btf find': {
    cases: ({ bootstrap, kinds }) => [
      of('*', '--btf', kinds),
      of('event', '--btf', bootstrap),
      no('nothing_of_this_name', '--btf', bootstrap),
    ],
    fails: [['x', '--btf', NOWHERE]],
    misused: [[], ['x', 'y'], ['x', '--nope']],
  },
  'btf layout': {
    cases: ({ bootstrap, kinds }) => [of('event', '--btf', bootstrap), of('struct s', '--btf', kinds), of('5', '--btf', kinds)],
    fails: [
      ['x', '--btf', NOWHERE],
      ['nothing', '--btf', join(root, 'fixtures/bootstrap.bpf.o')],
    ],
    misused: [[], ['x', 'y'], ['x', '--nope']],
  },
  'btf diff': {
    cases: ({ bootstrap, bench, bare, kinds, kernel }) => [
      of(kinds, kinds),
      no(kinds, bootstrap),
      no(bench, bootstrap),
      no(kernel('5.10'), bare, '--used-by', bootstrap),
    ],
    fails: [[NOWHERE, NOWHERE]],
    misused: [[], ['x'], ['x', 'y', 'z']],
  },
  doctor: { live: () => [{ words: [], status: undefined }], fails: [[]], misused: [['extra'], ['--nope']], elsewhere: true },
  'feature probe': {
    live: () => [of(), of('unprivileged')],
    fails: [[]],
    misused: [['bogus'], ['kernel', 'kernel']],
    elsewhere: true,
  },
  'prog show': {
    live: ({ prog }) => [of(), of(...prog('on_switch')), of('name', ours('on_switch'))],
    ...listing,
  },
  'prog list': { live: ({ prog }) => [of('--bpffs'), of(...prog('a_call'))], ...listing },
  'prog dump': {
    live: ({ prog, path }) => [
      of('xlated', ...prog('a_packet_program_with_long_name')),
      of('xlated', ...prog('a_packet_program_with_long_name'), 'opcodes', 'linum'),
      of('jited', ...prog('on_switch'), 'linum'),
      of('jited', ...prog('on_switch'), 'opcodes'),
      of('xlated', 'name', ours('walk_maps'), 'opcodes'),
      of('jited', 'name', ours('walk_maps')),
      of('xlated', ...prog('on_switch'), 'file', path('code')),
    ],
    fails: [['xlated', ...NONE]],
    misused: [[], ['bogus'], ['xlated', 'id'], ['xlated', 'bogus']],
  },
  'prog pin': {
    live: ({ prog, pins }) => [of(...prog('a_call'), pins('prog1')), of(...prog('a_call'), pins('prog2'))],
    ...noun,
  },
  'prog run': {
    live: ({ prog, packet }) => [
      of(...prog('a_packet_program_with_long_name'), 'data_in', packet, 'data_out', '-', 'repeat', '2'),
      of(...prog('a_call'), 'ctx_in', packet, 'ctx_out', '-'),
    ],
    ...noun,
  },
  'prog stats': {
    lines: 'some',
    live: ({ prog }) => [of('--interval', '0.1', '--count', '2'), of(...prog('on_switch'), '--interval', '0.1', '--count', '1')],
    fails: [NONE],
    misused: [['bogus'], ['--count', 'x'], ['interval', 'x']],
  },
  'map show': { live: ({ map }) => [of(), of(...map('m_progs')), of('name', ours('m_hash'))], ...listing },
  'map list': { live: ({ map }) => [of('--bpffs'), of(...map('m_lpm'))], ...listing },
  'map dump': {
    live: ({ map }) =>
      ['m_hash', 'm_pchash', 'm_rawpc', 'm_raw', 'm_progs', 'm_hmaps', 'm_perf']
        .map((name) => of(...map(name)))
        .concat(of('name', ours('m_raw'))),
    ...noun,
  },
  'map update': {
    live: ({ map }) => [
      of(...map('m_lpm'), 'key', '{"prefix":24,"address":[10,0,1,0]}', 'value', '1'),
      of(...map('m_lru'), 'key', '7', 'value', '8'),
    ],
    ...noun,
  },
  'map lookup': {
    live: ({ map }) => [
      of(...map('m_hash'), ...KEY),
      no(...map('m_hash'), 'key', '9', '0', '0', '0'),
      of(...map('m_pchash'), ...KEY),
      of(...map('m_hmaps'), 'key', '7', '0', '0', '0'),
      of(...map('m_progs'), 'key', '2', '0', '0', '0'),
    ],
    ...noun,
  },
  'map getnext': { live: ({ map }) => [of(...map('m_array')), of(...map('m_array'), 'key', '0', '0', '0', '0')], ...noun },
  'map delete': {
    live: ({ map }) => [of(...map('m_raw'), 'key', '2', '0', '0', '0'), of(...map('m_raw'), 'key', '3', '0', '0', '0')],
    ...noun,
  },
  'map pin': { live: ({ map, pins }) => [of(...map('m_raw'), pins('map1')), of(...map('m_raw'), pins('map2'))], ...noun },
  'map push': { live: ({ map }) => [of(...map('m_queue'), 'value', '1', '2', '3', '4')], ...noun },
  'map enqueue': { live: ({ map }) => [of(...map('m_queue'), 'value', '1', '2', '3', '4')], ...noun },
  'map peek': { live: ({ map }) => [of(...map('m_queue'))], ...noun },
  'map pop': { live: ({ map }) => [of(...map('m_stack')), of(...map('m_stack')), no(...map('m_stack'))], ...noun },
  'map dequeue': { live: ({ map }) => [of(...map('m_queue')), of(...map('m_queue'))], ...noun },
  'map freeze': { live: ({ map }) => [of(...map('m_long')), of(...map('m_rawpc'))], ...noun },
  'link show': { live: ({ link, detachable }) => [of(), of(...link), of(...detachable)], ...listing },
  'link list': { live: ({ link }) => [of('--bpffs'), of(...link)], ...listing },
  'link pin': { live: ({ link, pins }) => [of(...link, pins('link1')), of(...link, pins('link2'))], ...noun },
  'link detach': { live: ({ detachable }) => [of(...detachable)], ...noun },
  'gen object': {
    cases: ({ bootstrap, path }) => [of(path('linked.bpf.o'), bootstrap)],
    fails: [
      [NOWHERE, join(root, 'fixtures/bootstrap.bpf.o')],
      ['/tmp/never-written', NOWHERE],
    ],
    misused: [[], ['x'], ['x', 'y', '--nope']],
  },
  'gen min-core-btf': {
    cases: ({ bootstrap, bench, path, kernel }) => [of(kernel('6.12'), path('least.btf'), bootstrap, bench)],
    fails: [[NOWHERE, '/tmp/never-written', join(root, 'fixtures/bootstrap.bpf.o')]],
    misused: [[], ['x'], ['x', 'y']],
  },
};
