// `prog dump xlated … visual` and `prog dump jited`, as a user runs them.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LoadedObject, open } from '../../src/api/index.js';
import { machineDisassembler } from '../../src/cli/machine.js';
import { UnsupportedError } from '../../src/errors.js';
import { jitedJson, jitedText, writeJson, xlatedGraph } from '../../src/live/index.js';
import { jitedCode, progInfo, xlatedCode } from '../../src/syscall/index.js';
import { tsbpf } from '../support/cli.js';
import { describeWithKernel } from '../support/kernel.js';

const root = join(import.meta.dirname, '../..');

test('there is a disassembler for x86-64 and arm64; for others an error says so', async () => {
  for (const arch of ['x64', 'arm64']) expect((await machineDisassembler(arch))(new Uint8Array(), 0n)).toEqual([]);
  await expect(machineDisassembler('riscv64')).rejects.toThrow(UnsupportedError);
  await expect(machineDisassembler('riscv64')).rejects.toThrow(
    "Machine code of riscv64 cannot be disassembled\n  x64 and arm64 can; 'file PATH' writes the code for another tool.",
  );
});

describeWithKernel('tsbpf prog dump', () => {
  let loaded: LoadedObject;
  let second: LoadedObject;
  let fd: number;
  let id: string;

  beforeAll(() => {
    const load = () => open('fixtures/bootstrap.bpf.o').load();
    [loaded, second] = [load(), load()];
    fd = loaded.fd('program', 'handle_exec');
    id = String(progInfo(fd).id);
  });
  afterAll(() => {
    loaded?.[Symbol.dispose]();
    second?.[Symbol.dispose]();
  });

  test('xlated … visual', () => {
    for (const options of [{}, { opcodes: true, linum: true }]) {
      const { status, stdout, stderr } = tsbpf(['prog', 'dump', 'xlated', 'id', id, 'visual', ...Object.keys(options)]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toBe(xlatedGraph(xlatedCode(fd), options));
    }
  });

  test.each([
    [['xlated', 'visual', '--json'], "'visual' is not compatible with JSON"],
    [['xlated', 'visual', 'file', '/dev/null'], "'file' is not compatible with 'opcodes', 'visual' or 'linum'"],
    [['jited', 'visual'], "expected file, opcodes or linum, got 'visual'"],
  ])('%j is wrong usage', ([form = '', ...words], message) => {
    const { status, stdout, stderr } = tsbpf(['prog', 'dump', form, 'id', id, ...words]);
    expect(status).toBe(2);
    expect(stdout + stderr).toContain(message);
  });

  test('a graph is of one program', () => {
    const { status, stdout, stderr } = tsbpf(['prog', 'dump', 'xlated', 'name', 'handle_exec', 'visual']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('several programs matched\n  A graph takes the code of one: name it by its id.');
  });

  test('jited, as text and JSON', async () => {
    const disassemble = await machineDisassembler();
    const code = jitedCode(fd);
    const plain = tsbpf(['prog', 'dump', 'jited', 'id', id]);
    expect(plain).toEqual(expect.objectContaining({ status: 0, stderr: '', stdout: jitedText(code, {}, disassemble) }));
    const { stdout } = tsbpf(['prog', 'dump', 'jited', 'id', id, 'opcodes', 'linum', '--json']);
    expect(stdout).toBe(`${writeJson(jitedJson(code, { opcodes: true, linum: true }, disassemble))}\n`);
  });

  test('jited without the disassembler: what is missing, and the bytes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tsbpf-alone-'));
    try {
      for (const part of ['bin', 'dist', 'package.json']) cpSync(join(root, part), join(folder, part), { recursive: true });
      for (const name of ['commander', 'koffi', '@koromix']) {
        mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
        symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
      }
      const run = (...more: string[]) =>
        spawnSync(process.execPath, [join(folder, 'bin/tsbpf.cjs'), 'prog', 'dump', 'jited', 'id', id, ...more], {
          encoding: 'utf8',
        });
      const text = run();
      expect(text.status).toBe(0);
      expect(text.stderr).toBe(
        'tsbpf: Machine code cannot be disassembled: Capstone is not there, or does not run\n' +
          '  npm install @alexaltea/capstone-js where tsbpf is; npm leaves it out with --omit=optional.\nHere are its bytes.\n',
      );
      expect(text.stdout).toBe(jitedText(jitedCode(fd), {}));
      expect(run('--json').stdout).toBe(`${writeJson(jitedJson(jitedCode(fd), {}))}\n`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('jited where the kernel keeps addresses back', () => {
    const as = ['setpriv', '--bounding-set', '-syslog', '--inh-caps', '-syslog'];
    const { status, stdout, stderr } = tsbpf(['prog', 'dump', 'jited', 'id', id], { as });
    if (status === 0) return console.warn('kernel.perf_event_paranoid lets everybody see addresses: not tried');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('has no machine code that could be read\n  The kernel shows no addresses: that takes CAP_SYSLOG');
  });
});
