// Types as C and raw, next to bpftool's: this kernel's, an object's, compiled shapes, split BTF. TSBPF_BPFTOOL names another bpftool.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type Btf, type BtfTypeInput, type CDumpOptions, dumpC, dumpJson, dumpRaw, encodeBtf } from '../../src/btf/index.js';
import { TextSink } from '../../src/bytes/index.js';
import { FormatError } from '../../src/errors.js';
import { readWholeBtf } from '../../src/syscall/index.js';
import { INT, int, proto, ptr, struct, typedef } from '../support/btf-types.js';
import { tsbpf } from '../support/cli.js';
import { SEED } from '../support/seed.js';

const BPFTOOL = process.env.TSBPF_BPFTOOL ?? 'bpftool';
const KERNEL = '/sys/kernel/btf/vmlinux';
const FIXTURES = join(import.meta.dirname, '../../fixtures');
const SHAPES = join(import.meta.dirname, 'btf-shapes.c');

const versionText = spawnSync(BPFTOOL, ['version'], { encoding: 'utf8' }).stdout ?? '';
const [, major = '0', minor = '0'] = /v(\d+)\.(\d+)/.exec(versionText) ?? [];
const version = Number(major) * 100 + Number(minor);
/** Since 7.5 types are sorted, and kernel functions are printed; the frame and details changed up to 7.6. */
const IS_NEW = version >= 706;
const missing = version === 0 ? `no ${BPFTOOL} (apt-get install bpftool)` : undefined;

const folder = mkdtempSync(join(tmpdir(), 'tsbpf-dump-'));
afterAll(() => rmSync(folder, { recursive: true }));

