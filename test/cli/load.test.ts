// `tsbpf prog load` for people: what is printed when the kernel refuses a program, every step on request, and Ctrl-C at any time.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FRAME_LINES } from '../../src/load/index.js';
import { type Bpffs, mountBpffs } from '../support/bpffs.js';
import { start, tsbpf } from '../support/cli.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { describeWithKernel } from '../support/kernel.js';
import { faults } from '../support/schemas.js';

const BOOTSTRAP = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');
const SOURCES = join(import.meta.dirname, '../parity');
const compiled = (part: number): string =>
  compilePart(join(SOURCES, 'load.bpf.c'), part, '-I/usr/include/x86_64-linux-gnu', '-I/usr/include/aarch64-linux-gnu');

/** Without what differs from load to load, and from kernel to kernel. */
const lasting = (text: string): string =>
  text
    .replaceAll(SOURCES, '.')
    .replaceAll(/\S*\/(load\d\.bpf\.o)/g, '$1')
    .replaceAll(/0xffff[\da-f]{12}/g, '0xffff…')
    .replaceAll(/scalar\((?:[^()]|\([^()]*\))*\)/g, 'scalar(…)');

describeWithKernel('tsbpf prog load', () => {
  let fs: Bpffs;
  beforeAll(() => {
    fs = mountBpffs();
  });
  afterEach(() => fs.clear());
  afterAll(() => fs.unmount());
  const at = (path: string) => join(fs.root, path);

  test('--debug has every step of the load and the pins, and every relocation; stdout has nothing', () => {
    for (const flag of ['-d', '--debug', '--verbose']) {
      const { status, stdout, stderr } = tsbpf(['prog', 'loadall', BOOTSTRAP, at('p'), 'pinmaps', at('m'), flag]);
      expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
      expect(stderr).toContain(`mkdir("${at('p')}", 0700) = 0`);
      expect(stderr).toMatch(/bpf\(BPF_PROG_LOAD, \{prog_type: BPF_PROG_TYPE_TRACEPOINT, .*<prog handle_exec>/);
      expect(stderr).toContain(`bpf(BPF_OBJ_PIN, {pathname: "${at('p/handle_exec')}", bpf_fd: <prog handle_exec>}) = 0`);
      expect(stderr).toContain(`bpf(BPF_OBJ_PIN, {pathname: "${at('m/bootstra_rodata')}", bpf_fd: <map bootstra.rodata>}) = 0`);
      expect(stderr).toMatch(/CO-RE handle_exec insn \d+: .*\n {2}before: .*\n {2}after:/);
      fs.clear();
    }
    expect(tsbpf(['-d', 'prog', 'load', BOOTSTRAP, at('one')]).stderr).toContain('bpf(BPF_PROG_LOAD');
  });

  test('--debug --log has the log of programs that the verifier takes, too', () => {
    const { status, stderr } = tsbpf(['prog', 'load', BOOTSTRAP, at('one'), '-d', '--log']);
    expect(status).toBe(0);
    for (const name of ['handle_exec', 'handle_exit'])
      expect(stderr).toMatch(
        new RegExp(`^verifier log of ${name}:\n[\\s\\S]*?^0: R1=ctx\\([\\s\\S]*?^processed \\d+ insns`, 'm'),
      );
    expect(tsbpf(['prog', 'load', BOOTSTRAP, at('two'), '--log']).stderr).toBe('');
  });

  test('a type of the kernel that is missing is explained, as anywhere', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsbpf-load-'));
    try {
      writeFileSync(join(folder, 'no.btf'), 'none');
      const wrong = tsbpf(['prog', 'load', BOOTSTRAP, at('one'), 'kernel_btf', join(folder, 'no.btf')]);
      expect(wrong).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('no.btf') });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  describeWithCompiler('of compiled objects', () => {
    test('a program that the kernel refuses: one screen with the lines of C', async () => {
      const { status, stdout, stderr } = tsbpf(['prog', 'load', compiled(1), at('new/one')]);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(FRAME_LINES);
      await expect(lasting(stderr)).toMatchFileSnapshot(join(import.meta.dirname, 'goldens/load-refused.txt'));
      expect(fs.list()).toEqual([]);
      expect(existsSync('/sys/fs/bpf/tsbpf_load_seen')).toBe(false);
    });

    test.each([['--log'], ['--log', '--debug']])('%s: and the whole log', (...flags) => {
      const { status, stderr } = tsbpf(['prog', 'load', compiled(1), at('one'), ...flags]);
      expect(status).toBe(1);
      const frame = stderr.slice(stderr.indexOf('tsbpf: The kernel refuses'));
      expect(frame).toMatch(/^ {2}reason: R0 invalid mem access 'map_value_or_null'$/m);
      expect(frame).toMatch(/^0: R1=ctx\(/m);
      expect(frame.trimEnd().split('\n').at(-1)).toMatch(/^processed \d+ insns/);
    });

    test('--json: the same as a value', () => {
      const { status, stdout, stderr } = tsbpf(['-j', 'prog', 'loadall', compiled(1), at('all')]);
      expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({
        error: {
          code: 'ERR_TSBPF_VERIFIER',
          errno: 'EACCES',
          reason: "R0 invalid mem access 'map_value_or_null'",
          source: { line: expect.any(Number), text: '  *value += 1;', function: 'counts' },
          log: expect.stringContaining('processed'),
        },
      });
    });

    test('programs that their section switches off are left out, and named', () => {
      const { status, stderr } = tsbpf(['prog', 'loadall', compiled(6), at('p')]);
      expect({ status, stderr, list: fs.list() }).toEqual({
        status: 0,
        stderr: 'tsbpf: program off is not loaded: its section "?xdp" switches it off\n',
        list: ['p', 'p/on'],
      });
    });

    test.each(['SIGINT', 'SIGTERM'] as const)('%s while it loads leaves nothing', async (signal) => {
      const words = ['prog', 'loadall', compiled(5), at('a/b'), 'pinmaps', at('a/maps'), '-d'];
      const tool = start(words);
      await tool.saw('<prog slow0>'); // folders and the map's own pin are made by now; five programs are to come
      expect(existsSync('/sys/fs/bpf/tsbpf_load_slow')).toBe(true);
      expect(fs.list()).toEqual(['a', 'a/b', 'a/maps']);
      const { status, stderr } = await tool.end(signal);
      expect(status).toBe(1);
      expect(stderr).toContain('tsbpf: Interrupted: what was loaded and pinned so far is gone again');
      expect(stderr).not.toContain('<prog slow5>');
      expect(fs.list()).toEqual([]);
      expect(existsSync('/sys/fs/bpf/tsbpf_load_slow')).toBe(false);
    });

    describe('tracelog', () => {
      const say = () => {
        const packet = join(tmpdir(), `tsbpf-packet-${process.pid}`);
        writeFileSync(packet, new Uint8Array(64));
        expect(tsbpf(['prog', 'load', compiled(7), at('prints')]).status).toBe(0);
        expect(tsbpf(['prog', 'run', 'pinned', at('prints'), 'data_in', packet, 'repeat', '5']).status).toBe(0);
        rmSync(packet);
      };
      const SAID = /^.*bpf_trace_printk: tsbpf says 7$/m;

      test('prints lines as they come, until Ctrl-C', async () => {
        const tool = start(['prog', 'tracelog']);
        say();
        await tool.saw('tsbpf says 7');
        const { status, stdout, stderr } = await tool.end('SIGINT');
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout).toMatch(SAID);
      });

      test.each(['-j', '-p'])('%s: an array of lines, whole after Ctrl-C', async (flag) => {
        const tool = start([flag, 'prog', 'tracelog']);
        say();
        await tool.saw('tsbpf says 7');
        const { status, stdout } = await tool.end('SIGTERM');
        expect(status).toBe(0);
        const lines = JSON.parse(stdout) as string[];
        expect(lines.some((line) => SAID.test(line) && line.endsWith('\n'))).toBe(true);
        expect(faults('prog-tracelog', lines)).toEqual([]);
      });

      test('of one program, wants to know which', () => {
        expect(tsbpf(['prog', 'tracelog', 'stdout'])).toMatchObject({ status: 2 });
        expect(tsbpf(['prog', 'tracelog', 'stdin']).stderr).toContain("expected stdout or stderr, got 'stdin'");
      });
    });
  });
});
