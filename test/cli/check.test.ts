// `tsbpf check`: the matrix, what stands below it, its JSON, and that it needs no kernel.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBtf, parseBtf } from '../../src/btf/index.js';
import { INT, proto, struct, typedef } from '../support/btf-types.js';
import { tsbpf } from '../support/cli.js';
import { describeWithCompiler } from '../support/compile.js';
import { kernelOf } from '../support/kernels.js';
import { describeTraced, traced } from '../support/strace.js';
import { CONFIG, compileWhy, type Folder, folderOfKernels, SYSTEM_MAP } from '../support/why.js';

const fixtures = join(import.meta.dirname, '../../fixtures');
const golden = (name: string): string => join(import.meta.dirname, 'goldens', name);

let folder: Folder;
const kernels = (): string[] =>
  ['5.10', '6.12'].flatMap((release) => ['--kernel', `${release}=${folder.path(`${release}.btf`)}`]);
beforeAll(() => {
  folder = folderOfKernels();
});
afterAll(() => folder.remove());

describe('check, of the fixtures', () => {
  test('the matrix and what is behind its cells', async () => {
    const { status, stdout, stderr } = tsbpf([
      'check',
      join(fixtures, 'bench.bpf.o'),
      join(fixtures, 'bootstrap.bpf.o'),
      ...kernels(),
    ]);
    expect(stderr).toBe('');
    expect(status).toBe(1);
    await expect(stdout).toMatchFileSnapshot(golden('check-fixtures.txt'));
  });

  test('--json has every cell, with the promised keys', () => {
    const { status, stdout } = tsbpf(['check', join(fixtures, 'bench.bpf.o'), '--json', ...kernels()]);
    expect(status).toBe(1);
    const report = JSON.parse(stdout) as { objects: { checks: { programs: { findings: unknown[] }[] }[] }[] };
    expect(report).toMatchObject({
      verdict: 'red',
      kernels: [
        { name: '5.10', version: '5.10', modules: [] },
        { name: '6.12', version: '6.12', modules: [] },
      ],
      objects: [
        {
          object: join(fixtures, 'bench.bpf.o'),
          verdict: 'red',
          checks: [
            {
              kernel: '5.10',
              verdict: 'red',
              load: 'red',
              programs: [{ program: 'produce', section: 'syscall', verdict: 'red' }],
            },
            { kernel: '6.12', load: 'ok' },
          ],
        },
      ],
      cannot_know: expect.arrayContaining([expect.stringContaining('It is not the verifier')]),
    });
    expect(report.objects[0]?.checks[0]?.programs[0]?.findings).toContainEqual({
      concern: 'helpers',
      verdict: 'red',
      stage: 'load',
      what: 'The kernel has no helper BPF_FUNC_loop',
      remedy: expect.stringContaining('bpf_core_enum_value_exists'),
      since: '5.17',
      setting: null,
      source: expect.objectContaining({ file: './bpf/bench.bpf.c', text: expect.stringContaining('LOOP(') }),
    });
  });

  test('what cannot be opened is red, and hides no other object', () => {
    const { status, stdout } = tsbpf(['check', import.meta.filename, join(fixtures, 'bootstrap.bpf.o'), ...kernels()]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^check\.test\.ts +RED opening +RED opening$/m);
    expect(stdout).toMatch(/^bootstrap\.bpf\.o \(2 programs\) +ok +ok$/m);
    expect(stdout).toContain('Not an ELF file');
  });

  test('a file that is not there is named once, and what to do has its own line', () => {
    const { stdout } = tsbpf(['check', '/nope', ...kernels()]);
    expect(stdout).toContain('\nCannot read /nope: open failed with ENOENT\n  There is no such file; ');
  });

  test('kernels go by the names of their folders where files are all called the same; two of one name are refused', () => {
    const object = join(fixtures, 'bootstrap.bpf.o');
    const files = ['5.10', '6.12'].map((release) => {
      mkdirSync(folder.path(`by/${release}`), { recursive: true });
      writeFileSync(folder.path(`by/${release}/btf`), kernelOf(release));
      return folder.path(`by/${release}/btf`);
    });
    const { stdout } = tsbpf(['check', object, ...files.flatMap((file) => ['--btf', file])]);
    expect(stdout).toMatch(/^ +5\.10 +6\.12$/m);
    expect(tsbpf(['check', object, ...files.flatMap((file) => ['--kernel', `6.1=${file}`])])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('Two kernels are called 6.1'),
    });
  });

  test('a kernel without a name has no version; a name is one where it looks like one', () => {
    const btf = folder.path('5.10.btf');
    const { stdout } = tsbpf([
      'check',
      join(fixtures, 'bootstrap.bpf.o'),
      '--json',
      '--btf',
      btf,
      '--kernel',
      `debian-6.1.2=${btf}`,
    ]);
    expect((JSON.parse(stdout) as { kernels: unknown }).kernels).toMatchObject([
      { name: '5.10', version: null },
      { name: 'debian-6.1.2', version: '6.1.2' },
    ]);
  });

  test('a directory like /sys/kernel/btf brings the modules of a kernel', () => {
    const path = folder.path('btf');
    mkdirSync(path, { recursive: true });
    const base = kernelOf('6.12');
    writeFileSync(join(path, 'vmlinux'), base);
    writeFileSync(
      join(path, 'extra'),
      encodeBtf([{ kind: 'FUNC', name: 'vfs_reed', type: 2, linkage: 0 }], { base: parseBtf(base) }),
    );
    const { stdout } = tsbpf(['check', join(fixtures, 'bootstrap.bpf.o'), '--json', '--btf', path]);
    expect(JSON.parse(stdout)).toMatchObject({ kernels: [{ modules: ['extra'] }] });
  });

  test('many kernels go below each other, none wider than the page', () => {
    const many = Array.from({ length: 14 }, (_, i) => ['--kernel', `kernel-5.10.${i}=${folder.path('5.10.btf')}`]).flat();
    const { stdout } = tsbpf(['check', join(fixtures, 'bench.bpf.o'), ...many]);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
    for (let i = 0; i < 14; i++) expect(stdout).toMatch(new RegExp(`kernel-5\\.10\\.${i}( |$)`, 'm'));
  });

  test('objects of one name are told apart by their folders', () => {
    const copies = ['v1', 'v2'].map((part) => {
      mkdirSync(folder.path(part));
      const copy = join(folder.path(part), 'one.bpf.o');
      copyFileSync(join(fixtures, 'bench.bpf.o'), copy);
      return copy;
    });
    const { stdout } = tsbpf(['check', ...copies, join(fixtures, 'bootstrap.bpf.o'), ...kernels()]);
    for (const shown of ['v1/one.bpf.o (', 'v2/one.bpf.o (', 'bootstrap.bpf.o (', 'v2/one.bpf.o on 5.10'])
      expect(stdout).toMatch(new RegExp(`^${shown.replace('(', '\\(')}`, 'm'));
  });

  test('NAME=FILE must have both; a file that is no BTF is said to be none', () => {
    const object = join(fixtures, 'bootstrap.bpf.o');
    expect(tsbpf(['check', object, '--kernel', 'vmlinux'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('has no name'),
    });
    expect(tsbpf(['check', object, '--kernel', '5.10='])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('has no file'),
    });
    expect(tsbpf(['check', object, '--btf', import.meta.filename])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Neither raw BTF nor an ELF file'),
    });
  });
});

