// `tsbpf map` beside bpftool, verb by verb, where a verb needs more than maps of one object: what comes through a perf event array,
// maps that are made, maps in maps. TSBPF_BPFTOOL names another bpftool than the one on the path.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { onlineCpus } from '../../src/syscall/index.js';
import { type Finished, type Running, start, tsbpf } from '../support/cli.js';
import { describeWithCompiler } from '../support/compile.js';
import { describeWithKernel } from '../support/kernel.js';
import { PerfWriter, type Written } from '../support/perf-writer.js';

const BPFTOOL = process.env.TSBPF_BPFTOOL ?? 'bpftool';
const bpftool = (...args: string[]): Finished => spawnSync(BPFTOOL, args, { encoding: 'utf8', timeout: 60_000 });
const version = /^bpftool v([\d.]+)/.exec(bpftool('version').stdout ?? '')?.[1];
const missing = version === undefined ? `no ${BPFTOOL} (apt-get install bpftool)` : undefined;
if (missing) console.warn(`the comparison of map verbs is skipped: ${missing}`);
const [major = 0, minor = 0] = version?.split('.').map(Number) ?? [];
/** bpftool 7.7 and later show the id of an inner map as a number, before them as bytes. */
const hasInnerIds = major > 7 || (major === 7 && minor >= 7);

const CPUS = onlineCpus();
const ENOENT = -2;
const EOPNOTSUPP = -95;

