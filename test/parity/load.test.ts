// `prog load`, `loadall`, `attach`, `detach` and `tracelog` beside bpftool, on the same objects: what is pinned under which name, of which
// type, with which maps; which failures leave what. TSBPF_BPFTOOL names another bpftool.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BPF_F_MMAPABLE } from '../../src/uapi/bpf.js';
import { type Bpffs, mountBpffs } from '../support/bpffs.js';
import { type Finished, tsbpf } from '../support/cli.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { describeWithKernel } from '../support/kernel.js';

const BPFTOOL = process.env.TSBPF_BPFTOOL ?? 'bpftool';
const bpftool = (args: readonly string[]): Finished => spawnSync(BPFTOOL, args, { encoding: 'utf8', timeout: 60_000 });
const [, major = '0', minor = '0'] = /v(\d+)\.(\d+)/.exec(bpftool(['version']).stdout ?? '') ?? [];
const version = Number(major) * 100 + Number(minor);
const missing = version === 0 ? `no ${BPFTOOL} (apt-get install bpftool)` : undefined;
if (missing) console.warn(`the comparison of loads is skipped: ${missing}`);

/** `test` for what came with a version of bpftool. */
const since = (needed: number) => (version >= needed ? test : test.skip);
const AUTOATTACH = 702;
const KERNEL_BTF = 707;
const STREAMS = 707;
/** Older ones map sections to memory that have only static variables. */
const STATICS = 704;

/** What the object itself pins. */
const BY_NAME = '/sys/fs/bpf/tsbpf_load_seen';
const FIXTURES = join(import.meta.dirname, '../../fixtures');
const SOURCE = join(import.meta.dirname, 'load.bpf.c');
const compiled = (part: number): string =>
  compilePart(SOURCE, part, '-I/usr/include/x86_64-linux-gnu', '-I/usr/include/aarch64-linux-gnu');

/** It looks for tracepoints in tracefs, which need not be mounted for us: here nobody else sees that it is. */
const withTracefs = (args: readonly string[]): Finished => {
  const script = 'mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"';
  return spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', BPFTOOL, ...args], { encoding: 'utf8', timeout: 60_000 });
};

type Tool = (args: readonly string[]) => Finished;
const TOOLS: readonly Tool[] = [bpftool, tsbpf];