describeTraced('check', () => {
  test('asks no kernel anything, loads no koffi', () => {
    const calls = traced(['check', join(fixtures, 'bench.bpf.o'), ...kernels()], 'bpf,perf_event_open,mount,fsopen,openat').calls;
    expect(calls).not.toMatch(/ (bpf|perf_event_open|mount|fsopen)\(/);
    expect(calls).not.toContain('koffi');
    expect(calls).not.toContain('/sys/kernel');
  });
});

describeWithCompiler('check, of what is missing', () => {
  test('fields, helpers, tracepoints: red where they are reached, ok where they are guarded', async () => {
    const { status, stdout } = tsbpf(['check', compileWhy(folder, 0), ...kernels()]);
    expect(status).toBe(1);
    await expect(stdout).toMatchFileSnapshot(golden('check-fields.txt'));
  });

  test('functions, hooks, kernel functions, types of programs and maps', async () => {
    const { status, stdout } = tsbpf(['check', compileWhy(folder, 1), ...kernels()]);
    expect(status).toBe(1);
    await expect(stdout).toMatchFileSnapshot(golden('check-targets.txt'));
  });

  test('a kernel function of another type differs, and a struct that is only named is said to be', () => {
    const kernel = encodeBtf([
      INT,
      struct('file', 4, ['f_mode', 1, 0]), // 2
      { kind: 'PTR', type: 2 }, // 3
      proto(1, 3), // 4
      proto(1, 1), // 5
      { kind: 'FUNC', name: 'take_file', type: 4, linkage: 0 },
      { kind: 'FUNC', name: 'vfs_read', type: 5, linkage: 0 },
      typedef('btf_trace_sched_process_exec', 3),
    ]);
    writeFileSync(folder.path('differs.btf'), kernel);
    const object = compileWhy(folder, 9);
    const { stdout } = tsbpf(['check', object, '--kernel', `6.12=${folder.path('differs.btf')}`]);
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).toContain('take_file DIFFERS vfs_read DIFFERS');
    expect(text).toContain('(struct file *), where the object only names struct file, which the kernel defines');
    expect(text).toContain('struct file {} __attribute__((preserve_access_index));');
    expect(text).toMatch(/Extern vfs_read is declared as .*, but the kernel has /);
    const explained = tsbpf(['explain', object, '--btf', folder.path('differs.btf')]).stdout;
    expect(explained).toMatch(/^ {2}DIFFERS kernel function vfs_read: other at/m);
  });

  test('a strong kernel function of a program that is switched off is required all the same', () => {
    const { stdout } = tsbpf(['explain', compileWhy(folder, 8), '--btf', folder.path('5.10.btf')]);
    expect(stdout).toMatch(/^ {2}NO {6}kernel function frobnicate: no program that is switched on uses it/m);
  });

  test('names that are near are suggested once, others not at all', () => {
    const object = compileWhy(folder, 7);
    const check = (...names: string[]) => {
      const functions = names.map((name) => ({ kind: 'FUNC', name, type: 2, linkage: 0 }) as const);
      writeFileSync(
        folder.path('near.btf'),
        encodeBtf([INT, proto(1, 1), typedef('btf_trace_sched_process_exec', 1), ...functions]),
      );
      return tsbpf(['check', object, '--kernel', `6.12=${folder.path('near.btf')}`]).stdout;
    };
    expect(check('frobnicated')).toMatch(/Did you mean "frobnicated"\?/);
    expect(check('frobnicated').match(/frobnicated/g)).toHaveLength(1);
    expect(check('from_cat')).not.toContain('from_cat');
  });

  test('a program that runs without a link needs no attach type', () => {
    writeFileSync(folder.path('5.8.btf'), kernelOf('5.8'));
    const { stdout } = tsbpf(['check', compileWhy(folder, 6), '--kernel', `5.8=${folder.path('5.8.btf')}`]);
    expect(stdout).not.toContain('RED');
    expect(stdout).toContain('no BPF_XDP here: it runs by netlink, not by a link (since 5.9)');
    expect(stdout).toContain('no BPF_TCX_INGRESS here: it runs as a filter, not by a link (since 6.6)');
  });

  test('instructions of -mcpu=v4 are told by version', () => {
    const check = (release: string) => {
      const object = compileWhy(folder, 2, '-mcpu=v4', '-DV4');
      return tsbpf(['check', object, '--kernel', `${release}=${folder.path('6.12.btf')}`]);
    };
    expect(check('6.12').status).toBe(0);
    expect(check('6.5')).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(
        /The kernel has no signed division \(since 6\.6\)\n {4}in fine at \.\/why\.bpf\.c:\d+: return pid DIVIDED;/,
      ),
    });
  });
});

