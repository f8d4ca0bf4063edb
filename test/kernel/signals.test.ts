// Loads while signals come all the time. Each test is a process of its own, which runs what `npm run build` made: a profiler sends its
// signal to the thread that it watches, once every interval.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { describeWithKernel } from '../support/kernel.js';

const built = (file: string): string => fileURLToPath(new URL(`../../dist/${file}`, import.meta.url));
const test = it.skipIf(!existsSync(built('node.js')));
if (!existsSync(built('node.js')))
  console.warn('tests of loads under signals are skipped: there is no dist; npm run build makes it');

const folder = mkdtempSync(join(tmpdir(), 'tsbpf-signals-'));
afterAll(() => rmSync(folder, { recursive: true }));
const PROFILED = ['--cpu-prof', '--cpu-prof-dir', folder, '--cpu-prof-interval', '100'];

/** `loadLong()` loads a program that takes the verifier some tenths of a second, and `trace` is what came of it. */
const CODE = `
  import { readFileSync } from 'node:fs';
  import { drive, execute, tracer } from ${JSON.stringify(built('load/index.js'))};
  import { realKernel } from ${JSON.stringify(built('syscall/index.js'))};
  const insns = [
    'b7000000 80380100', // r0 = 80000
    '17000000 01000000', // r0 -= 1
    '5500feff 00000000', // if r0 != 0 goto -2
    '95000000 00000000', // exit
  ];
  const assembled = (rows) => Buffer.from(rows.join('').replaceAll(' ', ''), 'hex');
  const step = {
    id: 'prog long', why: 'it takes long', makes: 'fd', call: 'bpf', cmd: 'BPF_PROG_LOAD',
    attr: { prog_type: 1, insn_cnt: insns.length, insns: assembled(insns), license: 'GPL' },
  };
  const trace = [];
  const loadLong = (more = {}) =>
    drive(execute([{ ...step, ...more }], realKernel), tracer((line) => trace.push(line), () => 0)).close?.();
  const blocked = () => /^SigBlk:\\s*(\\w+)$/m.exec(readFileSync('/proc/thread-self/status', 'latin1'))[1];`;
const node = (options: readonly string[], body: string): string[] => [...options, '--input-type=module', '-e', CODE + body];

describeWithKernel('a load while a profiler sends signals', () => {
  test('is made again while they wait, once, and they come again afterwards', () => {
    const body = `
      const before = blocked();
      loadLong();
      console.log(JSON.stringify({ trace, same: before === blocked() }));`;
    const { status, stderr, stdout } = spawnSync(process.execPath, node(PROFILED, body), { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      trace: [
        expect.stringContaining('= -1 EAGAIN'),
        '  again: a signal interrupted the verifier; signals wait from here on',
        expect.stringMatching(/^bpf\(BPF_PROG_LOAD, .* = \d+ <prog long>/),
      ],
      same: true,
    });
  });

  test('that is refused has the words of the verifier, which are asked for undisturbed too', () => {
    const body = `
      const attr = { ...step.attr, insns: assembled([...insns.slice(0, 3), 'bf900000 00000000', ...insns.slice(3)]), insn_cnt: 5 };
      try {
        loadLong({ attr });
      } catch ({ name, reason }) {
        console.log(JSON.stringify({ name, reason, trace: trace.map((line) => /= -1 \\w+|again: .*$/.exec(line)?.[0]) }));
      }`;
    const { stdout, stderr } = spawnSync(process.execPath, node(PROFILED, body), { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      name: 'VerifierError',
      reason: 'R9 !read_ok',
      trace: [
        '= -1 EAGAIN',
        'again: a signal interrupted the verifier; signals wait from here on',
        '= -1 EACCES',
        'again: to get the verifier log',
        '= -1 ENOSPC',
        'again: the log does not fit 1048576 bytes',
        '= -1 EACCES',
      ],
    });
  });

  test('ends with the process, by Ctrl-C, although other signals wait', async () => {
    const child = spawn(process.execPath, node([], `console.log('now'); for (;;) loadLong({ undisturbed: true });`), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    child.kill('SIGINT');
    expect(await ended).toBe('SIGINT');
  });
});
