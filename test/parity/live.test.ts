// What we print of objects in the kernel, against what bpftool prints of them in the same moment: JSON key by key, text line by line.
// Other processes have objects too, so only those that this test made are compared.

import { spawnSync } from 'node:child_process';
import { chownSync, closeSync, constants, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedObject, open } from '../../src/api/index.js';
import {
  elementJson,
  hexLines,
  type Json,
  linkJson,
  linkText,
  mapJson,
  mapText,
  progJson,
  progText,
  writeJson,
  xlatedJson,
  xlatedRows,
  xlatedText,
} from '../../src/live/index.js';
import {
  btfOfMap,
  elements,
  holders,
  linkInfo,
  mapInfo,
  mustBpf,
  openById,
  pinnedPaths,
  shownLink,
  shownMap,
  shownProg,
  walk,
  xlatedCode,
} from '../../src/syscall/index.js';
import { BPF_ATTACH_TYPE } from '../../src/uapi/enums.js';
import { type Finished, onTerminal, start, tsbpf } from '../support/cli.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { describeWithKernel, holdings } from '../support/kernel.js';

const bpftool = (...args: string[]): Finished => spawnSync('bpftool', args, { encoding: 'utf8', timeout: 60_000 });
const version = /^bpftool v([\d.]+)/.exec(bpftool('version').stdout ?? '')?.[1];
const missing = version === undefined ? 'no bpftool (apt-get install bpftool)' : undefined;
if (missing) console.warn(`the comparison of live objects is skipped: ${missing}`);

/**
 * What bpftool 7.1 does not print. `pids` needs its skeletons, which Debian's build lacks; `orphaned`, `inner_map_id`, `cookie` and `target_…` came
 * with later versions; the others are ours: the number of instructions that the verifier saw, names of what is hooked into, what is in
 * inner maps, the errno beside a message.
 */
const NEWER = new Set([
  'pids',
  'orphaned',
  'verified_insns',
  'attach_to',
  'inner_map_id',
  'inner_map',
  'prog_id',
  'errno',
  'cookie',
  'target_obj_id',
  'target_btf_id',
  'target_name',
]);

/** `ours` without newer keys that `theirs` does not have. */
function older(ours: unknown, theirs: unknown): unknown {
  if (Array.isArray(ours) && Array.isArray(theirs)) return ours.map((item, i) => older(item, theirs[i]));
  if (typeof ours !== 'object' || ours === null || typeof theirs !== 'object' || theirs === null || Array.isArray(ours))
    return ours;
  return Object.fromEntries(
    Object.entries(ours)
      .filter(([key]) => key in theirs || !NEWER.has(key))
      .map(([key, value]) => [key, older(value, (theirs as Record<string, unknown>)[key])]),
  );
}

/** bpftool 7.1 escapes a single quote, which no JSON reader takes. */
const parsed = (text: string): unknown => JSON.parse(text.replaceAll("\\'", "'"));

/** The kernel's words for an instruction came after bpftool 7.1: a move into this CPU's part of memory. */
const olderWords = (text: string): string => text.replaceAll(/r(\d) = &\(void __percpu \*\)\(r(\d)\)/g, 'r$1 = r$2');