interface Shown {
  readonly map_ids?: readonly number[];
  readonly [key: string]: unknown;
}
const shown = (kind: 'prog' | 'map', path: string): Shown => {
  const { stdout, status, stderr } = bpftool(['-j', kind, 'show', 'pinned', path]);
  if (status !== 0) throw new Error(`${kind} ${path}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as Shown;
};
/** bpftool 7.8 shows such links, and says that it failed. */
const linkAt = (path: string) => lasting(JSON.parse(tsbpf(['-j', 'link', 'show', 'pinned', path]).stdout) as Shown);
/** What differs from load to load. */
const TIMES = ['id', 'loaded_at', 'btf_id', 'prog_id', 'pids', 'bytes_memlock', 'map_ids', 'run_time_ns', 'run_cnt'];
const lasting = (row: Shown) => ({
  ...Object.fromEntries(Object.entries(row).filter(([key]) => !TIMES.includes(key))),
  ...(version < STATICS && row.flags !== undefined && { flags: Number(row.flags) & ~BPF_F_MMAPABLE }),
});

/** A program as bpftool shows it, its maps by name in the order in which it uses them. */
const program = (path: string) => {
  const row = shown('prog', path);
  const maps = row.map_ids?.map((id) => JSON.parse(bpftool(['-j', 'map', 'show', 'id', String(id)]).stdout) as Shown);
  return { ...lasting(row), maps: maps?.map(lasting) };
};

describe.skipIf(missing !== undefined)(`loads, beside bpftool ${major}.${minor}`, () => {
  describeWithKernel('in the kernel', () => {
    let fs: Bpffs;
    beforeAll(() => {
      fs = mountBpffs();
    });
    afterEach(() => fs.clear());
    afterAll(() => fs.unmount());
    const at = (path: string) => join(fs.root, path);

    /** What each tool comes to with the same words; all went well. */
    const both = <T>(args: readonly string[], look: (tool: Tool) => T, prepare: () => void = () => {}): readonly [T, T] =>
      TOOLS.map((tool) => {
        prepare();
        const { status, stderr, stdout } = tool(args);
        expect({ status, stdout, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
        const found = look(tool);
        fs.clear();
        return found;
      }) as unknown as readonly [T, T];
    const same = <T>(...[args, look, prepare]: Parameters<typeof both<T>>): T => {
      const [theirs, ours] = both(args, look, prepare);
      expect(ours).toEqual(theirs);
      return ours;
    };

    const allOf = () => ({
      list: fs.list(),
      programs: fs
        .list()
        .filter((name) => name.startsWith('progs/'))
        .map((name) => program(at(name))),
      maps: fs
        .list()
        .filter((name) => name.startsWith('maps/'))
        .map((name) => lasting(shown('map', at(name)))),
    });

    test.each(['bootstrap', 'bench'])('%s.bpf.o: loadall with pinmaps', (name) => {
      const all = same(['prog', 'loadall', `${FIXTURES}/${name}.bpf.o`, at('progs'), 'pinmaps', at('maps')], allOf);
      expect(all.programs.length).toBeGreaterThan(0);
      expect(all.maps.length).toBeGreaterThan(0);
    });

    test('bootstrap.bpf.o: load pins the first program, and JSON is null', () => {
      const [theirs, ours] = TOOLS.map((tool) => {
        const { status, stdout } = tool(['-j', 'prog', 'load', `${FIXTURES}/bootstrap.bpf.o`, at('one')]);
        const found = { status, stdout: stdout.trim(), list: fs.list(), program: program(at('one')) };
        fs.clear();
        return found;
      });
      expect(ours).toEqual(theirs);
      expect(ours).toMatchObject({ status: 0, stdout: 'null', list: ['one'], program: { name: 'handle_exec' } });
    });

    since(KERNEL_BTF)('types of another kernel are taken for CO-RE', () => {
      const words = ['prog', 'load', `${FIXTURES}/bootstrap.bpf.o`, at('one'), 'kernel_b', '/sys/kernel/btf/vmlinux'];
      same(words, () => program(at('one')));
    });

    describeWithCompiler('of compiled objects', () => {
      test('programs of many types, maps and data sections', () => {
        const all = same(['prog', 'loadall', compiled(0), at('progs'), 'pinm', at('maps')], allOf);
        expect(all.list).toEqual(expect.arrayContaining(['maps/_data_custom', 'maps/a_map_with_a_long_name', 'progs/connect']));
        expect(all.programs.length).toBe(8);
      });

      /** Maps of one load that take the place of another's. */
      const prepared = () => {
        const { status, stderr } = bpftool(['prog', 'loadall', compiled(0), at('first'), 'pinmaps', at('old')]);
        expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      };
      const ids = (folder: string) =>
        Object.fromEntries(
          fs
            .list()
            .filter((name) => name.startsWith(`${folder}/`))
            .map((name) => [name.slice(folder.length + 1), shown('map', at(name)).id]),
        );
      /** Of the old maps, which are used again, and as what. */
      const reused = () => {
        const [old, now] = [ids('old'), ids('maps')];
        const names = Object.keys(now);
        return {
          names,
          reused: names.map((name) => Object.keys(old).find((candidate) => old[candidate] === now[name])),
          programs: program(at('progs/variables')).maps?.length,
        };
      };

      test("maps that are there take the place of the object's: by name, by idx, under the names of both", () => {
        const old = (name: string) => ['pinned', at(`old/${name}`)];
        const words = [
          ...['map', 'name', 'a_map_with_a_long_name', ...old('a_map_with_a_long_name')],
          ...['m', 'i', '1', ...old('socks')],
          ...['map', 'name', '.data.custom', ...old('load0_data')],
        ];
        const found = same(['prog', 'loadall', compiled(0), at('progs'), ...words, 'pinmaps', at('maps')], reused, prepared);
        expect(found.reused.filter((name) => name !== undefined).sort()).toEqual([
          'a_map_with_a_long_name',
          'load0_data',
          'socks',
        ]);
        expect(found.names).toContain('_data_custom');
      });

      test('a map of another name is pinned by that name', () => {
        const other = ['map', 'name', 'a_map_with_a_long_name', 'name', 'tsbpf_load_oth'];
        const create = [
          'map',
          'create',
          at('other'),
          'type',
          'hash',
          'key',
          '4',
          'value',
          '8',
          'entries',
          '3',
          'name',
          'tsbpf_load_oth',
        ];
        const found = same(
          ['prog', 'loadall', compiled(0), at('progs'), ...other, 'pinmaps', at('maps')],
          () => ({ list: fs.list(), id: shown('map', at('maps/tsbpf_load_oth')).id === shown('map', at('other')).id }),
          () => expect(bpftool(create).status).toBe(0),
        );
        expect(found.id).toBe(true);
      });

      test.each([
        ...['socket', 'kprobe', 'kretprobe', 'classifier', 'action', 'tracepoint', 'raw_tracepoint', 'xdp', 'perf_event'],
        ...['cgroup/skb', 'cgroup/sock', 'cgroup/dev', 'lwt_in', 'lwt_xmit', 'sockops', 'sk_skb', 'sk_msg', 'sk_reuseport'],
        ...['flow_dissector', 'cgroup/sysctl', 'cgroup/bind4', 'cgroup/post_bind6', 'cgroup/connect6', 'cgroup/getpeername4'],
        ...['cgroup/sendmsg4', 'cgroup/getsockopt', 'sk_lookup', 'cgroup/sock_release', 'sk_skb/stream_parser', 'xdp/cpumap'],
      ])('type %s', (type) => {
        const words = ['prog', 'load', compiled(3), at('any'), 'ty', type];
        const [theirs, ours] = TOOLS.map((tool) => {
          const { status } = tool(words);
          const found = { ok: status === 0, program: status === 0 ? program(at('any')) : undefined };
          fs.clear();
          return found;
        });
        expect(ours).toEqual(theirs);
        expect(ours?.ok).toBe(true);
      });

      since(AUTOATTACH)('autoattach pins links where there are some, else programs', () => {
        // bpftool makes the folder only for links.
        const kinds = () => {
          const kind = (name: string) => (tsbpf(['link', 'show', 'pinned', at(name)]).status === 0 ? 'link' : 'prog');
          return fs.list().map((name) => [name, name.includes('/') && kind(name)]);
        };
        const words = ['prog', 'loadall', compiled(0), at('progs'), 'autoattach'];
        const [theirs, ours] = [withTracefs, tsbpf].map((tool) => {
          mkdirSync(at('progs'));
          const { status, stderr } = tool(words);
          const found = {
            status,
            skipped: stderr.split('\n').filter((line) => /auto ?attach|cannot be attached/.test(line)).length,
          };
          const links = ['raw', 'traced'].map((name) => linkAt(at(`progs/${name}`)));
          const all = { ...found, kinds: kinds(), links };
          fs.clear();
          return all;
        });
        expect(ours).toEqual(theirs);
        expect(ours).toMatchObject({ status: 0, skipped: 6 });
      });

      test.each<readonly [string, (object: (part: number) => string) => string[], string]>([
        ['no such file', () => ['/nonexistent.o', at('x')], 'ENOENT'],
        ['no object', () => ['/etc/passwd', at('x')], 'ELF'],
        ['nothing but the words', () => [], 'missing'],
        ['a refused program', (object) => [object(1), at('x')], 'invalid mem access'],
        ['a refused program, in a new folder', (object) => [object(1), at('a/b/x')], 'invalid mem access'],
        ['a section that says nothing', (object) => [object(3), at('x')], 'says no program type'],
        ['a bogus type', (object) => [object(3), at('x'), 'type', 'bogus'], 'bogus'],
        ['two types', (object) => [object(3), at('x'), 'type', 'xdp', 'type', 'xdp'], 'already specified'],
        ['a word too many', (object) => [object(0), at('x'), 'and'], 'and'],
        ['a name that is taken', (object) => [object(2), at('taken')], 'is pinned by that name'],
        ['a folder that is a program', (object) => [object(2), at('taken/x')], 'taken'],
        ['a map by a bad idx', (object) => [object(0), at('x'), 'map', 'idx', '99', 'pinned', at('map')], 'no map of idx 99'],
        [
          'a map by a bad name',
          (object) => [object(0), at('x'), 'map', 'name', 'sock', 'pinned', at('map')],
          'Did you mean "socks"',
        ],
        ['a map by nothing', (object) => [object(0), at('x'), 'map', 'first', 'pinned', at('map')], 'expected idx or name'],
        [
          'a map that is none',
          (object) => [object(0), at('x'), 'map', 'idx', '0', 'pinned', at('taken')],
          'incorrect object type',
        ],
        [
          'a map that is not there',
          (object) => [object(0), at('x'), 'map', 'idx', '0', 'pinned', at('nope')],
          'Nothing is pinned',
        ],
        [
          'a map twice',
          (object) => [
            object(0),
            at('x'),
            ...['map', 'idx', '0', 'pinned', at('map')],
            ...['map', 'idx', '0', 'pinned', at('map')],
          ],
          'Two maps are to take the place of a_map_with_a_long_name',
        ],
        ['a map of another type', (object) => [object(0), at('x'), 'map', 'idx', '0', 'pinned', at('socks')], 'BPF_PROG_LOAD'],
        ['kernel types that are none', () => [`${FIXTURES}/bootstrap.bpf.o`, at('x'), 'kernel_btf', '/etc/passwd'], 'passwd'],
        ['a device', (object) => [object(0), at('x'), 'offload_dev', 'lo'], 'offload_dev'],
        ['a device, as it was said before', (object) => [object(0), at('x'), 'dev', 'lo'], 'offload_dev'],
        ['a name with a dot', (object) => [object(0), at('a.b')], 'dot'],
        ['--nomount, and no BPF file system', (object) => [object(0), '/tmp/tsbpf-no/x', '-n'], 'BPF file system'],
      ])('%s fails, and leaves nothing', (_, args, words) => {
        const map = ['map', 'create', at('map'), 'type', 'hash', 'key', '4', 'value', '8', 'entries', '8', 'name', 'm'];
        const socks = ['map', 'create', at('socks'), 'type', 'sockmap', 'key', '4', 'value', '4', 'entries', '8', 'name', 's'];
        for (const create of [map, socks]) expect(bpftool(create).status).toBe(0);
        expect(bpftool(['prog', 'load', compiled(3), at('taken'), 'type', 'xdp']).status).toBe(0);
        const before = fs.list();
        const said = args(compiled);
        const theirs = bpftool(['prog', 'load', ...said]);
        rmSync(BY_NAME, { force: true }); // which bpftool leaves when the load went well, and only pinning failed
        for (const extra of fs
          .list()
          .filter((name) => !before.includes(name))
          .reverse())
          expect(statSync(at(extra)).isDirectory()).toBe(true);

        for (const verb of ['load', 'loadall']) {
          const ours = tsbpf(['prog', verb, ...said]);
          expect({ status: ours.status, stdout: ours.stdout }).toEqual({ status: expect.any(Number), stdout: '' });
          expect([1, 2]).toContain(ours.status);
          expect(ours.stderr).toContain(words);
          expect(fs.list()).toEqual(before);
          expect(existsSync(BY_NAME)).toBe(false);
        }
        const json = tsbpf(['-j', 'prog', 'load', ...said]);
        expect(JSON.parse(json.stdout)).toMatchObject({ error: { message: expect.any(String) } });
        expect([1, 2]).toContain(json.status);
        expect(fs.list()).toEqual(before);
        expect(theirs.status).not.toBe(0);
      });

      test('attach and detach', () => {
        const object = compiled(0);
        expect(tsbpf(['prog', 'loadall', object, at('progs'), 'pinmaps', at('maps')]).status).toBe(0);
        const [verdict, any, pass] = ['verdict', 'any_verdict', 'pass'].map((name) => ['pinned', at(`progs/${name}`)]) as [
          string[],
          string[],
          string[],
        ];
        const socks = ['pinned', at('maps/socks')];
        const words: readonly (readonly string[])[] = [
          ['attach', ...verdict, 'sk_skb_stream_verdict', ...socks],
          ['attach', ...verdict, 'sk_skb_verdict', ...socks], // taken
          ['attach', ...any, 'stream_p', ...socks],
          ['detach', ...any, 'stream_p', ...socks],
          ['detach', ...any, 'stream_p', ...socks], // gone
          ['detach', ...verdict, 'stream_v', ...socks],
          ['attach', ...pass, 'sk_skb_verdict', ...socks], // of another type
          ['attach', ...any, 'sk_msg_verdict', ...socks],
          ['attach', ...verdict, 'verdict', ...socks], // no such word
          ['attach', ...verdict, 'sk_skb_stream_verdict'], // without a map
          ['attach', ...verdict, 'sk_skb_stream_verdict', 'pinned', at('maps/load0_bss')],
        ];
        const outcomes = TOOLS.map((tool) => words.map((said) => tool(['prog', ...said]).status === 0));
        expect(outcomes[1]).toEqual(outcomes[0]);
        expect(outcomes[1]).toEqual([true, false, true, true, false, true, false, false, false, false, false]);
        // What one attached, the other detaches.
        expect(tsbpf(['prog', ...(words[0] as string[])]).status).toBe(0);
        expect(bpftool(['prog', ...(words[5] as string[])]).status).toBe(0);
        expect(tsbpf(['-j', 'prog', ...(words[0] as string[])])).toMatchObject({ status: 0, stdout: 'null\n' });
        expect(tsbpf(['prog', ...(words[1] as string[])]).stderr).toContain('A program that excludes this one is there');
      });

      since(STREAMS)('tracelog of a program, by stream', ({ skip }) => {
        const load = tsbpf(['prog', 'load', compiled(4), at('writes')]);
        if (load.status !== 0) skip(`streams cannot be written to: ${load.stderr}`);
        let retval = 0;
        const results = TOOLS.map((tool) => {
          retval = JSON.parse(tsbpf(['-j', 'prog', 'run', 'pinned', at('writes')]).stdout).retval;
          return ['stdout', 'stderr', 'stdout'].map((stream) => {
            const { stdout, stderr, status } = tool(['prog', 'tracelog', stream, 'pinned', at('writes')]);
            return { stdout, stderr, status };
          });
        });
        expect(results[1]).toEqual(results[0]);
        if (retval !== 0) skip(`this kernel wrote nothing to the streams: ${retval | 0}`);
        expect(results[1]?.map(({ stdout, stderr }) => [stdout, stderr])).toEqual([
          ['to stdout\n', ''],
          ['', 'to stderr\n'],
          ['', ''],
        ]);
      });
    });
  });
});
