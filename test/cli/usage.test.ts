// What the command line says when it is used wrongly, and when the machine does not allow what it is asked.

import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tsbpf } from '../support/cli.js';

describe('wrong usage ends with 2', () => {
  test.each(['abc', '0', '-1', '1.5', '', '1e3', '18446744073710', '99999999999999999999', '9'.repeat(400)])(
    '--duration %j',
    (duration) => {
      const { status, stdout, stderr } = tsbpf(['run', 'bootstrap', '-d', duration]);
      expect(status).toBe(2);
      expect(stdout).toBe('');
      expect(stderr.split('\n')[0]).toBe(`Invalid duration: ${duration}`);
      expect(stderr).toContain('Usage: tsbpf run bootstrap');
    },
  );

  test.each([
    [['run', 'bootstrap', '--nope'], "unknown option '--nope'"],
    [['run', 'bootstrap', 'extra'], 'too many arguments'],
    [['run', 'nosuch'], "unknown command 'nosuch'"],
    [['nosuch'], "unknown command 'nosuch'"],
    [['run'], 'Usage: tsbpf run'],
    [['map', 'bogus'], "'bogus' is none of show, list, dump"],
    [['m', 'show', 'tag', '1'], "expected id, name or pinned, got 'tag'"],
    [['prog', 'show', 'id'], "missing after 'id'"],
    [['prog', 'show', 'id', 'x'], "can't parse x"],
    [['prog', 'dump', 'xlated'], 'expected id, tag, name or pinned'],
    [['c', 'show'], "the path of a cgroup is missing after 'show'"],
    [['-n', 'cgroup', 'show', '/', 'both'], "expected effective, got 'both'"],
    [['ne', 's', 'lo'], "expected dev, got 'lo'"],
    [['-f', 'perf', 'list', 'all'], "what is 'all'?"],
    [['btf', 'nosuch'], "unknown command 'nosuch'"],
    [['inspect', 'x.bpf.o', '--full'], '--full says more of --relocated --json'],
    [['inspect', 'x.bpf.o', '--btf', 'y'], '--btf FILE says against which types'],
    [[], 'Usage: tsbpf'],
  ])('%j', (args, words) => {
    const { status, stderr } = tsbpf(args);
    expect(status).toBe(2);
    expect(stderr).toContain(words);
    expect(stderr).toContain('Usage: tsbpf');
  });
});

test('wrong words with --json: the error is on stdout, and the end is still 2', () => {
  const { status, stdout, stderr } = tsbpf(['-j', 'map', 'bogus']);
  expect({ status, stderr }).toEqual({ status: 2, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_TSBPF_USAGE', message: expect.stringContaining('bogus') } });
});

test.each([
  [['--help'], 'Usage: tsbpf'],
  [['map', '--help'], 'tsbpf map update MAP [key DATA] [value VALUE] [FLAGS]'],
  [['cgroup', '--help'], 'tsbpf cgroup tree [PATH] [effective]'],
  [['net', '--help'], 'tsbpf net show [dev NAME]'],
  [['perf', '--help'], 'tsbpf perf list'],
  [['run', '--help'], 'bootstrap'],
  [['run', 'bootstrap', '--help'], '--duration <ms>'],
])('%j ends with 0', (args, words) => {
  const { status, stdout } = tsbpf(args);
  expect(status).toBe(0);
  expect(stdout).toContain(words);
});

test('--version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string };
  expect(tsbpf(['--version']).stdout).toBe(`${version}\n`);
});

describe('the machine does not allow it: one message with the remedy, exit 1', () => {
  const isRoot = process.getuid?.() === 0;
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];

  test.skipIf(!isRoot || process.platform !== 'linux')('without rights', () => {
    const { status, stdout, stderr } = tsbpf(['run', 'bootstrap'], { as: nobody });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^tsbpf: .*EPERM/);
    expect(stderr).toContain('root');
    expect(stderr).toMatch(/CAP_BPF and CAP_PERFMON/);
    expect(stderr).not.toContain('    at ');
  });

  test.skipIf(!isRoot || process.platform !== 'linux')('without rights, as JSON', () => {
    const { status, stdout, stderr } = tsbpf(['run', 'bootstrap', '--json'], { as: nobody });
    expect(status).toBe(1);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'ERR_TSBPF_SYSCALL', errno: 'EPERM', remedy: expect.stringContaining('root') },
    });
  });

  test.each([
    ['a file that is not there', '/nonexistent', /Cannot read \/nonexistent.*ENOENT/],
    ['a directory', tmpdir(), /is a directory/],
    ['neither BTF nor ELF', join(import.meta.dirname, 'usage.test.ts'), /Neither raw BTF nor an ELF file/],
    ['an ELF file without BTF', process.execPath, /has no BTF/],
  ])('--btf with %s', (_, file, words) => {
    const { status, stderr } = tsbpf(['run', 'bootstrap', '--btf', file]);
    expect(status).toBe(1);
    expect(stderr).toMatch(words);
    expect(stderr).not.toContain('    at ');
  });

  test.skipIf(process.platform !== 'linux')('a kernel without BTF: says so and names --btf', () => {
    // A module that makes Node believe that no kernel BTF file exists, on any of the paths.
    const hide = join(tmpdir(), `tsbpf-hide-${process.pid}.cjs`);
    writeFileSync(
      hide,
      "const fs = require('node:fs'); const real = fs.existsSync; fs.existsSync = (path) => !/vmlinux/.test(String(path)) && real(path); require('node:module').syncBuiltinESMExports();",
    );
    const { status, stderr } = tsbpf(['run', 'bootstrap'], { env: { NODE_OPTIONS: `--require ${hide}` } });
    expect(status).toBe(1);
    expect(stderr).toContain('shows no BTF');
    expect(stderr).toContain('--btf FILE');
  });

  test('not on Linux: says what works there', () => {
    const pretend = join(tmpdir(), `tsbpf-darwin-${process.pid}.cjs`);
    writeFileSync(pretend, "Object.defineProperty(process, 'platform', { value: 'darwin' });");
    const { status, stderr } = tsbpf(['run', 'bootstrap'], { env: { NODE_OPTIONS: `--require ${pretend}` } });
    expect(status).toBe(1);
    expect(stderr).toContain('this is darwin');
    expect(stderr).toContain('works here');
  });
});

test.each([['prog'], ['map'], ['link'], ['check'], ['inspect']])(
  '%s --help fits 80 columns, and shows no empty defaults',
  (verb) => {
    const { stdout } = tsbpf([verb, '--help'], { env: { COLUMNS: '80' } });
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).not.toContain('(default: [])');
  },
);