/** @returns What our text holds, all of it. */
function compareJson(text: string, args: readonly string[]): unknown {
  const theirs = parsed(bpftool(...args).stdout);
  const ours = parsed(olderWords(text));
  expect(older(ours, theirs)).toEqual(theirs);
  expect(keysOf(older(ours, theirs))).toEqual(keysOf(theirs));
  return ours;
}
function sameJson(...args: string[]): unknown {
  const { stdout, stderr } = tsbpf([...args, '--json']);
  expect(stderr).toBe('');
  return compareJson(stdout, ['-j', ...args]);
}
/** Names in the order of the text. */
const keysOf = (value: unknown): string => JSON.stringify(value).replaceAll(/:("[^"]*"|[\d.-]+)/g, '');

/** bpftool 7.8 puts pointers in quotes, 7.1 does not. */
const olderPointers = (text: string): string => text.replaceAll(/"(0x[\da-f]+|\(nil\))"/g, '$1');

/** Lines that bpftool 7.1 does not print: those, and what is in the maps that are in a map, which is moved in by a tab. */
const NEWER_LINES = /^\t(pids|attach_to|target_obj_id|cookie) |^\t(?:\d+: |key: |value: |Found |\[?\{|\]| {4})/;
/** It shows the id of a map in a map as its bytes. */
const olderIds = (text: string): string =>
  text.replace(/inner_map_id: (\d+) $/gm, (_, id) => `value: ${hexLines(new Uint8Array(Uint32Array.of(Number(id)).buffer))}`);

function compareText(text: string, args: readonly string[]): Finished {
  const theirs = bpftool(...args);
  const lines = olderIds(olderWords(text))
    .split('\n')
    .filter((line) => !NEWER_LINES.test(line));
  expect(olderPointers(lines.join('\n'))).toBe(olderPointers(theirs.stdout));
  return theirs;
}
function sameText(...args: string[]): void {
  const { stdout, stderr, status } = tsbpf(args);
  expect(stderr).toBe('');
  expect(status === 0).toBe(compareText(stdout, args).status === 0);
}

interface Listed {
  readonly id: number;
  readonly name?: string;
  readonly type: string;
  readonly bytes_key?: number;
  readonly tag?: string;
  readonly btf_id?: number;
  readonly pids?: readonly { readonly pid: number }[];
}

describe.skipIf(missing !== undefined)(`live objects, as bpftool ${version} shows them`, () => {
  describeWithCompiler('of a compiled object', () => {
    describeWithKernel('in the kernel', () => {
      let loaded: LoadedObject;
      let folder: string;
      let object: string;
      const mine = new Map<'prog' | 'map' | 'link', readonly Listed[]>();
      const of = (kind: 'prog' | 'map' | 'link'): readonly Listed[] => mine.get(kind) ?? [];
      const id = (kind: 'prog' | 'map', name: string): string => String(of(kind).find((row) => row.name === name)?.id);
      const change = (...args: string[]) => {
        const { status, stdout, stderr } = tsbpf(['map', ...args]);
        expect({ args, status, stdout, stderr }).toEqual({ args, status: 0, stdout: '', stderr: '' });
      };

      beforeAll(() => {
        folder = mkdtempSync(join(tmpdir(), 'tsbpf-live-'));
        const source = join(import.meta.dirname, 'live.bpf.c');
        object = compilePart(source, 0, '-mcpu=v3', '-I/usr/include/x86_64-linux-gnu', '-I/usr/include/aarch64-linux-gnu');
        loaded = open(object).load();
        loaded.attach();
        for (const kind of ['prog', 'map', 'link'] as const) {
          const listed = JSON.parse(tsbpf([kind, 'list', '--json']).stdout) as Listed[];
          mine.set(
            kind,
            listed.filter(({ pids = [] }) => pids.some(({ pid }) => pid === process.pid)),
          );
        }
      }, 60_000);
      afterAll(() => {
        loaded?.close();
        rmSync(folder, { recursive: true, force: true });
      });

      test('all that this process holds is listed, with the process', () => {
        expect(of('map').length).toBeGreaterThanOrEqual(20);
        expect(of('prog').map(({ name }) => name)).toContain('a_packet_program_with_long_name');
        expect(of('link').length).toBe(3);
      });

      test.each(['prog', 'map', 'link'] as const)('%s show, one by one', (kind) => {
        const asked = { pids: new Map() };
        const shown = (fd: number): readonly [Json, string] => {
          if (kind === 'map') return [mapJson(shownMap(fd, asked)), mapText(shownMap(fd, asked))];
          if (kind === 'prog') return [progJson(shownProg(fd, asked)), progText(shownProg(fd, asked))];
          return [linkJson(shownLink(fd, asked)), linkText(shownLink(fd, asked))];
        };
        for (const { id: number } of of(kind)) {
          using opened = openById(kind, number);
          const [json, text] = shown(opened?.fd ?? -1);
          compareJson(writeJson(json), ['-j', kind, 'show', 'id', String(number)]);
          compareText(text, [kind, 'show', 'id', String(number)]);
        }
        sameJson(kind, 'show', 'id', String(of(kind)[0]?.id));
        sameText(kind, 'show', 'id', String(of(kind)[0]?.id));
      });

      test.each(['prog', 'map', 'link'] as const)('%s list', (kind) => {
        const ids = new Set(of(kind).map((row) => row.id));
        const only = (text: string) => (parsed(text) as Listed[]).filter((row) => ids.has(row.id));
        const [theirs, ours] = [only(bpftool('-j', kind, 'list').stdout), only(tsbpf(['-j', kind, 'list']).stdout)];
        // bpftool 7.1 asks with the answer for the map before, and so gives a map without types that map's btf_id.
        const compared = theirs.map((row, i) => {
          const { btf_id, ...rest } = row;
          return kind === 'map' && ours[i]?.btf_id === undefined ? rest : row;
        });
        expect(older(ours, compared)).toEqual(compared);
      });

      test('btf list, with who holds it; btf dump of what programs and maps brought', () => {
        const brought = Number(of('map').find(({ name }) => name === 'm_hash')?.btf_id);
        expect(JSON.parse(tsbpf(['btf', 'list', 'id', String(brought), '-j']).stdout)).toMatchObject({
          id: brought,
          map_ids: expect.arrayContaining([Number(id('map', 'm_hash'))]),
          pids: [{ pid: process.pid }],
        });
        sameJson('btf', 'show', 'id', String(brought));
        sameText('btf', 'show', 'id', String(brought));
        const tag = String(of('prog').find(({ name }) => name === 'a_call')?.tag);
        for (const words of [
          ['map', 'name', 'm_hash'],
          ['map', 'name', 'm_hash', 'key'],
          ['m', 'id', id('map', 'm_hash'), 'val', 'form', 'raw'],
          ['map', 'name', 'm_hash', 'all'],
          ['prog', 'name', 'a_packet_program_with_long_name'],
          ['prog', 'tag', tag, 'format', 'raw'],
          ['id', String(brought)],
        ])
          sameText('btf', 'dump', ...words);
      });

      test('by name and by tag, and with verbs cut short', () => {
        sameJson('map', 'show', 'name', 'm_raw');
        sameText('prog', 'show', 'name', 'a_packet_program_with_long_name');
        sameText('prog', 'sh', 'tag', String(of('prog')[0]?.tag));
        expect(tsbpf(['m', 'l']).stdout).toContain('name m_hash  ');
      });

      test('prog dump xlated, plain, with opcodes and with lines', () => {
        for (const { id: number } of of('prog')) {
          using opened = openById('prog', number);
          const rows = xlatedRows(xlatedCode(opened?.fd ?? -1));
          for (const option of ['', 'opcodes', 'linum']) {
            const words = ['prog', 'dump', 'xlated', 'id', String(number), ...(option ? [option] : [])];
            const options = { opcodes: option === 'opcodes', linum: option === 'linum' };
            compareText(xlatedText(rows, options), words);
            compareJson(writeJson(xlatedJson(rows, options)), ['-j', ...words]);
          }
        }
        sameText('prog', 'dump', 'x', 'id', id('prog', 'a_call'), 'opc');
        sameJson('prog', 'dump', 'xlated', 'id', id('prog', 'a_call'), 'linum');
      }, 60_000);

      test('a line of C with an escape reaches a pipe, as from bpftool, and no terminal', () => {
        const source = join(folder, 'escape.bpf.c');
        const line = 'int an_escape(struct __sk_buff *skb) { return 2; /* \u001b[31m \u009b */ }';
        writeFileSync(
          source,
          `#define SEC(name) __attribute__((section(name), used))\nstruct __sk_buff;\nSEC("socket") ${line}\n`,
        );
        using _loaded = open(compilePart(source, 0)).load();
        for (const form of ['xlated', 'jited']) {
          const words = ['prog', 'dump', form, 'name', 'an_escape'];
          expect(tsbpf(words).stdout).toContain(line);
          const shown = onTerminal(words);
          expect(shown).toContain('/* ?[31m ? */');
          expect(shown).not.toContain('\u001b');
        }
        sameText('prog', 'dump', 'xlated', 'name', 'an_escape');
      });

      test('prog dump to a file', () => {
        const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
        const number = id('prog', 'a_packet_program_with_long_name');
        for (const form of ['xlated', 'jited']) {
          expect(tsbpf(['prog', 'dump', form, 'id', number, 'file', ours])).toEqual(
            expect.objectContaining({ status: 0, stderr: '' }),
          );
          if (form === 'jited') continue; // Debian's bpftool refuses to touch machine code that it could not disassemble
          expect(bpftool('prog', 'dump', form, 'id', number, 'file', theirs).status).toBe(0);
          expect(readFileSync(ours).equals(readFileSync(theirs))).toBe(true);
        }
      });

      test('prog dump jited has each function, with its lines', () => {
        const dump = JSON.parse(tsbpf(['prog', 'dump', 'jited', 'name', 'a_packet_program_with_long_name', '--json']).stdout);
        expect(dump.length).toBe(3);
        expect(dump[0].proto).toBe('int a_packet_program_with_long_name(struct __sk_buff * skb)');
        expect(dump[0].name).toMatch(/^bpf_prog_[\da-f]{16}_a_packet/);
        const first = dump[0].insns[0] as { pc: string; src: string; opcodes: string[] };
        expect(first).toMatchObject({ pc: '0x0', src: 'int a_packet_program_with_long_name(struct __sk_buff *skb) {' });
      });

      test('update takes bytes and JSON, and what it wrote is read back the same by both', () => {
        const hash = id('map', 'm_hash');
        const point = `{"x":-5,"y":7,"name":"it's","on":true,"color":"GREEN","low":5,"high":99,"wide":1152921504606846977,"where":4}`;
        change('update', 'id', hash, 'key', '1', 'value', point);
        change('update', 'id', hash, 'key', '2', 'value', '{"name":[200,1,2,3,4,5,6,7],"color":77,"":{"wide":3}}');
        change('update', 'id', hash, 'key', 'hex', 'ff', 'ff', 'ff', 'ff', 'value', 'hex', ...Array(40).fill('ab'), 'noexist');
        change('update', 'id', id('map', 'm_lru'), 'key', '5000000000', 'value', '-3');
        change('update', 'id', id('map', 'm_pchash'), 'key', '1', 'value', '{"x":4}');
        change('update', 'id', id('map', 'm_pcarray'), 'key', '1', 'value', '12');
        change('update', 'id', id('map', 'm_lrupc'), 'key', '9', 'value', '13', 'any');
        change('update', 'id', id('map', 'm_lpm'), 'key', '{"prefix":24,"address":[10,0,1,0]}', 'value', '1');
        change('update', 'id', id('map', 'm_lpm'), 'key', '{"prefix":16,"address":"0a000000"}', 'value', '2');
        change('upd', 'id', id('map', 'm_raw'), 'key', '1', '0', '0', '0', 'val', 'hex', '1', '2', '3', '4', '5', '6', '7', '8');
        change('upd', 'id', id('map', 'm_long'), 'key', ...Array(20).fill('7'), 'val', ...Array(40).fill('0x9'));
        change('upd', 'id', id('map', 'm_rawpc'), 'key', '1', 'val', ...Array(20).fill('1'));
        change('update', 'id', id('map', 'm_progs'), 'key', '2', 'value', 'id', id('prog', 'a_packet_program_with_long_name'));
        change('update', 'id', id('map', 'm_hmaps'), 'key', '7', '0', '0', '0', 'value', 'id', id('map', 'm_inner'));
        change('update', 'id', id('map', 'm_inner'), 'key', '1', 'value', '99');
        const data = of('map').find(({ name }) => name?.endsWith('.data'))?.id;
        change('update', 'id', String(data), 'key', '0', 'value', '{"counter":-2}');
        for (const n of ['1', '2', '3']) {
          change('push', 'id', id('map', 'm_stack'), 'value', n, ...Array(7).fill('0'));
          change('enqueue', 'id', id('map', 'm_queue'), 'value', n, '0', '0', '0');
        }
        for (const { id: number, bytes_key } of of('map')) {
          if (bytes_key === 0) continue;
          using opened = openById('map', number);
          const info = mapInfo(opened?.fd ?? -1);
          const btf = btfOfMap(info);
          const found = [...elements(opened?.fd ?? -1, info)];
          const json = found.flatMap((element) => elementJson(info, element, btf ? { btf } : {}) ?? []);
          compareJson(writeJson(json), ['-j', 'map', 'dump', 'id', String(number)]);
          if (!btf || info.name === 'm_hash') sameText('map', 'dump', 'id', String(number));
        }
        expect(bpftool('map', 'dump', 'id', String(data)).stdout).toContain('"counter": -2');
        // bpftool wrote nothing itself so far: its reading of what we wrote is the proof.
        expect(bpftool('map', 'lookup', 'id', hash, 'key', '1', '0', '0', '0').stdout).toContain('"wide": 1152921504606846977');
      }, 120_000);

      test('--pretty has the same lines', () => {
        expect(tsbpf(['map', 'dump', 'id', id('map', 'm_lpm'), '-p']).stdout).toBe(
          bpftool('-p', 'map', 'dump', 'id', id('map', 'm_lpm')).stdout,
        );
        expect(tsbpf(['-p', 'map', 'dump', 'id', id('map', 'm_rawpc')]).stdout).toBe(
          bpftool('-p', 'map', 'dump', 'id', id('map', 'm_rawpc')).stdout,
        );
      });

      test('a map of maps shows what is in them', () => {
        const dump = JSON.parse(tsbpf(['map', 'dump', 'id', id('map', 'm_hmaps'), '-j']).stdout);
        expect(dump[0]).toMatchObject({ inner_map_id: Number(id('map', 'm_inner')), inner_map: { name: 'm_inner' } });
        expect(dump[0].inner_map.elements[1].formatted).toEqual({ key: 1, value: 99 });
        const inner = id('map', 'm_inner');
        const typed = bpftool('map', 'dump', 'id', inner).stdout.replaceAll(/^(?=.)/gm, '\t');
        expect(tsbpf(['map', 'dump', 'id', id('map', 'm_hmaps')]).stdout).toBe(
          `key: 07 00 00 00  inner_map_id: ${inner} \n\t${inner}: array  name m_inner  flags 0x0\n${typed}Found 1 element\n`,
        );
      });

      test('lookup, getnext, peek', () => {
        const cases = [
          ['lookup', 'm_hash', 'key', '1', '0', '0', '0'],
          ['lookup', 'm_hash', 'key', '9', '0', '0', '0'],
          ['lookup', 'm_raw', 'key', '1', '0', '0', '0'],
          ['lookup', 'm_pchash', 'key', '1', '0', '0', '0'],
          ['lookup', 'm_rawpc', 'key', '1', '0', '0', '0'],
          ['lookup', 'm_hmaps', 'key', 'hex', '07', '0', '0', '0'],
          ['lookup', 'm_lpm', 'key', '32', '0', '0', '0', '10', '0', '1', '7'],
          ['getnext', 'm_array', 'key', '0', '0', '0', '0'],
          ['getnext', 'm_array'],
          ['peek', 'm_queue'],
          ['peek', 'm_stack'],
        ];
        for (const [verb = '', map = '', ...words] of cases) {
          sameJson('map', verb, 'id', id('map', map), ...words);
          sameText('map', verb, 'id', id('map', map), ...words);
        }
        expect(tsbpf(['map', 'lookup', 'id', id('map', 'm_hash'), 'key', '9']).status).toBe(1);
        expect(tsbpf(['map', 'getnext', 'id', id('map', 'm_array'), 'key', '2']).stderr).toContain('This is the last one');
      }, 60_000);

      test('pop, dequeue, delete and freeze', () => {
        expect(tsbpf(['map', 'pop', 'id', id('map', 'm_stack')]).stdout).toBe('value: 03 00 00 00 00 00 00 00\n');
        expect(tsbpf(['map', 'dequeue', 'id', id('map', 'm_queue')]).stdout).toBe('value: 01 00 00 00\n');
        const hash = tsbpf(['map', 'pop', 'id', id('map', 'm_raw')]);
        expect(hash).toMatchObject({ status: 1, stderr: expect.stringContaining('Queues and stacks can be popped from') });
        change('delete', 'id', id('map', 'm_raw'), 'key', '1', '0', '0', '0');
        const again = tsbpf(['map', 'delete', 'id', id('map', 'm_raw'), 'key', '1', '0', '0', '0']);
        expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('There is no such key') });
        change('freeze', 'id', id('map', 'm_long'));
        sameText('map', 'show', 'id', id('map', 'm_long'));
      });

      test('prog run gives packets and contexts', () => {
        writeFileSync(
          join(folder, 'packet'),
          Uint8Array.from({ length: 64 }, (_, i) => i),
        );
        writeFileSync(join(folder, 'context'), Uint8Array.of(41, 0, 0, 0));
        const steady = ['prog', 'run', 'id', id('prog', 'a_packet_program_with_long_name'), 'data_in', join(folder, 'packet')];
        const dump = (text: string) => text.split('\n').slice(0, 4);
        expect(dump(tsbpf([...steady, 'data_out', '-']).stdout)).toEqual(dump(bpftool(...steady, 'data_out', '-').stdout));
        expect(JSON.parse(tsbpf([...steady, 'data_out', '-', 'repeat', '3', '-j']).stdout).data_out).toHaveLength(64);
        const call = tsbpf(['prog', 'run', 'id', id('prog', 'a_call'), 'ctx_in', join(folder, 'context')]);
        expect(call.stdout).toMatch(/^Return value: 42, duration: \d+ns\n$/);
        expect(tsbpf([...steady, 'data', 'x']).status).toBe(2);
      });

      test('who may use a map, but not read its types, gets bytes and says bytes; the same of a program', () => {
        const path = `/sys/fs/bpf/tsbpf-live-${process.pid}-bytes`;
        const as = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=+bpf', '--ambient-caps=+bpf'];
        const missing = { status: 0, stderr: expect.stringContaining('EPERM') };
        const tool = (...args: string[]) => tsbpf(args, { as });
        try {
          for (const [kind, name] of [
            ['map', 'm_lru'],
            ['map', 'm_hmaps'],
            ['prog', 'a_packet_program_with_long_name'],
          ] as const) {
            expect(tsbpf([kind, 'pin', 'id', id(kind, name), `${path}-${name}`])).toMatchObject({ status: 0, stderr: '' });
            chownSync(`${path}-${name}`, 65534, 65534);
          }
          const lru = (verb: string, ...words: string[]) => tool('map', verb, 'pinned', `${path}-m_lru`, ...words);
          const key = ['key', ...Array(8).fill('9')];
          const written = lru('update', ...key, 'value', ...Array(4).fill('1'));
          expect(written).toMatchObject({ status: 0, stderr: '' });
          const found = lru('lookup', ...key);
          expect(found).toMatchObject({ ...missing, stdout: expect.stringContaining('value: 01 01 01 01') });
          const dumped = JSON.parse(lru('dump', '-j').stdout);
          expect(dumped[0].formatted).toBeUndefined();
          expect(lru('delete', ...key)).toMatchObject({ status: 0, stderr: '' });
          const typed = lru('update', 'key', '1', 'value', '2');
          expect(typed).toMatchObject({ status: 1, stderr: expect.stringContaining('EPERM') });
          expect(tool('map', 'dump', 'pinned', `${path}-m_hmaps`)).toMatchObject({
            status: 0,
            stdout: expect.stringContaining('inner_map_id: '),
          });
          expect(tool('prog', 'dump', 'xlated', 'pinned', `${path}-a_packet_program_with_long_name`)).toMatchObject({
            status: 0,
            stderr: expect.stringContaining('CAP_SYS_ADMIN'),
            stdout: expect.stringMatching(/^ {3}0: \(/),
          });
        } finally {
          for (const name of ['m_lru', 'm_hmaps', 'a_packet_program_with_long_name']) rmSync(`${path}-${name}`, { force: true });
        }
      }, 60_000);

      test('pin and --bpffs', () => {
        const path = `/sys/fs/bpf/tsbpf-live-${process.pid}`;
        try {
          expect(tsbpf(['map', 'pin', 'id', id('map', 'm_raw'), `${path}-m`])).toMatchObject({ status: 0, stderr: '' });
          expect(tsbpf(['prog', 'pin', 'id', id('prog', 'a_call'), `${path}-p`, '-j']).stdout).toBe('null\n');
          expect(tsbpf(['link', 'pin', 'id', String(of('link')[0]?.id), `${path}-l`]).status).toBe(0);
          const flags = ['-j', '-f'];
          const theirs = parsed(bpftool(...flags, 'map', 'show', 'id', id('map', 'm_raw')).stdout);
          const ours = parsed(tsbpf(['map', 'show', 'id', id('map', 'm_raw'), ...flags]).stdout);
          // bpftool names a path once for each BPF file system that is mounted there.
          const { pinned } = theirs as { pinned: string[] };
          expect(older(ours, theirs)).toEqual({ ...(theirs as object), pinned: [...new Set(pinned)] });
          expect(ours).toMatchObject({ pinned: [`${path}-m`] });
          sameText('map', 'show', 'pinned', `${path}-m`);
          sameText('prog', 'show', 'pinned', `${path}-p`);
          expect(tsbpf(['link', 'show', 'pinned', `${path}-l`, '-f']).stdout).toContain(`\n\tpinned ${path}-l\n`);
          expect(tsbpf(['map', 'show', 'pinned', `${path}-p`])).toMatchObject({
            status: 1,
            stderr: expect.stringContaining('is a prog, not a map'),
          });
          expect(tsbpf(['map', 'pin', 'id', id('map', 'm_raw'), `${path}-m`]).stderr).toContain('EEXIST');
        } finally {
          for (const kind of ['m', 'p', 'l']) rmSync(`${path}-${kind}`, { force: true });
        }
      }, 60_000);

      test('where no BPF file system is mounted, pinning mounts it, unless --nomount', () => {
        const elsewhere = ['unshare', '-m', 'sh', '-c', 'while umount /sys/fs/bpf 2>/dev/null; do :; done; exec "$@"', 'sh'];
        const pin = ['map', 'pin', 'id', id('map', 'm_raw'), `/sys/fs/bpf/tsbpf-live-${process.pid}-x`];
        expect(tsbpf([...pin, '-n'], { as: elsewhere })).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('--nomount'),
        });
        expect(tsbpf(pin, { as: elsewhere })).toMatchObject({ status: 0, stderr: '' });
        expect(tsbpf(['map', 'pin', 'id', id('map', 'm_raw'), '/tmp/nowhere']).stderr).toContain('BPF file system only');
      });

      test('prog stats: one JSON line for each look, and Ctrl-C is a good end', async () => {
        const { status, stdout, stderr } = tsbpf([
          'prog',
          'stats',
          'name',
          'on_switch',
          '--json',
          '--interval',
          '0.2',
          '--count',
          '2',
        ]);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        const looks = stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
        expect(looks).toHaveLength(2);
        expect(looks[1].progs[0]).toMatchObject({ name: 'on_switch', type: 'raw_tracepoint' });
        expect(looks[1].progs[0].run_cnt).toBeGreaterThan(0);
        const running = start(['prog', 'stats', 'name', 'on_switch']);
        await running.saw('on_switch');
        const endless = await running.end('SIGINT');
        expect(endless).toMatchObject({ status: 0, stderr: '' });
        expect(endless.stdout).toMatch(/^ *ID {2}TYPE +NAME/);
      });

      /** Of cgroup v2, which this machine may not have mounted anywhere; then it is, for a moment. */
      const mounted = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
      test('links to a device and to a group of processes', () => {
        const groups = mounted ?? join(folder, 'cgroup');
        if (mounted === undefined) {
          mkdirSync(groups);
          expect(spawnSync('mount', ['-t', 'cgroup2', 'none', groups]).status).toBe(0);
        }
        const group = openSync(groups, constants.O_RDONLY | constants.O_DIRECTORY);
        const made: number[] = [];
        try {
          for (const [name, target_fd, type, flags] of [
            ['let_pass', 1, BPF_ATTACH_TYPE.BPF_XDP, 2], // lo, in the generic mode that every device has
            ['let_go', group, BPF_ATTACH_TYPE.BPF_CGROUP_INET_EGRESS, 0],
          ] as const) {
            using prog = openById('prog', Number(id('prog', name)));
            const attr = { prog_fd: prog?.fd ?? -1, target_fd, attach_type: type, flags };
            made.push(mustBpf('BPF_LINK_CREATE', attr, 'Cannot make a link').result);
          }
          const [xdp, cgroup] = made.map((fd) => linkInfo(fd).id) as [number, number];
          sameText('link', 'show', 'id', String(cgroup));
          sameJson('link', 'show', 'id', String(cgroup));
          // bpftool 7.1 knows of the device of such a link nothing at all.
          expect(tsbpf(['link', 'show', 'id', String(xdp)]).stdout).toContain('\n\tifindex lo(1)  \n');
          expect(JSON.parse(tsbpf(['link', 'show', 'id', String(xdp), '-j']).stdout)).toMatchObject({
            devname: 'lo',
            ifindex: 1,
          });
          expect(tsbpf(['link', 'detach', 'id', String(xdp)])).toMatchObject({ status: 0, stdout: '', stderr: '' });
          expect(tsbpf(['link', 'show', 'id', String(xdp)]).stdout).toContain('ifindex (detached)');
        } finally {
          for (const fd of [group, ...made]) closeSync(fd);
          if (mounted === undefined) spawnSync('umount', [groups]);
        }
      });

      test('several of one name', () => {
        using _again = open(object).load();
        sameJson('map', 'show', 'name', 'm_lpm');
        sameText('map', 'show', 'name', 'm_raw');
        sameJson('map', 'dump', 'name', 'm_raw');
        sameText('map', 'dump', 'name', 'm_raw');
        sameJson('map', 'dump', 'name', 'm_lpm');
        sameText('map', 'dump', 'name', 'm_lpm');
        sameText('prog', 'show', 'name', 'walk_maps');
        sameJson('prog', 'dump', 'xlated', 'name', 'walk_maps');
        sameText('prog', 'dump', 'xlated', 'name', 'walk_maps');
        expect(tsbpf(['map', 'lookup', 'name', 'm_raw', 'key', '1', '0', '0', '0'])).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('several maps match this handle'),
        });
      }, 60_000);

      test('what is not there, not meant or not allowed', () => {
        expect(tsbpf(['prog', 'show', 'id', '4000000000'])).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('There is no prog'),
        });
        expect(tsbpf(['map', 'dump', 'id', id('map', 'm_queue')]).stderr).toContain('peek shows the next value');
        expect(tsbpf(['map', 'lookup', 'id', id('map', 'm_hash'), 'key', '1', '2'])).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('key expected 4 bytes got 2'),
        });
        const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
        const denied = tsbpf(['map', 'list', '--json'], { as: nobody });
        expect(denied.status).toBe(1);
        expect(JSON.parse(denied.stdout)).toMatchObject({ error: { errno: 'EPERM', remedy: expect.stringContaining('root') } });
      });

      test('link detach, where links can be detached', () => {
        const link = of('link').find(({ type }) => type === 'raw_tracepoint');
        const { status, stderr } = tsbpf(['link', 'detach', 'id', String(link?.id)]);
        expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('nobody holds them') });
      });
    });
  });

  describeWithKernel('in one process', () => {
    test('looking at everything leaves no descriptor behind', () => {
      using _loaded = open(join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o')).load();
      const look = () => {
        const asked = { pids: holders('prog'), pinned: pinnedPaths('prog') };
        for (const { fd } of walk('map')) shownMap(fd, asked);
        for (const { fd } of walk('prog')) shownProg(fd, asked);
        for (const { fd } of walk('link')) shownLink(fd, asked);
        for (const { fd } of walk('prog')) {
          xlatedCode(fd);
          break;
        }
      };
      look(); // koffi and the kernel's types stay
      const before = holdings().fds;
      look();
      expect(holdings().fds).toEqual(before);
    });
  });
});
