// What `--json` is tried with: a row for each verb of the command line. A verb without one fails json.test.ts.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Files } from './json-files.js';
import { type Live, ours } from './json-live.js';

const root = join(import.meta.dirname, '../..');

/** Words of a command line behind its verb. */
export type Words = readonly string[];
export interface Case {
  readonly words: Words;
  /** 0 if not said; undefined: it depends on the machine. */
  readonly status?: 0 | 1 | undefined;
  /** What the command starts with. */
  readonly as?: Words;
  /** What is in it among others: an empty list would say little. */
  readonly shows?: Words;
}
/** What prints until it is told to stop. */
export interface Endless {
  readonly words: Words;
  /** Makes something happen, again and again until there is `until`. */
  readonly stir: (pid: number) => void;
  readonly until: string;
}
export interface Row {
  /** What works on any machine. */
  readonly cases?: (files: Files) => readonly Case[];
  /** What needs a compiler and a kernel that takes programs. */
  readonly live?: (live: Live) => readonly Case[];
  /** What fails, whatever the machine, with exit code 1; absent where nothing can. */
  readonly fails?: readonly Words[];
  /** What fails only where BPF may be used. */
  readonly refused?: (files: Files) => readonly Words[];
  /** Words that are wrong usage: exit code 2. */
  readonly misused: readonly Words[];
  /** As `live`, of what has no end. */
  readonly endless?: (live: Live) => Endless;
  /** It prints a line for each event. */
  readonly lines?: true;
  /** The error comes from a machine that is no Linux, as nothing else keeps the verb from an answer. */
  readonly elsewhere?: true;
}

const of = (...words: string[]): Case => ({ words });
const no = (...words: string[]): Case => ({ words, status: 1 });
/** `of`, and what it shows. */
const showing = (shows: Words, ...words: string[]): Case => ({ words, shows });
const NOWHERE = '/nonexistent/file';
/** There are never so many. */
const NONE: Words = ['id', '4000000000'];
/** What all verbs that take one object do with words that name none. */
const noun = { fails: [NONE], misused: [['bogus'], ['id', 'x'], []] };
const listing = { fails: [NONE], misused: [['bogus'], ['id', 'x']] };
const loading = {
  fails: [
    [NOWHERE, '/sys/fs/bpf/tsbpf-never-there'],
    [import.meta.filename, '/sys/fs/bpf/tsbpf-never-there'],
  ],
  misused: [[], ['x'], ['x', 'y', 'bogus'], ['x', 'y', 'type', 'bogus'], ['x', 'y', 'map', 'name']],
};
const OF_MAPS = ['type', 'hash_of_maps', 'key', '4', 'value', '4', 'entries', '2', 'name', 'json_maps'];
const EGRESS = ['"cgroup_inet_egress"'];
const EVENTS = ['"raw_tracepoint"', '"sched_process_fork"', '"tracepoint"', '"sched_process_exit"'];
const PLACES = ['"generic"'];
const attaching = { fails: [[...NONE, 'flow_dissector']], misused: [['bogus'], ['id', 'x'], []] };
const KEY = ['key', '1', '0', '0', '0'];