const theirs = (args: readonly string[]): string => {
  const { stdout, stderr, status } = spawnSync(BPFTOOL, args, { maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`bpftool ${args.join(' ')}: ${stderr}`);
  return stdout.toString();
};
function ours(write: (out: TextSink) => void): string {
  const out = new TextSink();
  write(out);
  return out.text();
}

/** What an older bpftool has of a C dump: the definitions, without what it does not know around them. */
const definitions = (text: string): string =>
  text
    .replace(/^#ifndef __(ksym|weak|bpf_fastcall)\n(?:#(?!endif).*\n)*(?:#endif\n)+\n/gm, '')
    .replace(/\n\/\* BPF kfuncs \*\/\n[\s\S]*?#endif\n\n/, '');

/** Compared whole where bpftool is new; else by what both have, in the order of ids. */
function sameC(btf: Btf, file: string, words: readonly string[] = [], options: CDumpOptions = {}): void {
  if (IS_NEW) {
    expect(ours((out) => dumpC(btf, out, options)) === theirs([...words, 'btf', 'dump', 'file', file, 'format', 'c'])).toBe(true);
    const unsorted = theirs([...words, 'btf', 'dump', 'file', file, 'format', 'c', 'unsorted']);
    expect(ours((out) => dumpC(btf, out, { ...options, unsorted: true })) === unsorted).toBe(true);
    return;
  }
  const mine = definitions(ours((out) => dumpC(btf, out, { ...options, unsorted: true })));
  expect(firstDifference(mine, theirs([...words, 'btf', 'dump', 'file', file, 'format', 'c']))).toEqual([]);
}
function sameRaw(btf: Btf, file: string, words: readonly string[] = []): void {
  expect(ours((out) => dumpRaw(btf, out)) === theirs([...words, 'btf', 'dump', 'file', file])).toBe(true);
  expect(ours((out) => dumpJson(btf, out)) === theirs([...words, '-j', 'btf', 'dump', 'file', file])).toBe(true);
  expect(ours((out) => dumpJson(btf, out, { pretty: true })) === theirs([...words, '-p', 'btf', 'dump', 'file', file])).toBe(
    true,
  );
}
/** Where two texts part, a few lines of each: a diff of megabytes helps nobody. */
function firstDifference(a: string, b: string): string[] {
  if (a === b) return [];
  const [mine, other] = [a.split('\n'), b.split('\n')];
  const at = mine.findIndex((line, i) => line !== other[i]);
  return [`ours, line ${at + 1}: ${mine.slice(at, at + 5).join('\n')}`, `theirs: ${other.slice(at, at + 5).join('\n')}`];
}

function compile(name: string, command: string, flags: readonly string[]): string | undefined {
  const object = join(folder, name);
  const { status } = spawnSync(command, [...flags, '-g', '-O1', '-c', SHAPES, '-o', object]);
  return status === 0 ? object : undefined;
}

if (missing) console.warn(`tests against bpftool are skipped: ${missing}`);
describe.skipIf(missing !== undefined)(`dumps are those of bpftool ${missing ? `(${missing})` : `${major}.${minor}`}`, () => {
  test.skipIf(!existsSync(KERNEL))('the running kernel', () => {
    const btf = readWholeBtf(KERNEL);
    sameRaw(btf, KERNEL);
    if (IS_NEW) sameC(btf, KERNEL);
  });
  test.skipIf(!existsSync(KERNEL))('roots', () => {
    const btf = readWholeBtf(KERNEL);
    for (const roots of [[1], [100, 7, 2000], [5000, 12_000, 60_000, 100_000]]) {
      const words = roots.flatMap((id) => ['root_id', String(id)]);
      if (version < 705) continue; // it knows no root_id
      expect(ours((out) => dumpRaw(btf, out, { roots }))).toBe(theirs(['btf', 'dump', 'file', KERNEL, ...words]));
      expect(ours((out) => dumpC(btf, out, { roots })) === theirs(['btf', 'dump', 'file', KERNEL, 'format', 'c', ...words])).toBe(
        true,
      );
    }
  });
  test('fixtures', () => {
    const objects = readdirSync(FIXTURES).filter((name) => name.endsWith('.bpf.o'));
    for (const name of objects) {
      const file = join(FIXTURES, name);
      sameRaw(readWholeBtf(file), file);
      sameC(readWholeBtf(file), file);
    }
    expect(objects.length).toBeGreaterThan(0);
  });
  test.each(['clang-19', 'clang-16', 'clang-14'])('shapes, compiled by %s for BPF', (clang) => {
    const object = compile(`${clang}.o`, clang, ['-target', 'bpf']);
    if (!object) return;
    sameRaw(readWholeBtf(object), object);
    if (IS_NEW) sameC(readWholeBtf(object), object);
  });
  test('split BTF with its base', () => {
    const [baseFile, splitFile] = [join(folder, 'base.btf'), join(folder, 'split.btf')];
    writeFileSync(baseFile, encodeBtf(baseTypes));
    const base = readWholeBtf(baseFile);
    writeFileSync(
      splitFile,
      encodeBtf([struct('m', 16, ['t', 2], ['p', 5, 8]), ptr(4), typedef('mine', 2), struct('t', 0)], { base }),
    );
    const btf = readWholeBtf(splitFile, base);
    sameRaw(btf, splitFile, ['-B', baseFile]);
    sameC(btf, splitFile, ['-B', baseFile]);
  });
  test.skipIf(!IS_NEW)('what is left out of the order is printed where something refers to it', () => {
    const file = join(folder, 'first.btf');
    writeFileSync(file, encodeBtf([enumOf('only', 'A'), { kind: 'CONST', type: 1 }]));
    expect(ours((out) => dumpC(readWholeBtf(file), out))).toContain('enum only {');
    sameC(readWholeBtf(file), file);
  });
  test.skipIf(!IS_NEW)(`${INVENTED} invented files`, () => {
    const file = join(folder, 'invented.btf');
    const seen = { same: 0, refused: 0 };
    for (const types of fc.sample(inventedTypes, { numRuns: INVENTED, seed: SEED })) {
      writeFileSync(file, encodeBtf(types));
      for (const unsorted of [false, true]) {
        const words = ['btf', 'dump', 'file', file, 'format', 'c', ...(unsorted ? ['unsorted'] : [])];
        const { status, stdout } = spawnSync(BPFTOOL, words, { encoding: 'utf8' });
        const mine = printed(() => ours((out) => dumpC(readWholeBtf(file), out, { unsorted })));
        // It refuses more: members of void, and arrays of it.
        if (status === 0) expect(mine, fc.stringify(types)).toBe(stdout);
        seen[status === 0 ? 'same' : 'refused']++;
      }
    }
    console.log(`${versionText.split('\n', 1)[0]}: ${JSON.stringify(seen)} of invented types as C`);
    expect(seen.same).toBeGreaterThan(INVENTED);
  });
  test.skipIf(version < 708)('several files that continue one base', () => {
    const [baseFile, aFile, bFile] = ['base.btf', 'a.btf', 'b.btf'].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(baseFile, encodeBtf(baseTypes));
    const base = readWholeBtf(baseFile);
    writeFileSync(aFile, encodeBtf([struct('shared', 8, ['t', 2]), ptr(4), struct('a', 8, ['p', 5])], { base }));
    writeFileSync(bFile, encodeBtf([struct('b', 8, ['p', 6]), struct('shared', 8, ['t', 2]), ptr(5), struct('t', 8)], { base }));
    const words = ['btf', 'dump', 'file', aFile, 'file', bFile];
    for (const format of ['raw', 'c'])
      expect(tsbpf([...words, 'format', format, '-B', baseFile]).stdout).toBe(
        theirs(['-B', baseFile, ...words, 'format', format]),
      );
  });
  test('the list of what is loaded', () => {
    const listed = spawnSync(BPFTOOL, ['btf', 'list'], { encoding: 'utf8' });
    if (listed.status !== 0) return; // not root
    // Other tests load and unload meanwhile: what is there before and after is compared, and of users' ids which, not in what order.
    const rows = (text: string) => new Map(text.split(/\n(?!\t)/).map((line) => [line.split(':', 1)[0], withoutPids(line)]));
    const withoutPids = (text: string) =>
      text.replace(/\n\tpids .*/g, '').replace(/_ids ([\d,]+)/g, (_, ids: string) => `_ids ${ids.split(',').sort().join()}`);
    const before = rows(listed.stdout);
    const ours = rows(tsbpf(['btf', 'list']).stdout);
    const after = rows(theirs(['btf', 'list']));
    const stays = [...before].filter(([id, line]) => after.get(id) === line);
    expect(stays.map(([id]) => ours.get(id))).toEqual(stays.map(([, line]) => line));
    expect(stays.length).toBeGreaterThan(0);
    expect(tsbpf(['btf', 'show', 'id', '1']).stdout).toBe(theirs(['btf', 'show', 'id', '1']).replace(/\n\tpids .*/g, ''));
  });
});
/** What a refusal prints is nothing. */
function printed(print: () => string): string | undefined {
  try {
    return print();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

const enumOf = (name: string, ...values: string[]): BtfTypeInput => ({
  kind: 'ENUM',
  name,
  size: 4,
  signed: false,
  values: values.map((value, i) => ({ name: value, value: BigInt(i) })),
});
const name = fc.constantFrom('', 'a', 'b', 'c', 'dd', 'int');
const someName = name.map((text) => text || 'q');
/** A type of which others before it, `count`, may be parts: so that no type holds itself. */
const aType = (count: number): fc.Arbitrary<BtfTypeInput> => {
  const before = fc.nat(count);
  const struct = (kind: 'STRUCT' | 'UNION') =>
    fc.tuple(name, fc.array(fc.tuple(name, before), { maxLength: 4 })).map(
      ([called, members]): BtfTypeInput => ({
        kind,
        name: called,
        size: 8 * Math.max(1, members.length),
        members: members.map(([member, type], i) => ({
          name: member,
          type,
          bitOffset: kind === 'UNION' ? 0 : 64 * i,
          bitfieldSize: 0,
        })),
      }),
    );
  return fc.oneof(
    fc.constantFrom<BtfTypeInput>(INT, int('long', 8), int('char', 1)),
    before.map((type): BtfTypeInput => ({ kind: 'PTR', type })),
    before.map((type): BtfTypeInput => ({ kind: 'PTR', type })),
    fc
      .tuple(fc.constantFrom('CONST' as const, 'VOLATILE' as const), before)
      .map(([kind, type]): BtfTypeInput => ({ kind, type })),
    fc.tuple(before, fc.nat(4)).map(([type, nelems]): BtfTypeInput => ({ kind: 'ARRAY', type, indexType: 1, nelems })),
    fc.tuple(someName, before).map(([called, type]): BtfTypeInput => typedef(called, type)),
    fc.tuple(someName, fc.boolean()).map(([called, union]): BtfTypeInput => ({ kind: 'FWD', name: called, union })),
    fc
      .tuple(name, fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D'), { minLength: 1 }))
      .map(([called, values]) => enumOf(called, ...values)),
    fc.array(before, { maxLength: 3 }).map((params): BtfTypeInput => proto(params[0] ?? 0, ...params)),
    struct('STRUCT'),
    struct('UNION'),
  );
};
const inventedTypes = fc
  .integer({ min: 1, max: 24 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, i) => aType(i))));
const INVENTED = 150;

const baseTypes = [struct('long_name', 4), struct('t', 8), ptr(2)];

const clang = spawnSync('clang-19', ['--version']).status === 0;
test.skipIf(!clang || !existsSync(KERNEL))("a program compiles with this kernel's header", () => {
  const header = join(folder, 'vmlinux.h');
  writeFileSync(
    header,
    ours((out) => dumpC(readWholeBtf(KERNEL), out)),
  );
  const source = join(folder, 'user.bpf.c');
  writeFileSync(
    source,
    '#include "vmlinux.h"\nint f(struct task_struct *task) { return task->tgid + sizeof(struct sk_buff); }\n',
  );
  execFileSync('clang-19', ['-target', 'bpf', '-g', '-O2', '-c', source, '-o', join(folder, 'user.o')]);
});
