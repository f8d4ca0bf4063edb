// Linking as libbpf links: the same bytes, from the same files in every order, and an object that loads as its own does.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { BpfError } from '../../src/errors.js';
import { linkObjects } from '../../src/linker/index.js';
import { corrected, takeApart } from '../support/linked.js';
import { askLibbpf, askTsbpf, buildHarness, describeWithLibbpf, folder, readable } from './libbpf.js';

const SETS = ['functions', 'maps', 'variables', 'types'];
const ORDERS = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 1], [1, 2], [0], [1], [2]];
const WHOLE = ORDERS.filter((order) => order.length === 3);

const ours = (files: readonly string[]): Uint8Array =>
  linkObjects(files.map((file) => parseElf(region(readFileSync(file), { file }))));

const names = (bytes: Uint8Array): object[] =>
  takeApart(bytes).symbols.map(({ name, type, binding, visibility, section }) => ({ name, type, binding, visibility, section }));

describeWithLibbpf('linked as libbpf does', () => {
  let at = '';
  let linker = '';
  let loader = '';
  beforeAll(() => {
    at = folder();
    linker = buildHarness(at, 'libbpf-link');
    loader = buildHarness(at);
  });
  afterAll(() => rmSync(at, { recursive: true, force: true }));

  const compiled = new Map<string, string>();
  const compilePart = (set: string, part: number, cpu: string, target = 'bpf'): string => {
    const object = join(at, `${set}.${part}.${cpu}.${target}.bpf.o`);
    if (compiled.has(object)) return object;
    const source = join(import.meta.dirname, 'link', `${set}.bpf.c`);
    const flags = ['-target', target, `-mcpu=${cpu}`, '-O2', '-g', '-Wall', `-DPART=${part}`];
    execFileSync('clang-19', [...flags, '-c', source, '-o', object]);
    compiled.set(object, object);
    return object;
  };

  /** Asks libbpf to link each list of files. */
  const theirs = (lists: readonly (readonly string[])[]): (Uint8Array | string)[] => {
    const outputs = lists.map((_, i) => join(at, `theirs.${i}.bpf.o`));
    const input = lists.map((files, i) => `${[outputs[i], ...files].join('\t')}\n`).join('');
    const { stdout, status, stderr } = spawnSync(linker, { input, encoding: 'utf8' });
    if (status !== 0) throw new Error(`the linker of libbpf ended with ${status}: ${stderr}`);
    const lines = stdout.trimEnd().split('\n');
    return outputs.map((output, i) => (/^0\b/.test(lines[i] ?? '') ? readFileSync(output) : (lines[i] ?? 'no answer')));
  };

  const counts = { identical: 0, corrected: 0 };
  const same = (files: readonly string[], expected: Uint8Array | string): Uint8Array => {
    const name = files.map((file) => file.split('/').at(-1)).join(' ');
    expect(expected, name).toBeInstanceOf(Uint8Array);
    const linked = ours(files);
    const reference = corrected(expected as Uint8Array);
    const mine = takeApart(linked);
    const other = takeApart(reference);
    expect(mine.symbols, name).toEqual(other.symbols);
    expect(mine.listing, name).toEqual(other.listing);
    expect(mine, name).toEqual(other);
    if (Buffer.compare(linked, expected as Uint8Array) === 0) counts.identical++;
    else counts.corrected++;
    return linked;
  };

  it.each(SETS)('%s, in every order, for each -mcpu', (set) => {
    const lists = ['v2', 'v4'].flatMap((cpu) => ORDERS.map((order) => order.map((part) => compilePart(set, part, cpu))));
    for (const [i, expected] of theirs(lists).entries()) same(lists[i] as string[], expected);
    console.info(`link: ${set}: ${counts.identical} byte for byte, ${counts.corrected} but for what we correct, so far`);
  });

  it('links what it linked', () => {
    for (const set of SETS) {
      const library = join(at, `${set}.library.bpf.o`);
      writeFileSync(library, ours([compilePart(set, 0, 'v3'), compilePart(set, 1, 'v3')]));
      const files = [library, compilePart(set, 2, 'v3')];
      const [expected = ''] = theirs([files]);
      same(files, expected);
    }
  });

  it('links big-endian objects into one that says the same', () => {
    for (const set of SETS) {
      const parts = (target: string) => [0, 1, 2].map((part) => compilePart(set, part, 'v3', target));
      const big = ours(parts('bpfeb'));
      const little = ours(parts('bpfel'));
      expect(parseElf(region(big)).littleEndian).toBe(false);
      expect(names(big)).toEqual(names(little)); // places and sizes differ, as the code does
      expect(takeApart(big).listing).toEqual(takeApart(little).listing);
      const [expected = ''] = theirs([parts('bpfeb')]);
      if (typeof expected !== 'string') same(parts('bpfeb'), expected); // since libbpf 1.6
    }
  });

  it('makes objects that libbpf and tsbpf load alike', () => {
    const questions = SETS.flatMap((set) =>
      // No part 2 of the maps: the harness has no real programs to put into a prog array.
      (set === 'maps'
        ? [
            [0, 1],
            [1, 0],
          ]
        : WHOLE
      ).map((order) => {
        const object = join(at, `${set}.${order.join('')}.bpf.o`);
        writeFileSync(object, ours(order.map((part) => compilePart(set, part, 'v3'))));
        return { object, set };
      }),
    );
    const answers = askLibbpf(loader, questions);
    for (const [i, { object, set }] of questions.entries()) {
      const answer = answers[i];
      expect(answer, object).toHaveProperty('programs');
      // Inner maps may be more than tsbpf loads yet.
      if (answer && set !== 'maps') expect(readable(askTsbpf({ object })), object).toEqual(readable(answer));
    }
  });

  const refused = (sources: readonly string[]): readonly [ours: string, theirs: string | Uint8Array] => {
    const files = sources.map((text, i) => {
      const source = join(at, `refused.${i}.c`);
      writeFileSync(source, `#define SEC(name) __attribute__((section(name), used))\n${text}\n`);
      execFileSync('clang-19', ['-target', 'bpf', '-O2', '-g', '-c', source, '-o', `${source}.o`], { stdio: 'pipe' });
      return `${source}.o`;
    });
    let message = 'nothing';
    try {
      ours(files);
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      message = error.message;
    }
    return [message, theirs([files])[0] ?? ''];
  };

  it('links a typeless kernel symbol of several files, of which libbpf 1.8 cannot find the size', () => {
    const file = (name: string) =>
      `extern const void some_symbol __attribute__((section(".ksyms"))); void *${name}(void) { return (void *)&some_symbol; }`;
    const [message] = refused([file('f'), file('g')]);
    expect(message).toBe('nothing');
  });

  it('links a weak definition, a declaration and a strong definition, in that order too', () => {
    const weak = 'int x __attribute__((weak)) = 1;';
    const uses = 'extern int x; int f(void) { return x; }';
    expect(refused([weak, uses, 'int x = 2;'])[0]).toBe('nothing');
    expect(refused([uses, weak, 'int x = 2;'])[0]).toBe('nothing');
    expect(refused(['int x = 3;', uses, 'int x = 2;'])[0]).toContain('x is defined twice');
  });

  it.each([
    ['two definitions', 'int x = 1;', 'int x = 2;', /x is defined twice: in .*refused\.0.* and in .*refused\.1/],
    [
      'another type',
      'int x = 1;',
      'extern long x; long f(void) { return x; }',
      /x is int in .*refused\.0.* and long in .*: int.*8/,
    ],
    ['another license', 'char l[] SEC("license") = "GPL";', 'char l[] SEC("license") = "MIT";', /"GPL" in .*"MIT" in/],
    [
      'fewer parameters',
      'int f(int a) { return a; }',
      'extern int f(void); int g(void) { return f(); }',
      /1 parameters .* and 0/,
    ],
    [
      'another struct',
      'struct s { int a; int b; }; struct s x = { 1 };',
      'struct s { int a; int c; }; extern struct s x; int g(void) { return x.c; }',
      /member 1 of struct s is b in one and c/,
    ],
    [
      'another map',
      'struct { int (*type)[1]; int (*max_entries)[4]; int *key; int *value; } m SEC(".maps");',
      'extern struct { int (*type)[1]; int (*max_entries)[5]; int *key; int *value; } m SEC(".maps"); void *g(void) { return &m; }',
      /max_entries is 4 in one and 5/,
    ],
    [
      'another section',
      'int x __attribute__((weak)) = 1;',
      'const int x __attribute__((weak)) = 1; int g(int i) { return (&x)[i]; }',
      /x is in section/,
    ],
  ])('refuses %s, as libbpf does', (_, first, second, words) => {
    const [message, answer] = refused([first, second]);
    expect(message).toMatch(words);
    expect(message.split('\n').length).toBeGreaterThan(1); // a remedy
    expect(typeof answer).toBe('string');
  });
});
