// `tsbpf gen object`, as a user runs it.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../src/api/index.js';
import { type BtfTypeInput, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { linkObjects } from '../../src/linker/index.js';
import { relocate } from '../../src/relocate/index.js';
import { INT, ptr, struct } from '../support/btf-types.js';
import { tsbpf } from '../support/cli.js';
import { buildElf } from '../support/elf-builder.js';
import { DECLARES, DEFINES } from '../support/linkable.js';
import { programsElf } from '../support/object-builder.js';

let at = '';
const path = (name: string) => join(at, name);
beforeAll(() => {
  at = mkdtempSync(join(tmpdir(), 'tsbpf-gen-'));
  writeFileSync(path('a.bpf.o'), DEFINES);
  writeFileSync(path('b.bpf.o'), DECLARES);
});
afterAll(() => rmSync(at, { recursive: true, force: true }));

/** A kernel with one struct of integers, the last of which is a pointer to itself. */
const structs = ([name = '', ...members]: readonly string[]): BtfTypeInput[] => [
  INT,
  ptr(3),
  struct(
    name,
    8 * members.length,
    ...members.map((member, i): [string, number, number] => [member, i === members.length - 1 ? 2 : 1, 64 * i]),
  ),
];

const linked = () => Buffer.from(linkObjects([DEFINES, DECLARES].map((bytes) => parseElf(region(bytes)))));

it('writes the object, quietly, and leaves nothing else behind', () => {
  const run = tsbpf(['gen', 'object', path('out.bpf.o'), path('a.bpf.o'), path('b.bpf.o')]);
  expect(run).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(readFileSync(path('out.bpf.o')).equals(linked())).toBe(true);
  expect(readdirSync(at).sort()).toEqual(['a.bpf.o', 'b.bpf.o', 'out.bpf.o']);
});

it('replaces a file, also behind a link, and says with --json what it did', () => {
  writeFileSync(path('old'), 'old');
  symlinkSync('old', path('link'));
  const { status, stdout } = tsbpf(['gen', 'object', '--json', path('link'), path('a.bpf.o'), path('b.bpf.o')]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    output: path('link'),
    inputs: [path('a.bpf.o'), path('b.bpf.o')],
    bytes: linked().length,
  });
  expect(readFileSync(path('old')).equals(linked())).toBe(true);
});

it('never writes over an input, under whatever name', () => {
  symlinkSync('a.bpf.o', path('alias'));
  const { status, stderr } = tsbpf(['gen', 'object', path('alias'), path('a.bpf.o')]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error: The output .*alias is also an input/);
  expect(readFileSync(path('a.bpf.o')).equals(Buffer.from(DEFINES))).toBe(true);
});

it('fails with 1 and changes nothing, when files do not fit', () => {
  writeFileSync(path('kept'), 'kept');
  const { status, stdout } = tsbpf(['gen', 'object', '--json', path('kept'), path('a.bpf.o'), path('a.bpf.o')]);
  expect(status).toBe(1);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string; remedy: string } };
  expect(error).toMatchObject({ code: 'ERR_TSBPF_FORMAT' });
  expect(error.message).toContain('helper is defined twice');
  expect(error.remedy).toContain('__weak');
  expect(readFileSync(path('kept'), 'utf8')).toBe('kept');
});

it.each([
  ['no folder', ['missing/out.o', 'a.bpf.o'], 'Cannot write', 'Its folder does not exist'],
  ['a folder', ['.', 'a.bpf.o'], 'Cannot write', 'This is a folder'],
  ['no input', ['out.o', 'missing.o'], 'Cannot read', 'There is no such file'],
])('%s', (_, [output = '', input = ''], words, remedy) => {
  const { status, stderr } = tsbpf(['gen', 'object', path(output), path(input)]);
  expect(status).toBe(1);
  expect(stderr).toContain(words);
  expect(stderr).toContain(remedy);
});

describe('gen min-core-btf', () => {
  const BOOTSTRAP = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');

  it('writes types against which the object relocates as against the whole', () => {
    const kernel = encodeBtf(structs(['task_struct', 'exit_code', 'pid', 'unused', 'tgid', 'real_parent']));
    writeFileSync(path('kernel.btf'), kernel);
    const run = tsbpf(['gen', 'min-core-btf', '--json', path('kernel.btf'), path('min.btf'), BOOTSTRAP]);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const bytes = readFileSync(path('min.btf'));
    expect(JSON.parse(run.stdout)).toMatchObject({ output: path('min.btf'), objects: [BOOTSTRAP], bytes: bytes.length });
    const { object } = open(BOOTSTRAP);
    const insns = (btf: Uint8Array) =>
      relocate(object, { kernel: parseBtf(btf) }).object.programs.map((program) => program.insns);
    expect(insns(bytes)).toEqual(insns(kernel));
    expect(bytes.length).toBeLessThan(kernel.length);
    expect(new TextDecoder('latin1').decode(bytes)).not.toContain('unused');
  });

  it('never writes over an input, and says what is wrong with one', () => {
    expect(tsbpf(['gen', 'min-core-btf', path('kernel.btf'), path('kernel.btf'), BOOTSTRAP])).toMatchObject({ status: 2 });
    const { status, stderr } = tsbpf(['gen', 'min-core-btf', path('a.bpf.o'), path('x'), path('missing')]);
    expect(status).toBe(1);
    expect(stderr).toContain('Cannot read');
  });

  it('an object without BTF is an error, and nothing is written', () => {
    writeFileSync(path('nobtf.bpf.o'), buildElf(programsElf('xdp')));
    const { status, stderr } = tsbpf(['gen', 'min-core-btf', path('kernel.btf'), path('none.btf'), path('nobtf.bpf.o')]);
    expect(stderr).toContain('has no BTF');
    expect(stderr).toContain('clang -g');
    expect(status).toBe(1);
    expect(existsSync(path('none.btf'))).toBe(false);
  });
});

it.each([[['gen']], [['gen', 'object']], [['gen', 'object', 'only-out']], [['gen', 'skeleton']]])('%j is wrong usage', (args) => {
  const { status, stderr } = tsbpf(args);
  expect(status).toBe(2);
  expect(stderr).toContain('Usage: tsbpf gen');
});
