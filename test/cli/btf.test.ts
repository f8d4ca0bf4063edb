// `tsbpf btf` as a user runs it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeBtf } from '../../src/btf/index.js';
import { btfOf, INT, ptr, struct, typedef } from '../support/btf-types.js';
import { tsbpf } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'tsbpf-btf-'));
const file = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const TYPES = [INT, struct('s', 8, ['x', 1], ['y', 1, 4]), ptr(2)];
const plain = file('plain.btf', encodeBtf(TYPES));
const other = file('other.btf', encodeBtf([INT, struct('s', 8, ['y', 1], ['x', 1, 4])]));
const split = file('split.btf', encodeBtf([struct('m', 8, ['s', 2])], { base: btfOf(TYPES) }));
const bootstrap = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');

describe('dump', () => {
  test('raw, C, JSON', () => {
    expect(tsbpf(['btf', 'dump', 'file', plain]).stdout).toMatch(/^\[1\] INT 'int' .*\n\[2\] STRUCT 's' size=8 vlen=2\n\t'x'/);
    expect(tsbpf(['btf', 'dump', 'file', plain, 'format', 'raw']).stdout).toBe(tsbpf(['btf', 'dump', 'file', plain]).stdout);
    expect(tsbpf(['btf', 'dump', 'file', plain, 'format', 'c']).stdout).toContain('struct s {\n\tint x;\n\tint y;\n};\n');
    expect(JSON.parse(tsbpf(['btf', 'dump', 'file', plain, '-j']).stdout).types).toHaveLength(3);
    expect(tsbpf(['btf', 'dump', 'file', plain, 'format', 'json']).stdout).toBe(
      tsbpf(['btf', 'dump', 'file', plain, '-j']).stdout,
    );
    expect(tsbpf(['btf', 'dump', 'file', plain, '--pretty']).stdout).toMatch(/^\{\n {4}"types": \[\{/);
  });
  test('an object, roots, split BTF with its base', () => {
    expect(tsbpf(['btf', 'dump', 'file', bootstrap, 'format', 'c']).stdout).toContain('struct event {');
    expect(tsbpf(['btf', 'dump', 'file', plain, 'root_id', '3', 'root_id', '1']).stdout).toMatch(
      /^\[3\] PTR .*\n\[1\] INT .*\n$/,
    );
    expect(tsbpf(['btf', 'dump', 'file', split, '-B', plain]).stdout).toMatch(/^\[4\] STRUCT 'm'/);
  });
  test.each<[string, readonly string[], string]>([
    ['no source', [], 'missing required argument'],
    ['an unknown source', ['fill', plain], "types come from file, id, map or prog, not 'fill'"],
    ['no file', ['file'], "a file is missing after 'file'"],
    ['an unknown format', ['file', plain, 'format', 'rust'], "expected raw, c or json, got 'rust'"],
    ['a root that is no number', ['file', plain, 'root_id', 'x'], "can't parse x as root_id"],
    ['a root twice', ['file', plain, 'root_id', '1', 'root_id', '1'], 'twice'],
    ['17 roots', ['file', plain, ...Array.from({ length: 17 }, (_, i) => ['root_id', String(i)]).flat()], '16 times only'],
    ['two sources', ['file', plain, 'prog', 'id', '1'], "expected format, root_id or unsorted, got 'prog'"],
    ['C as JSON', ['file', plain, 'format', 'c', '--json'], 'JSON is for raw types'],
    ['a map without which', ['map'], 'expected id, name or pinned'],
  ])('%s is wrong usage', (_, words, message) => {
    const { status, stdout, stderr } = tsbpf(['btf', 'dump', ...words]);
    expect(status).toBe(2);
    if (words.includes('--json')) expect(JSON.parse(stdout).error.message).toContain(message);
    else expect({ stdout, stderr }).toEqual({ stdout: '', stderr: expect.stringContaining(message) });
  });
  test('words may be cut short', () => {
    expect(tsbpf(['btf', 'dump', 'f', plain, 'fo', 'c', 'r', '2']).stdout).toContain('struct s {');
  });
  test.each<[string, readonly string[], string]>([
    ['a root that does not exist', ['file', plain, 'root_id', '99'], 'no type 99'],
    ['no such file', ['file', join(folder, 'none')], 'ENOENT'],
    ['split BTF without its base', ['file', split], '-B FILE'],
    ['several files without a base', ['file', plain, 'file', other], '-B FILE'],
  ])('%s fails', (_, words, message) => {
    const { status, stderr } = tsbpf(['btf', 'dump', ...words]);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(
      JSON.parse(
        tsbpf(['btf', 'dump', ...words, '-j'])
          .stdout.split('\n')
          .at(-2) as string,
      ).error.code,
    ).toMatch(/^ERR_TSBPF/);
  });
  test('a reader that goes away is no failure', () => {
    const { stdout, stderr } = spawnSync('bash', [
      '-c',
      `"${process.execPath}" bin/tsbpf.cjs btf dump file "$1" | head -c 10; echo " \${PIPESTATUS[0]}"`,
      '-',
      bootstrap,
    ]);
    expect(stdout.toString()).toBe(`${readRaw().slice(0, 10)} 0\n`);
    expect(stderr.toString()).toBe('');
  });
});
const readRaw = (): string => tsbpf(['btf', 'dump', 'file', bootstrap]).stdout;

test('find', () => {
  expect(tsbpf(['btf', 'find', 's', '--btf', plain])).toMatchObject({ status: 0, stdout: "[2] STRUCT 's' size=8 members=2\n" });
  expect(JSON.parse(tsbpf(['btf', 'find', 'i*', '--btf', plain, '--json']).stdout)).toEqual([
    { id: 1, kind: 'INT', name: 'int' },
  ]);
  expect(tsbpf(['btf', 'find', 'inl', '--btf', plain])).toEqual(
    expect.objectContaining({ status: 1, stdout: '', stderr: `tsbpf: There is no type inl (file ${plain})\n  Near it: int.\n` }),
  );
  expect(tsbpf(['btf', 'find', 'none', '--btf', plain, '-j'])).toMatchObject({ status: 1, stdout: '[]\n', stderr: '' });
  expect(tsbpf(['btf', 'find', 'struct *', '--btf', plain]).stdout).toBe("[2] STRUCT 's' size=8 members=2\n");
  expect(tsbpf(['btf', 'find', 'union s', '--btf', plain])).toMatchObject({ status: 1, stdout: '' });
  expect(tsbpf(['btf', 'find', 'int imt', '--btf', plain]).stderr).toBe(
    `tsbpf: There is no int imt (file ${plain})\n  Near it: int.\n`,
  );
});

test('layout', () => {
  expect(tsbpf(['btf', 'layout', 'struct s', '--btf', plain]).stdout).toContain('/* size: 8, cachelines: 1, members: 2 */');
  expect(tsbpf(['btf', 'layout', '2', '--btf', plain]).stdout).toContain('struct s {');
  expect(JSON.parse(tsbpf(['btf', 'layout', 's', '--btf', plain, '-j']).stdout)).toMatchObject({
    name: 's',
    size: 8,
    members: [{ name: 'x', declaration: 'int x', offset: 0 }, { offset: 4 }],
  });
  expect(tsbpf(['btf', 'layout', 'none', '--btf', plain])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('no struct'),
  });
});

test('layout of what has no members', () => {
  const scalars = file('scalars.btf', encodeBtf([INT, typedef('num', 1), struct('inn', 4, ['x', 1]), typedef('inn_t', 3)]));
  const said = (name: string) => tsbpf(['btf', 'layout', name, '--btf', scalars]).stderr;
  expect(said('int')).toContain("int has no members to lay out: it is [1] INT 'int' size=4");
  expect(said('num')).toContain("num has no members to lay out: it is [2] TYPEDEF 'num': int");
  expect(said('imn')).toContain('There is no struct or union imn');
  expect(said('imn')).toContain('Near it: inn');
  expect(said('inu')).not.toContain('int');
  expect(said('union inn')).toContain("There is no union inn: it is [3] STRUCT 'inn' size=4 members=1");
  expect(tsbpf(['btf', 'layout', 'inn_t', '--btf', scalars]).status).toBe(0);
});

test('several files without a base are named, and list takes -f', () => {
  const { status, stderr } = tsbpf(['btf', 'dump', 'file', plain, 'file', other]);
  expect(status).toBe(1);
  expect(stderr.replace(/\s+/g, ' ')).toContain(`one base: ${plain}, ${other}`);
  expect(tsbpf(['btf', 'list', '-f', 'bogus']).stderr).toMatch(/^error: expected id/);
});

test('diff', () => {
  expect(tsbpf(['btf', 'diff', plain, plain])).toMatchObject({ status: 0, stdout: '' });
  expect(tsbpf(['btf', 'diff', plain, other])).toMatchObject({
    status: 1,
    stdout: '~ struct s\n    ~ x at 0 -> 4: int\n    ~ y at 4 -> 0: int\n',
  });
  expect(JSON.parse(tsbpf(['btf', 'diff', plain, other, '-j']).stdout)[0].parts).toHaveLength(2);
  expect(tsbpf(['btf', 'diff', plain, other, '--used-by', bootstrap])).toMatchObject({ status: 0, stdout: '' });
});

describe('help', () => {
  test.each(['dump', 'list', 'find', 'layout', 'diff'])('%s has an example and says when it ends with 1', (what) => {
    const { status, stdout } = tsbpf(['btf', what, '--help']);
    expect(status).toBe(0);
    expect(stdout).toContain(`tsbpf btf ${what}`);
    expect(stdout).toContain('Exit code 1');
  });
});
