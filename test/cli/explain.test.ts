// `tsbpf explain`: its page, its JSON, and that it does nothing to any kernel.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tsbpf } from '../support/cli.js';
import { describeWithCompiler } from '../support/compile.js';
import { kernelOf } from '../support/kernels.js';
import { describeTraced, traced } from '../support/strace.js';
import { CONFIG, compileWhy, type Folder, folderOfKernels, SYSTEM_MAP } from '../support/why.js';

const root = join(import.meta.dirname, '../..');
const golden = (name: string): string => join(import.meta.dirname, 'goldens', name);

let folder: Folder;
const btf = (release: string): string[] => ['--btf', folder.path(`${release}.btf`)];
/** Paths of this run are no part of what is compared. */
const plain = (text: string): string => text.replaceAll(folder.path(''), '').replaceAll(`${root}/`, '');
beforeAll(() => {
  folder = folderOfKernels();
});
afterAll(() => folder.remove());

const bootstrap = join(root, 'fixtures/bootstrap.bpf.o');

describe('explain', () => {
  test('the page of a fixture', async () => {
    const { stdout, stderr } = tsbpf(['explain', bootstrap, ...btf('5.10')]);
    expect(stderr).toBe('');
    await expect(plain(stdout)).toMatchFileSnapshot(golden('explain-bootstrap.txt'));
  });

  test('no line is wider than the page, and a pipe gets no colours', () => {
    const { stdout } = tsbpf(['explain', bootstrap, ...btf('5.10'), '--verbose']);
    expect(Math.max(...stdout.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(stdout).not.toContain('\u001b');
  });

  test('--json has requirements, relocations with candidates, and steps', () => {
    const { stdout } = tsbpf(['explain', bootstrap, ...btf('6.12'), '--json']);
    const found = JSON.parse(stdout) as Record<string, unknown>;
    expect(found).toMatchObject({
      kernel: { name: '6.12', version: null, modules: [], assumed: expect.any(Array) },
      least_kernel: { since: '5.8', because: 'BPF_MAP_TYPE_RINGBUF' },
      requirements: expect.arrayContaining([
        {
          ...{ kind: 'map type', name: 'BPF_MAP_TYPE_RINGBUF', since: '5.8', why: 'rb', status: 'there', optional: false },
          needed_by: [{ name: 'rb', source: null }],
        },
        expect.objectContaining({ kind: 'capability', name: 'CAP_PERFMON' }),
        expect.objectContaining({ kind: 'feature', name: 'perf_link', since: '5.15', status: 'assumed', optional: true }),
        expect.objectContaining({ kind: 'mount', name: 'tracefs' }),
      ]),
      relocations: expect.arrayContaining([
        expect.objectContaining({
          program: 'handle_exec',
          local: expect.stringContaining('struct task_struct.real_parent'),
          source: expect.objectContaining({ file: './bpf/bootstrap.bpf.c' }),
          after: 32,
          verdict: 'resolved',
          candidates: [
            { type: 'struct task_struct', id: 7, matches: true, path: expect.stringContaining('@ offset 32'), reason: null },
          ],
        }),
      ]),
      steps: expect.arrayContaining([
        expect.objectContaining({
          id: 'map exec_start',
          call: 'bpf(BPF_MAP_CREATE)',
          makes: 'fd',
          attr: expect.objectContaining({ map_name: 'exec_start', key_size: 4, btf_fd: { descriptor: 'btf' } }),
        }),
        expect.objectContaining({ call: 'perf_event_open', pid: -1 }),
      ]),
    });
  });

  test('an object that is none: exit 1, and as JSON', () => {
    const { status, stdout } = tsbpf(['explain', import.meta.filename, '--json', ...btf('5.10')]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_TSBPF_FORMAT' } });
  });
});

/** A file of the folder, with this in it. */
const written = (name: string, content: string | Uint8Array): string => {
  writeFileSync(folder.path(name), content);
  return folder.path(name);
};

describe('explain takes the description of a kernel that check takes', () => {
  const old = () => `5.10=${folder.path('5.10.btf')}`;

  test.each([
    ['--kernel', ['nameless'], 2, 'has no name'],
    ['two kernels', ['--btf', 'a', '--kernel', 'b=c'], 2, 'explain takes one kernel, not a, b=c'],
    ['files of no kernel', ['--config', 'x'], 2, 'is of none of the kernels'],
    ['files of another kernel', ['--kernel', 'OLD', '--config', '6.1=x'], 2, 'where NAME is 5.10'],
    [
      'a file given twice',
      ['--kernel', 'OLD', '--config', 'x', '--config', '5.10=y'],
      2,
      '--config is given twice for 5.10: x, y',
    ],
    ['a file that is not there', ['--kernel', 'OLD', '--kallsyms', '/nope'], 1, 'ENOENT'],
    ['a configuration of another release', ['--kernel', 'OLD', '--config', 'OTHER'], 1, 'is of Linux 6.1.192'],
  ])('%s: refused as there', (what, words, status, message) => {
    const other = written('other-config', CONFIG.replace('5.10.262', '6.1.192'));
    const flags = words[0] === 'nameless' ? ['--kernel', 'nameless'] : words;
    const filled = flags.map((word) => ({ OLD: old(), OTHER: other })[word] ?? word);
    const found = tsbpf(['explain', bootstrap, ...filled]);
    expect({ status: found.status, stderr: found.stderr.replaceAll(/\s+/g, ' ') }, what).toEqual({
      status,
      stderr: expect.stringContaining(message),
    });
  });

  test('a directory may hold all of it', () => {
    const path = folder.path('whole');
    mkdirSync(path, { recursive: true });
    for (const [name, content] of [
      ['btf', kernelOf('5.10')],
      ['config-5.10.0-46-cloud', CONFIG],
      ['System.map-5.10.0-46-cloud', SYSTEM_MAP],
    ] as const)
      writeFileSync(join(path, name), content);
    const { stdout } = tsbpf(['explain', bootstrap, '--json', '--btf', path]);
    expect(JSON.parse(stdout).kernel).toMatchObject({
      name: 'whole',
      version: '5.10.255',
      config: join(path, 'config-5.10.0-46-cloud'),
      symbols: join(path, 'System.map-5.10.0-46-cloud'),
    });
  });

  test('a version tells which features the plan may use', () => {
    const { stdout } = tsbpf(['explain', bootstrap, '--kernel', old()]);
    expect(stdout).toMatch(/^ {2}no {6}feature +perf_link \(5\.15\)/m);
    expect(stdout).toMatch(/^ {5}prlimit64\(0, RLIMIT_MEMLOCK/m);
    expect(stdout).toContain('PERF_EVENT_IOC_SET_BPF');
    expect(tsbpf(['explain', bootstrap, ...btf('5.10')]).stdout).not.toContain('PERF_EVENT_IOC_SET_BPF');
  });
});

describeWithCompiler('explain, of settings and symbols', () => {
  const given = () => [
    ...['--kernel', `5.10=${folder.path('5.10.btf')}`],
    ...['--config', written('config', CONFIG)],
    ...['--kallsyms', written('System.map', SYSTEM_MAP)],
  ];

  test('externs have their values, and the rest of what has none its steps', async () => {
    const { status, stdout } = tsbpf(['explain', compileWhy(folder, 3), ...given()]);
    expect(status).toBe(1);
    const page = plain(stdout);
    expect(page.replaceAll(/\s+/g, ' ')).toContain('no symbol no_such_symbol in /System.map');
    expect(page).toMatch(/^ {2}Left out: newer, missing$/m);
    const part = page.slice(page.indexOf('REQUIREMENTS')); // what is before has a path in it
    await expect(part.replace(/\nSTEPS[\s\S]*?\n\n/, '\n')).toMatchFileSnapshot(golden('explain-externs.txt'));
    const { steps } = JSON.parse(tsbpf(['explain', compileWhy(folder, 3), ...given(), '--json']).stdout) as {
      steps: { id: string; attr?: Record<string, unknown> }[];
    };
    const attr = (id: string) => steps.find((step) => step.id === id)?.attr;
    // CONFIG_HZ is 250, CONFIG_NEW is not set, the version is (5 << 16) + (10 << 8) + 255.
    expect(attr('map why3.kconfig contents')?.value).toMatch(/^fa000000000000+ff0a0500/);
    // ldimm64 of vfs_read, at 0xffffffff81002000.
    expect(attr('prog symbols')?.insns).toMatchObject({ bytes: expect.stringContaining('0020008100000000ffffffff') });
    expect(attr('prog missing')).toBeUndefined();
  });

  test('what is not given is told by name, as data too', () => {
    const flags = ['--kernel', `6.12=${folder.path('6.12.btf')}`];
    const { stdout } = tsbpf(['explain', compileWhy(folder, 3), ...flags]);
    expect(stdout).toMatch(/^NOT GIVEN\n {2}6\.12: the configuration would tell of [\s\S]* --config 6\.12=FILE$/m);
    const { open, externs } = JSON.parse(tsbpf(['explain', compileWhy(folder, 3), ...flags, '--json']).stdout);
    expect(open.map(({ fact }: { fact: string }) => fact)).toEqual(['configuration', 'symbols']);
    expect(externs).toContainEqual(expect.objectContaining({ name: 'CONFIG_HZ', verdict: 'unknown', found: null, value: null }));
  });

  test('options that hooks hang on', () => {
    const { status, stdout } = tsbpf(['explain', compileWhy(folder, 4), ...given()]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^ {2}NO {6}option +CONFIG_BPF_JIT: /m);
    expect(stdout).toMatch(/^ {2}NO {6}option +CONFIG_XDP_SOCKETS: /m);
    expect(stdout).toMatch(/^ {2}yes {5}option +CONFIG_BPF_LSM: /m);
  });
});

describeTraced('explain changes nothing', () => {
  const CALLS =
    'openat,bpf,perf_event_open,mount,umount2,fsopen,fsconfig,fsmount,move_mount,mkdir,mkdirat,unlink,unlinkat,rename,prlimit64,setrlimit,unshare,setns,ioctl';
  /** Files of its own making, or written to; what node itself does with devices is none. */
  const WRITING = /openat\((?!.*"\/dev\/).*O_(WRONLY|RDWR|CREAT)/;

  test('what is looked for would be seen', () => {
    expect(traced(['prog', 'list'], CALLS).calls).toMatch(/ bpf\(BPF_PROG_GET_NEXT_ID/);
    expect(traced(['gen', 'object', folder.path('made.o'), bootstrap], CALLS).calls).toMatch(WRITING);
  });

  test('with types from a file: no call that BPF needs at all', () => {
    const calls = traced(['explain', bootstrap, ...btf('5.10')], CALLS).calls;
    expect(calls).not.toMatch(/ (bpf|perf_event_open|mount|fsopen|fsmount|mkdir\w*|unlink\w*|rename|unshare|setns)\(/);
    expect(calls).not.toMatch(WRITING);
  });

  test('of the running kernel: it reads, and makes nothing', () => {
    if (!existsSync('/sys/kernel/btf/vmlinux')) return;
    const calls = traced(['explain', bootstrap], CALLS).calls;
    expect(calls).not.toMatch(/ (perf_event_open|mount|fsopen|fsmount|mkdir\w*|unlink\w*|rename|unshare|setns)\(/);
    expect(calls).not.toMatch(WRITING);
    expect(calls).not.toMatch(/bpf\(BPF_(MAP_|PROG_|LINK_|BTF_LOAD|OBJ_PIN|RAW_TRACEPOINT|ITER_|TOKEN_|ENABLE_)/);
    expect(calls).not.toContain('RLIMIT_MEMLOCK');
  });

  test('as nobody, with the running kernel', () => {
    if (process.getuid?.() !== 0 || !existsSync('/sys/kernel/btf/vmlinux') || spawnSync('setpriv', ['-V']).status !== 0) return;
    const as = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
    expect(tsbpf(['explain', bootstrap], { as })).toMatchObject({ status: 0, stderr: '' });
  });
});

describeWithCompiler('explain, of the running kernel', () => {
  test('an object without CO-RE is held against its types too', () => {
    if (!existsSync('/sys/kernel/btf/vmlinux')) return;
    const { status, stdout } = tsbpf(['explain', compileWhy(folder, 5)]);
    expect(stdout).toMatch(/Held against this kernel, Linux [\d.]+\s+\(\d+\s+types[,)]/);
    expect(stdout).not.toContain("The kernel's BTF has no");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}yes +map type +BPF_MAP_TYPE_HASH/m);
  });
});

describeWithCompiler('explain, of what is missing', () => {
  /** Types of the object go into the plan; the compiler decides about their size. */
  const withoutSizes = (text: string): string =>
    plain(text)
      .replace(/\[\d+ bytes/g, '[N bytes')
      .replace(/btf_size: \d+/, 'btf_size: N');

  test('a field: what is near, and what to write; the guarded one is told apart', async () => {
    const { status, stdout } = tsbpf(['explain', compileWhy(folder, 0), ...btf('6.12')]);
    expect(status).toBe(1);
    const page = withoutSizes(stdout);
    expect(page).toContain('the kernel has: i_atime_sec');
    expect(page).toContain('guarded by <field_exists> struct inode.i_atime = 0');
    await expect(page.replace(/\nSTEPS[\s\S]*?\n\n/, '\n')).toMatchFileSnapshot(golden('explain-fields.txt'));
  });

  test('what cannot be planned is left out, and the rest has its steps', async () => {
    const { status, stdout } = tsbpf(['explain', compileWhy(folder, 1), ...btf('5.10')]);
    expect(status).toBe(1);
    const page = withoutSizes(stdout);
    expect(page).toMatch(/There is no plan of the whole: /);
    expect(page).toMatch(/Left out: .*target/);
    await expect(page.replace(/\nSTEPS[\s\S]*?\n\n/, '\n')).toMatchFileSnapshot(golden('explain-targets.txt'));
  });

  test('what comes from one line and is mended alike is told once; what only attaching meets, as that', () => {
    const text = `
      #define CORE __attribute__((preserve_access_index))
      struct task_struct { int gone : 3; } CORE;
      #define info(f, kind) __builtin_preserve_field_info(f, kind)
      __attribute__((section("raw_tp/no_such"), used)) int bits(struct task_struct **t) { return info((*t)->gone, 0) + info((*t)->gone, 1); }`;
    const object = folder.path('bits.bpf.o');
    writeFileSync(folder.path('bits.bpf.c'), text);
    execFileSync('clang-19', ['-target', 'bpf', '-O2', '-g', '-c', folder.path('bits.bpf.c'), '-o', object]);
    const { stdout } = tsbpf(['explain', object, ...btf('6.12')]);
    const verdict = stdout.slice(stdout.indexOf('\nVERDICT'));
    expect(verdict.match(/has no answer in/g)?.length).toBeGreaterThan(1);
    expect(verdict.match(/if \(bpf_core_field_exists/g)).toHaveLength(1);
    expect(verdict).toMatch(/^ {2}bits: when it is attached: The kernel's BTF has no tracepoint no_such/m);
  });

  test('nothing is missing: exit 0', () => {
    expect(tsbpf(['explain', compileWhy(folder, 2), ...btf('6.12')])).toMatchObject({ status: 0, stderr: '' });
  });
});