describe.skipIf(missing !== undefined)(`map verbs, beside bpftool ${version}`, () => {
  describeWithCompiler('event_pipe', () => {
    describeWithKernel('of a program that writes the same to two maps', () => {
      let writer: PerfWriter;
      const ends: (() => Promise<unknown>)[] = [];
      beforeAll(() => {
        writer = new PerfWriter();
      });
      afterEach(async () => {
        for (const end of ends.splice(0)) await end();
      });
      afterAll(() => writer?.[Symbol.dispose]());

      interface Pipe {
        readonly process: ChildProcess;
        end(): Promise<Finished>;
      }
      const theirs = (...args: string[]): Pipe => {
        const child = spawn(BPFTOOL, args, { stdio: ['ignore', 'pipe', 'pipe'] });
        let [stdout, stderr] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text) => {
          stdout += text;
        });
        child.stderr.setEncoding('utf8').on('data', (text) => {
          stderr += text;
        });
        const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
        const end = async () => {
          child.kill('SIGINT');
          return { status: await ended, stdout, stderr };
        };
        ends.push(end);
        return { process: child, end };
      };
      const ours = (...args: string[]): Pipe & Running => {
        const running = start(args);
        const end = () => running.end('SIGINT');
        ends.push(end);
        return { ...running, end };
      };

      /** Both read, and nothing was written yet. */
      async function both(flags: readonly string[], words: readonly string[] = [], at: { readonly place?: number } = {}) {
        const command = (map: string) => [...flags, 'map', 'event_pipe', 'id', writer.id(map), ...words];
        const pipes = { our: ours(...command('pipe_a')), their: theirs(...command('pipe_b')) };
        while (!CPUS.every((cpu) => writer.readers({ cpu, ...at }) === 3)) await pause(20);
        return pipes;
      }
      const write = (written: Written) => expect(writer.write(written)).toBe(0);
      /** Ends both when they have had time to read. */
      const ended = async ({ our, their }: { readonly our: Pipe; readonly their: Pipe }) => {
        await pause(600);
        const [a, b] = [await our.end(), await their.end()];
        expect([a.status, a.stderr]).toEqual([0, '']);
        return [a.stdout, b.stdout] as const;
      };

      const withoutTimes = (text: string) =>
        text.replaceAll(/@\d+\.\d{9} /g, '@TIME ').replaceAll(/"timestamp":( ?)\d+/g, '"timestamp":$10');
      const blocks = (text: string) =>
        withoutTimes(text)
          .split(/^(?==|lost )/m)
          .filter((block) => block !== '');
      interface Shown {
        readonly type: number;
        readonly cpu: number;
        readonly timestamp: number;
        readonly lost?: { readonly count: number };
      }
      const records = (text: string) => JSON.parse(withoutTimes(text)) as Shown[];
      const writeSome = () => {
        for (const size of [8, 1, 13, 16, 17, 40, 300]) for (const cpu of CPUS) write({ size, cpu, count: 2, first: size });
      };

      test('as text: the records of each CPU, in their order', async () => {
        const pipes = await both([]);
        writeSome();
        const [a, b] = await ended(pipes);
        expect(blocks(a)).toHaveLength(14 * CPUS.length);
        for (const cpu of CPUS) {
          const of = (text: string) => blocks(text).filter((block) => block.includes(`CPU: ${cpu} `));
          expect(of(a)).toEqual(of(b));
        }
        expect(a).toMatch(/^== @\d+\.\d{9} CPU: 0 index: 0 =====\n08 00 00 00 00 00 00 00 {2}00 00 00 00\n== @/m);
      });

      test.each([['-j'], ['-j', '-p']])('as JSON: %s', async (...flags) => {
        const pipes = await both(flags);
        writeSome();
        const [a, b] = await ended(pipes);
        for (const cpu of CPUS) {
          const of = (text: string) => records(text).filter((one) => one.cpu === cpu);
          expect(of(a)).toHaveLength(14);
          expect(of(a)).toEqual(of(b));
          expect(of(a).map((one) => Object.keys(one))).toEqual(of(b).map((one) => Object.keys(one)));
        }
        if (flags.length === 1) for (const line of a.trim().split('\n').slice(0, -1)) JSON.parse(line.slice(1));
      });

      test('pretty JSON of one CPU, to the byte', async () => {
        const pipes = await both(['-p'], ['cpu', '0', 'index', '0'], { place: 0 });
        write({ count: 3, place: 0 });
        const [a, b] = await ended(pipes);
        expect(withoutTimes(a)).toBe(withoutTimes(b));
      });

      test.each([
        ['cpu', '1', 'index', '7'],
        ['index', '7', 'cpu', '0x1'],
        ['i', '7', 'c', '1'],
      ])('one CPU at a place of the map: %s %s %s %s', async (...words) => {
        const pipes = await both([], words, { place: 7 });
        write({ cpu: 1, place: 7, count: 3 });
        expect(writer.write({ cpu: 0, place: 7 })).toBe(EOPNOTSUPP); // an event of another CPU
        expect(writer.write({ cpu: 1 })).toBe(ENOENT);
        const [a, b] = await ended(pipes);
        expect(blocks(a)).toHaveLength(3);
        expect(a).toContain(' CPU: 1 index: 7 =====');
        expect(blocks(a)).toEqual(blocks(b));
      });

      test('what is lost, and how much', async () => {
        for (const flags of [[], ['-j']]) {
          const pipes = await both(flags);
          for (const { process } of [pipes.our, pipes.their]) process.kill('SIGSTOP');
          await pause(100);
          writer.write({ size: 1000, count: 400 });
          for (const { process } of [pipes.our, pipes.their]) process.kill('SIGCONT');
          await pause(500);
          write({ count: 1, first: 9999 });
          const [a, b] = await ended(pipes);
          if (flags.length === 0) {
            expect(a).toMatch(/^lost 337 events$/m);
            expect(blocks(a)).toEqual(blocks(b));
          } else {
            const shown = records(a).map(({ lost, ...rest }) => ({ ...rest, lost: lost?.count }));
            expect(shown).toHaveLength(63 + 2);
            expect(shown.at(-2)).toEqual({ type: 2, cpu: 0, index: 0, lost: 337 });
            expect(shown).toEqual(records(b).map(({ lost, ...rest }) => ({ ...rest, lost: lost?.count })));
          }
        }
      });

      test('nothing at all', async () => {
        for (const flags of [[], ['-j'], ['-p']]) {
          const [a, b] = await ended(await both(flags));
          expect(flags.length === 0 ? a : JSON.parse(a)).toEqual(flags.length === 0 ? b : JSON.parse(b));
        }
      });

      /** Ours alone, when it reads every CPU. */
      const alone = async (running: Running) => {
        while (!CPUS.every((cpu) => writer.readers({ cpu }) === 1)) await pause(20);
        return running;
      };

      test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it, and takes it out of a map that would keep it', async (signal) => {
        const running = await alone(start(['map', 'event_pipe', 'id', writer.id('pipe_a')]));
        writer.write();
        await running.saw('==');
        expect(await running.end(signal)).toMatchObject({ status: 0, stderr: '' });
        expect(CPUS.map((cpu) => writer.readers({ cpu }))).toEqual(CPUS.map(() => 0));
      });

      test('a reader that goes away ends it', async () => {
        const running = await alone(start(['map', 'event_pipe', 'id', writer.id('pipe_a')]));
        running.process.stdout?.destroy();
        writer.write();
        expect(await new Promise((resolve) => running.process.on('exit', resolve))).toBe(0);
        expect(writer.readers()).toBe(0);
      });

      test.each<[readonly string[], number, string]>([
        [['id', 'RING'], 1, 'map is not a perf event array: a_ring is of type ringbuf'],
        [['id', 'RING'], 1, 'loaded.ring(name).records()'],
        [['id', 'PIPE', 'cpu', '0'], 2, 'cpu and index must be specified together'],
        [['id', 'PIPE', 'index', '0'], 2, 'cpu and index must be specified together'],
        [['id', 'PIPE', 'cpu', 'x', 'index', '0'], 2, "can't parse x as CPU ID"],
        [['id', 'PIPE', 'cpu'], 2, "CPU ID is missing after 'cpu'"],
        [['id', 'PIPE', 'every'], 2, "expected cpu or index, got 'every'"],
        [['id', 'PIPE', 'cpu', '0', 'index', '9999'], 1, 'The index is past the end of the map'],
        [['id', 'PIPE', 'cpu', '9999', 'index', '0'], 1, 'There is no such CPU'],
      ])('%j is refused', (words, status, message) => {
        const ids: Readonly<Record<string, string>> = { RING: writer.id('a_ring'), PIPE: writer.id('pipe_a') };
        const said = ['map', 'event_pipe', ...words.map((word) => ids[word] ?? word)];
        const failed = tsbpf(said);
        expect(failed).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(message) });
        const { stdout, status: jsonStatus } = tsbpf([...said, '--json']);
        expect([jsonStatus, Object.keys(JSON.parse(stdout))]).toEqual([status, ['error']]);
        expect(bpftool(...said).status).not.toBe(0);
      });
    });
  });

  describeWithKernel('maps that are made', () => {
    const PIN = `/sys/fs/bpf/tsbpf-map-${process.pid}`;
    const paths = ['a', 'b', 'inner', 'outer'].map((name) => `${PIN}-${name}`) as [string, string, string, string];
    const [ourPath, theirPath, inner, outer] = paths;
    const clear = () => {
      for (const path of paths) rmSync(path, { force: true });
    };
    beforeEach(clear);
    afterEach(clear);
    const must = (...args: string[]) => {
      const { status, stdout, stderr } = tsbpf(['map', ...args]);
      expect({ args, status, stdout, stderr }).toEqual({ args, status: 0, stdout: '', stderr: '' });
    };
    /** What differs of any two maps. */
    const shown = (path: string) => {
      const { id, pids, ...rest } = JSON.parse(bpftool('-j', 'map', 'show', 'pinned', path).stdout);
      return rest;
    };

    test.each([
      'type hash key 4 value 8 entries 10 name a_hash',
      'type hash key 4 value 8 entries 10 name a_hash flags 1',
      'type array key 4 value 0x10 entries 3 name an_array flags 0x80',
      'type queue value 4 entries 3 name a_queue',
      'type percpu_array key 4 value 8 entries 3 name per_cpu',
      'type lpm_trie key 8 value 1 entries 255 flags 1 name a.trie',
      'type ringbuf key 0 value 0 entries 4096 name ring',
      'type perf_event_array key 4 value 4 entries 2 name events',
      'type prog_array key 4 value 4 entries 2 name calls',
      'type devmap_hash key 4 value 4 entries 2 name devices',
      'type bloom_filter value 8 entries 100 name bloom',
      't lru_hash k 4 v 4 e 7 f 0 n short_words',
      'n backwards e 2 v 8 k 4 t stack_trace',
    ])('create %s', (words) => {
      const args = words.split(' ');
      must('create', ourPath, ...args);
      expect(bpftool('map', 'create', theirPath, ...args).status).toBe(0);
      expect(shown(ourPath)).toEqual(shown(theirPath));
    });

    test('create with a map inside', () => {
      must('create', inner, 'type', 'array', 'key', '4', 'value', '4', 'entries', '2', 'name', 'inner');
      const words = [
        'type',
        'hash_of_maps',
        'key',
        '4',
        'value',
        '4',
        'entries',
        '3',
        'name',
        'outer',
        'inner_map',
        'pinned',
        inner,
      ];
      expect(tsbpf(['map', 'create', ourPath, ...words, '-j']).stdout).toBe('null\n');
      expect(bpftool('map', 'create', theirPath, ...words).status).toBe(0);
      expect(shown(ourPath)).toEqual(shown(theirPath));
    });

    test('a long name is cut, and that is said', () => {
      const words = 'type hash key 4 value 8 entries 10 name a_name_of_more_letters'.split(' ');
      const made = tsbpf(['map', 'create', ourPath, ...words]);
      expect(made).toMatchObject({
        status: 0,
        stdout: '',
        stderr: expect.stringContaining('the kernel keeps a_name_of_more_\n'),
      });
      bpftool('map', 'create', theirPath, ...words);
      expect(shown(ourPath)).toEqual(shown(theirPath));
    });

    test.each<[string, number, string]>([
      ['type foo key 4 value 4 entries 1 name a', 2, 'unrecognized map type: foo'],
      ['type hahs key 4 value 4 entries 1 name a', 2, 'Did you mean hash?'],
      ['type unspec key 4 value 4 entries 1 name a', 2, 'unrecognized map type: unspec'],
      ['type hash key 4 value 4 entries 1', 2, 'map name not specified'],
      ['key 4 value 4 entries 1 name a', 2, 'map type not specified'],
      ['type hash key 4 value 4 entries 1 name', 2, "a name is missing after 'name'"],
      ['type hash key 4 key 4 value 4 entries 1 name a', 2, 'key size already specified'],
      ['type hash type hash key 4 value 4 entries 1 name a', 2, 'map type already specified'],
      ['type hash key x value 4 entries 1 name a', 2, "can't parse x as key size"],
      ['type hash key 4 value 4 entries 1 name a-b', 2, "'a-b' cannot be the name of a map"],
      ['type hash key 4 value 4 entries 1 name a what', 2, "got 'what'"],
      ['type hash key 4 value 4 entries 1 name a offload_dev nowhere', 1, "unrecognized netdevice 'nowhere'"],
      ['type hash key 4 value 4 entries 1 name a inner_map id 4000000000', 1, 'There is no map'],
      ['type hash key 4 value 4 entries 0 name a', 1, 'at least 1 entry'],
      ['type hash_of_maps key 4 value 4 entries 1 name a', 1, 'of type hash_of_maps needs inner_map'],
    ])('create %s is refused', (words, status, message) => {
      const said = ['map', 'create', ourPath, ...words.split(' ')];
      expect(tsbpf(said)).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(message) });
      const { stdout } = tsbpf([...said, '-j']);
      expect(Object.keys(JSON.parse(stdout))).toEqual(['error']);
      expect(bpftool('map', 'show', 'pinned', ourPath).status).not.toBe(0);
      if (!words.includes('key 4 key')) expect(bpftool(...said).status).not.toBe(0);
    });

    test('a map that cannot be pinned is not made', () => {
      const words = 'type hash key 4 value 8 entries 10 name unpinned'.split(' ');
      const { status, stderr } = tsbpf(['map', 'create', '/tmp/tsbpf-nowhere', ...words]);
      expect([status, stderr]).toEqual([1, expect.stringContaining('BPF file system only')]);
      expect(tsbpf(['map', 'show', 'name', 'unpinned']).status).toBe(1);
    });

    test('what cannot be done is said, with what can', () => {
      must('create', ourPath, ...'type array key 4 value 4 entries 2 name an_array'.split(' '));
      must('create', inner, ...'type perf_event_array key 4 value 4 entries 2 name events'.split(' '));
      must('freeze', 'pinned', ourPath);
      const key = ['key', '0', '0', '0', '0'];
      const cases: readonly (readonly [readonly string[], number, string])[] = [
        [['update', 'pinned', ourPath, ...key, 'value', '1', '0', '0', '0'], 1, 'The map is frozen'],
        [['freeze', 'pinned', ourPath], 1, 'It is frozen already'],
        [['lookup', 'pinned', ourPath], 2, 'key hex 01 00 …'],
        [['update', 'pinned', ourPath, ...key], 2, 'value hex 01 00 …'],
        [['lookup', 'pinned', inner, ...key], 1, 'cannot be looked at'],
        [['event_pipe', 'pinned', ourPath], 1, 'is of type array'],
      ];
      for (const [words, status, message] of cases) {
        expect(tsbpf(['map', ...words])).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(message) });
        expect(bpftool('-j', 'map', ...words).status).not.toBe(0);
      }
      rmSync(ourPath);
      must('create', ourPath, ...'type array key 4 value 4 entries 2 name an_array'.split(' '));
      expect(tsbpf(['map', 'delete', 'pinned', ourPath, ...key]).stderr).toContain('set them to zero instead');
    });

    test('maps in maps: what bpftool shows, and below each id what is in that map', () => {
      must('create', inner, 'type', 'array', 'key', '4', 'value', '8', 'entries', '2', 'name', 'inner');
      must('create', outer, ...'type array_of_maps key 4 value 4 entries 3 name outer inner_map pinned'.split(' '), inner);
      must('update', 'pinned', outer, 'key', '1', '0', '0', '0', 'value', 'pinned', inner);
      must('update', 'pinned', inner, 'key', '1', '0', '0', '0', 'value', '7', '0', '0', '0', '0', '0', '0', '9');
      const { id } = JSON.parse(tsbpf(['map', 'show', 'pinned', inner, '-j']).stdout);
      const bytes = Buffer.from(Uint32Array.of(id).buffer)
        .toString('hex')
        .replaceAll(/(..)(?!$)/g, '$1 ');
      const line = `key: 01 00 00 00  inner_map_id: ${id} \n`;
      const below = [
        `\t${id}: array  name inner  flags 0x0`,
        '\tkey: 00 00 00 00  value: 00 00 00 00 00 00 00 00',
        '\tkey: 01 00 00 00  value: 07 00 00 00 00 00 00 09',
        '\tFound 2 elements',
        '',
      ].join('\n');
      const theirText = (text: string) => (hasInnerIds ? text : text.replace(`inner_map_id: ${id} `, `value: ${bytes}`));
      for (const words of [
        ['dump', 'pinned', outer],
        ['lookup', 'pinned', outer, 'key', '1', '0', '0', '0'],
      ]) {
        const found = words[0] === 'dump' ? 'Found 1 element\n' : '';
        expect(tsbpf(['map', ...words]).stdout).toBe(`${line}${below}${found}`);
        expect(bpftool('map', ...words).stdout).toBe(theirText(`${line}${found}`));
        const json = JSON.parse(tsbpf(['map', ...words, '-j']).stdout);
        const { inner_map, ...element } = words[0] === 'dump' ? json[0] : json;
        expect(inner_map).toMatchObject({ id, type: 'array', name: 'inner' });
        expect(inner_map.elements[1]).toEqual(JSON.parse(bpftool('-j', 'map', 'dump', 'pinned', inner).stdout)[1]);
        const theirs = JSON.parse(bpftool('-j', 'map', ...words).stdout);
        expect(words[0] === 'dump' ? theirs[0] : theirs).toEqual(
          hasInnerIds ? element : { key: element.key, value: element.value },
        );
      }
    });
  });

  test('help', () => {
    for (const noun of ['map', 'prog', 'link']) {
      const { status, stdout, stderr } = tsbpf([noun, 'help']);
      expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: tsbpf([noun, '--help']).stdout, stderr: '' });
      expect(tsbpf(['-j', noun, 'help']).stdout).toBe(bpftool('-j', noun, 'help').stdout);
    }
    // Every verb that bpftool's help has, ours has.
    const verbs = [...bpftool('map', 'help').stderr.matchAll(/^(?:Usage:)? +bpftool map (\{ show \| list \}|\w+)/gm)].flatMap(
      ([, verb = '']) => verb.match(/\w+/g) ?? [],
    );
    expect(verbs.length).toBeGreaterThan(14);
    for (const verb of verbs) expect(tsbpf(['map', 'help']).stdout).toContain(`tsbpf map ${verb}`);
  });
});