describeWithCompiler("check, of types that are not a whole kernel's", () => {
  test.each([1, 5, 7])('what they lack is not known: programs of part %i', (part) => {
    const object = compileWhy(folder, part);
    const { status, stdout } = tsbpf(['check', object, '--kernel', `6.12=${object}`]);
    expect(stdout).not.toMatch(/RED/);
    expect(stdout).not.toContain('MISSING');
    expect(status).toBe(0);
    if (part !== 7) expect(stdout.replaceAll(/\s+/g, ' ')).toContain("but these types are not a whole kernel's");
  });

  test('of gen min-core-btf, with a kernel that has what is asked for', () => {
    const object = join(fixtures, 'bootstrap.bpf.o');
    const least = folder.path('min.btf');
    expect(tsbpf(['gen', 'min_core_btf', folder.path('6.12.btf'), least, object])).toMatchObject({ status: 0 });
    const { status, stdout } = tsbpf(['check', object, '--kernel', `6.12=${least}`]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^bootstrap\.bpf\.o \(2 programs\) +\? attach$/m);
  });
});

/** A file of the folder, with this in it. */
const written = (name: string, content: string | Uint8Array): string => {
  writeFileSync(folder.path(name), content);
  return folder.path(name);
};

describe('check, of what is given besides types', () => {
  const object = join(fixtures, 'bootstrap.bpf.o');
  const one = (...more: string[]) => tsbpf(['check', object, '--kernel', `5.10=${folder.path('5.10.btf')}`, ...more]);

  test('a directory may hold all of a kernel, and its configuration tells the release', () => {
    const path = folder.path('all');
    mkdirSync(path, { recursive: true });
    const base = kernelOf('5.10');
    for (const [name, content] of [
      ['btf', base],
      ['config-5.10.0-46-cloud', CONFIG],
      ['System.map-5.10.0-46-cloud', SYSTEM_MAP],
      ['version', '5.10.0-46'],
      ['veth', encodeBtf([{ kind: 'FUNC', name: 'veth_open', type: 2, linkage: 0 }], { base: parseBtf(base) })],
    ] as const)
      writeFileSync(join(path, name), content);
    const { stdout } = tsbpf(['check', object, '--json', '--kernel', `5.10=${path}`]);
    expect(JSON.parse(stdout)).toMatchObject({
      kernels: [
        {
          name: '5.10',
          version: '5.10.255', // as LINUX_VERSION_CODE has it: no more fits a byte
          modules: ['veth'],
          config: join(path, 'config-5.10.0-46-cloud'),
          symbols: join(path, 'System.map-5.10.0-46-cloud'),
        },
      ],
    });
    writeFileSync(join(path, 'System.map-5.10.0-46-cloud'), 'ffffffffffffffff B The real System.map is in the -dbg package\n');
    expect(JSON.parse(tsbpf(['check', object, '--json', '--kernel', `5.10=${path}`]).stdout)).toMatchObject({
      kernels: [{ symbols: null }],
    });
    writeFileSync(join(path, 'config-6.1'), CONFIG);
    expect(tsbpf(['check', object, '--kernel', `5.10=${path}`])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/has the configuration of several kernels: config-5\.10\.0-46-cloud, config-6\.1/),
    });
  });

  test('a configuration may be compressed, as in /proc/config.gz', () => {
    const { stdout } = one('--json', '--config', `5.10=${written('config.gz', gzipSync(CONFIG))}`);
    expect(JSON.parse(stdout)).toMatchObject({ kernels: [{ version: '5.10.255' }] });
  });

  test.each([
    ['--config 6.1=x', 2, 'is of none of the kernels', 'where NAME is 5.10'],
    ['--config /dev/zero', 1, 'no plain file', ''],
    ['--kallsyms /dev/zero', 1, 'no plain file', ''],
    ['--module 5.10=/dev/null', 1, '/dev/null', ''],
    ['--config 5.10=/nonexistent', 1, 'ENOENT', 'no such file'],
  ])('%s is refused', (words, exitCode, what, remedy) => {
    const { status, stderr } = one(...words.split(' '));
    expect(status).toBe(exitCode);
    expect(stderr).toContain(what);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(remedy);
  });

  test.each([
    ['garbage', '--config', Buffer.from([0, 1, 2, 255, 10, 61]), 'is none of a kernel'],
    ['a broken archive', '--config', gzipSync(CONFIG).subarray(0, 100), 'cannot be unpacked'],
    ['an archive without end', '--config', gzipSync(Buffer.alloc(1 << 25)), 'cannot be unpacked'],
    ['a configuration of another release', '--config', CONFIG.replace('5.10.262', '6.1.192'), 'is of Linux 6.1.192'],
    ['a configuration for symbols', '--kallsyms', CONFIG, 'Neither System.map nor'],
    ['half of System.map', '--kallsyms', SYSTEM_MAP.slice(0, 90), 'not all symbols'],
    ['types of no module', '--module', 'nothing', 'btf'],
  ])('%s is refused, as JSON too', (name, flag, content, what) => {
    const file = written('hostile', content);
    const { status, stderr } = one(flag, file);
    expect({ status, stderr }, name).toMatchObject({ status: 1, stderr: expect.stringMatching(new RegExp(what, 'i')) });
    expect(stderr).toContain(file);
    expect(JSON.parse(one('--json', flag, file).stdout), name).toHaveProperty('error.where.file', file);
  });

  test("a module's types that continue another kernel's are refused", () => {
    const other = parseBtf(kernelOf('6.12'));
    const types = encodeBtf([{ kind: 'FUNC', name: 'veth_open', type: 2, linkage: 0 }], { base: other });
    const { status, stderr } = one('--module', written('veth', types));
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('continue those of another kernel') });
  });

  test('what is given twice is refused', () => {
    const file = written('config', CONFIG);
    const words = ['--config', file, '--config', `5.10=${file}`];
    const message = `--config is given twice for 5.10: ${file}, ${file}`;
    expect(one(...words)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(`error: ${message}\n  Give one.\n\nUsage: `),
    });
    const { status, stdout } = one(...words, '--json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'ERR_TSBPF_USAGE', message, remedy: 'Give one.' });
  });
});