export const ROWS: Readonly<Record<string, Row>> = {
  'run bootstrap': {
    lines: true,
    endless: () => ({ words: [], stir: () => void spawnSync('true'), until: '"exit_event":true' }),
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
    live: ({ externs, missing, bootstrap, bare, kernel, config, symbols }) => [
      { ...of(externs), status: undefined },
      { ...of(missing), status: undefined },
      of(bootstrap),
      no(externs, '--btf', bare),
      no(externs, '--kernel', `5.10=${kernel('5.10')}`, '--config', config, '--kallsyms', symbols),
    ],
    fails: [[NOWHERE], [import.meta.filename], [join(root, 'fixtures/bootstrap.bpf.o'), '--btf', NOWHERE]],
    misused: [[], ['x', '--nope'], ['x', 'y'], ['x', '--btf', 'a', '--btf', 'b'], ['x', '--btf', 'y', '--config', 'z=z']],
  },
  check: {
    cases: ({ bootstrap, bench, bare, kernel }) => [
      of(bootstrap, '--kernel', `5.10=${kernel('5.10')}`, '--btf', kernel('6.12')),
      no(bootstrap, bench, '--kernel', `5.10=${kernel('5.10')}`, '--btf', kernel('6.12')),
      no(bootstrap, '--btf', bare),
      no(NOWHERE, bootstrap, '--btf', kernel('6.12')),
    ],
    live: ({ externs, missing, bare, kernel, config, symbols }) => [
      no(externs, missing, '--kernel', `bare=${bare}`),
      no(externs, '--kernel', `5.10=${kernel('5.10')}`, '--config', config, '--kallsyms', symbols),
      { ...of(externs, missing), status: undefined },
    ],
    fails: [[join(root, 'fixtures/bootstrap.bpf.o'), '--btf', NOWHERE]],
    misused: [[], ['x', '--kernel', 'nameless'], ['x', '--nope'], ['x', '--btf', 'y', '--config', 'z=z']],
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
    live: () => [of(), of('unprivileged'), of('dev', 'lo', 'macros')],
    fails: [[]],
    misused: [['bogus'], ['kernel', 'kernel'], ['kernel', 'dev', 'lo'], ['prefix', 'X']],
    elsewhere: true,
  },
  'feature list_builtins': {
    cases: () => [of('prog_types'), of('map'), of('attach_types'), of('link_types'), of('helpers', '--pretty')],
    misused: [[], ['bogus'], ['map_types', 'x']],
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
  'prog load': {
    live: ({ bootstrap, pins }) => [of(bootstrap, pins('load1')), of(bootstrap, pins('load2'), 'type', 'tracepoint')],
    ...loading,
  },
  'prog loadall': {
    live: ({ bootstrap, pins }) => [of(bootstrap, pins('all1')), of(bootstrap, pins('all2'), 'autoattach')],
    ...loading,
  },
  'prog attach': {
    live: ({ sockets: { verdict, any, map } }) => [
      of(...verdict, 'sk_skb_stream_verdict', ...map),
      of(...any, 'sk_skb_stream_parser', ...map),
    ],
    ...attaching,
  },
  'prog detach': {
    live: ({ sockets: { verdict, any, map } }) => [
      of(...verdict, 'sk_skb_stream_verdict', ...map),
      of(...any, 'stream_p', ...map),
    ],
    ...attaching,
  },
  // Without words it takes what all programs print away from other tests: load.test.ts holds that against the schema.
  'prog tracelog': {
    live: ({ writes }) => (writes ? [of('stdout', ...writes), of('stderr', ...writes)] : []),
    fails: [['stdout', ...NONE]],
    misused: [['bogus'], ['stdout'], ['stdout', 'bogus']],
  },
  'prog run': {
    live: ({ prog, packet }) => [
      of(...prog('a_packet_program_with_long_name'), 'data_in', packet, 'data_out', '-', 'repeat', '2'),
      of(...prog('a_call'), 'ctx_in', packet, 'ctx_out', '-'),
    ],
    ...noun,
  },
  'prog stats': {
    lines: true,
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
  'map create': {
    live: ({ map, pins }) => [
      of(pins('map3'), 'type', 'array', 'key', '4', 'value', '8', 'entries', '2', 'name', 'json_array'),
      of(pins('map4'), ...OF_MAPS, 'inner_map', ...map('m_inner')),
    ],
    fails: [
      ['/sys/fs/bpf/tsbpf-never-there', ...OF_MAPS],
      [NOWHERE, 'type', 'bloom_filter', 'key', '1', 'value', '1', 'entries', '1', 'name', 'keyed'],
    ],
    misused: [[], ['x'], ['x', 'bogus'], ['x', 'type', 'bogus'], ['x', 'name', 'a-b'], ['x', 'key', 'x']],
  },
  'map event_pipe': {
    endless: ({ writer }) => ({
      words: ['id', writer.id('pipe_a')],
      // More than there is room for, while it does not look: what is lost is told before the record that has room again.
      stir: (pid) => {
        if (writer.readers() !== 1) return;
        process.kill(pid, 'SIGSTOP');
        writer.write({ size: 1000, count: 400 });
        process.kill(pid, 'SIGCONT');
      },
      until: '"lost"',
    }),
    ...noun,
  },
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
  'cgroup show': {
    live: ({ cgroup }) => [showing(EGRESS, cgroup), showing(EGRESS, cgroup, 'effective')],
    fails: [[NOWHERE], ['']],
    misused: [[], ['x', 'bogus'], ['x', 'effective', 'y']],
  },
  'cgroup list': {
    live: ({ cgroup }) => [showing(EGRESS, cgroup), showing(EGRESS, cgroup, 'effective')],
    fails: [[NOWHERE]],
    misused: [[], ['x', 'bogus']],
  },
  'cgroup tree': {
    live: ({ cgroup }) => [showing(EGRESS, cgroup), showing(EGRESS), showing(EGRESS, cgroup, 'effective'), of('effective')],
    fails: [[NOWHERE]],
    misused: [
      ['x', 'bogus'],
      ['effective', 'x'],
    ],
  },
  'perf show': { live: () => [showing(EVENTS)], fails: [[]], misused: [['bogus'], ['--nope']], elsewhere: true },
  'perf list': { live: () => [showing(EVENTS)], fails: [[]], misused: [['bogus']], elsewhere: true },
  'net show': {
    live: ({ inNetwork }) => [of(), { ...showing(PLACES), as: inNetwork }, { ...showing(PLACES, 'dev', 'lo'), as: inNetwork }],
    fails: [['dev', 'nothing-like-it']],
    misused: [['bogus'], ['dev'], ['dev', 'lo', 'x']],
  },
  'net list': {
    live: ({ inNetwork }) => [of(), { ...showing(PLACES, 'dev', 'lo'), as: inNetwork }],
    fails: [['dev', 'nothing-like-it']],
    misused: [['bogus'], ['dev']],
  },
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