describeWithCompiler('check, of settings and symbols', () => {
  const given = () => [
    ...['--config', `5.10=${written('config', CONFIG)}`],
    ...['--kallsyms', `5.10=${written('System.map', SYSTEM_MAP)}`],
  ];

  test('externs have their values, and what nobody gave is told by name', async () => {
    const { status, stdout } = tsbpf(['check', compileWhy(folder, 3), ...kernels(), ...given()]);
    expect(status).toBe(1);
    await expect(stdout.replaceAll(folder.path(''), '')).toMatchFileSnapshot(golden('check-externs.txt'));
    const report = JSON.parse(tsbpf(['check', compileWhy(folder, 3), '--json', ...kernels(), ...given()]).stdout);
    const [, newer] = report.objects[0].checks;
    expect(report.objects[0].checks[0].externs).toContainEqual({
      name: 'CONFIG_HZ',
      section: '.kconfig',
      kind: 'kconfig',
      weak: false,
      verdict: 'ok',
      found: 'there',
      value: '250',
      module: null,
    });
    expect(newer.open.map(({ fact }: { fact: string }) => fact)).toEqual(['configuration', 'symbols']);
  });

  test('hooks and maps whose options are not set, and functions by their symbols', async () => {
    const { status, stdout } = tsbpf(['check', compileWhy(folder, 4), ...kernels(), ...given()]);
    expect(status).toBe(1);
    await expect(stdout.replaceAll(folder.path(''), '')).toMatchFileSnapshot(golden('check-options.txt'));
  });
});
