// `tsbpf run bootstrap` on the real kernel, held against a workload whose every exec and exit is known.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bootstrap } from '../../src/run/index.js';
import { start } from '../support/cli.js';
import { describeWithKernel } from '../support/kernel.js';
import { type Job, workload } from '../support/workload.js';

const HEADER = 'TIME     EVENT COMM             PID     PPID    FILENAME/EXIT CODE\n';

/** Runs the tool around a workload. The last events are still in the ring when the signal comes: they must not be lost. */
async function traced(args: readonly string[], ready: string, work: () => Promise<Job[]>, signal: NodeJS.Signals = 'SIGINT') {
  const tool = start(['run', 'bootstrap', ...args]);
  await tool.saw(ready);
  const jobs = await work();
  const finished = await tool.end(signal);
  expect(finished).toMatchObject({ status: 0 });
  return { jobs, ...finished };
}

const bin = join(import.meta.dirname, '../../bin/tsbpf.cjs');

/** Processes that only end: one event each, from children of one shell, whose pid it returns. */
async function forks(count: number): Promise<number> {
  const shell = spawn('/bin/sh', ['-c', `i=0; while [ $i -lt ${count} ]; do (:); i=$((i+1)); done`], { stdio: 'ignore' });
  await once(shell, 'exit');
  return shell.pid as number;
}

/** How many of the lines are ends of children of `ppid`. Throws when one is not whole. */
const endsOf = (ppid: number, json: string) =>
  json
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { ppid: number; exit_event: boolean })
    .filter((event) => event.ppid === ppid && event.exit_event).length;

/** Settles when the process leaves `signal` to the kernel. */
async function leaves(pid: number, signal: number): Promise<void> {
  for (;;) {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] as string;
    if (((BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n) === 0n) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describeWithKernel('tsbpf run bootstrap', () => {
  test('prints each exec and each exit of a known workload once, with the right pid, parent, name and code', async () => {
    const { jobs, stdout, stderr } = await traced([], HEADER, () => workload([0, 1, 2, 42, 255, 0, 7, 3]));
    expect(stderr).toBe('');
    expect(stdout.startsWith(HEADER)).toBe(true);
    for (const { pid, ppid, comm, filename, exitCode } of jobs) {
      const head = (event: string) => `${event.padEnd(5)} ${comm.padEnd(16)} ${String(pid).padEnd(7)} ${String(ppid).padEnd(7)} `;
      const rows = stdout
        .split('\n')
        .filter((line) => line.slice(9).startsWith(head('EXEC')) || line.slice(9).startsWith(head('EXIT')));
      expect(rows.map((line) => line.slice(9))).toEqual([
        `${head('EXEC')}${filename}`,
        expect.stringMatching(new RegExp(`^${head('EXIT').replace(/[-\s]/g, '.')}\\[${exitCode}\\]( \\(\\d+ms\\))?$`)),
      ]);
      for (const line of rows) expect(line.slice(0, 9)).toMatch(/^\d\d:\d\d:\d\d $/);
    }
  });

  test('--json prints the same as one object a line, with the names of the C struct', async () => {
    const { jobs, stdout } = await traced(
      ['--json', '--verbose'],
      'ioctl(<perf event sched/sched_process_exit',
      () => workload([5, 0, 9]),
      'SIGTERM',
    );
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const { pid, ppid, comm, filename, exitCode } of jobs) {
      expect(events.filter((event) => event.pid === pid)).toEqual([
        { pid, ppid, exit_code: 0, duration_ns: 0, comm, filename, exit_event: false },
        { pid, ppid, exit_code: exitCode, duration_ns: expect.any(Number), comm, filename: '', exit_event: true },
      ]);
    }
  });

  test('--duration leaves out execs, and processes that lived shorter', async () => {
    const { jobs, stdout } = await traced(['-d', '200'], HEADER, async () => [
      ...(await workload([1, 2])),
      ...(await workload([3], 300)),
    ]);
    const rows = stdout.split('\n').slice(1);
    expect(rows.some((line) => line.includes('EXEC'))).toBe(false);
    const seen = jobs.filter(({ pid, comm }) => rows.some((line) => line.includes(`${comm.padEnd(16)} ${pid}`)));
    expect(seen.map((job) => job.exitCode)).toEqual([3]);
    const ms = Number(/\[3\] \((\d+)ms\)/.exec(stdout)?.[1]);
    expect(ms).toBeGreaterThanOrEqual(300);
  });

  test('--verbose shows facts, relocations before and after, and every step with its result', async () => {
    const { stderr } = await traced(['-v'], HEADER, async () => []);
    expect(stderr).toMatch(/^kernel BTF: \d+ types from /m);
    expect(stderr).toMatch(
      /<byte_off> struct task_struct\.real_parent \(0:2 @ offset 8\): 8 -> \d+ from struct task_struct\.real_parent/,
    );
    expect(stderr).toMatch(/^ {2}before: r1 = 8\n {2}after: {2}r1 = \d+$/m);
    expect(stderr).toMatch(
      /^bpf\(BPF_MAP_CREATE, \{map_type: BPF_MAP_TYPE_RINGBUF, .*max_entries: 262144.*\) = \d+ <map rb> \(\d+\.\d+ ms\) {2}# /m,
    );
    for (const step of [
      'BPF_BTF_LOAD',
      'BPF_MAP_FREEZE',
      'BPF_PROG_LOAD',
      'perf_event_open',
      'BPF_LINK_CREATE',
      'PERF_EVENT_IOC_ENABLE',
    ])
      expect(stderr).toContain(step);
  });

  test('ends in good order when its reader goes away', async () => {
    const tool = start(['run', 'bootstrap']);
    await tool.saw(HEADER);
    tool.process.stdout?.destroy();
    const ended = new Promise((resolve) => tool.process.on('exit', resolve));
    await workload([0]);
    expect(await ended).toBe(0);
  });

  test('goes on when nobody reads stderr any more', async () => {
    const tool = start(['run', 'bootstrap', '--verbose']);
    tool.process.stderr?.destroy();
    await tool.saw(HEADER);
    const [job] = await workload([4]);
    const { status, stdout } = await tool.end('SIGINT');
    expect(status).toBe(0);
    expect(stdout).toContain(`${job?.comm.padEnd(16)} ${job?.pid}`);
  });

  test.each([[[]], [['--json']]])('a full disk is one clear message and exit 1 %j', async (flags) => {
    const tool = spawn('/bin/sh', ['-c', 'exec "$0" "$@" >/dev/full', process.execPath, bin, 'run', 'bootstrap', ...flags]);
    let stderr = '';
    tool.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const ended = once(tool, 'close');
    const busy = setInterval(() => spawnSync('/bin/true'), 50); // with --json only an event makes it write
    const [status] = await ended;
    clearInterval(busy);
    expect(stderr).toBe('tsbpf: Cannot print: write(stdout) failed with ENOSPC\n');
    expect(status).toBe(1);
  });

  test.each([
    ['SIGINT', 'SIGINT'],
    ['SIGINT', 'SIGTERM'],
    ['SIGTERM', 'SIGINT'],
  ] as const)('%s, then %s: the second ends it at once', async (first, second) => {
    // Something that would keep it from ending, as a reader does that takes no more.
    const stuck = ['--import', 'data:text/javascript,setInterval(() => {}, 1e6)'];
    const tool = spawn(process.execPath, [...stuck, bin, 'run', 'bootstrap'], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(tool.stdout, 'data');
    const ended = once(tool, 'exit');
    tool.kill(first);
    await leaves(tool.pid as number, constants.signals.SIGINT);
    await leaves(tool.pid as number, constants.signals.SIGTERM);
    tool.kill(second);
    expect(await ended).toEqual([null, second]);
  });

  test('a reader that stalls: events wait in the ring, what found it full is counted, and all lines are whole', async () => {
    const tool = start(['run', 'bootstrap', '--json', '--verbose']);
    await tool.saw('ioctl(<perf event sched/sched_process_exit');
    tool.process.stdout?.pause();
    const count = 8000; // what the socket, one write and the ring hold together is less
    const shell = await forks(count);
    tool.process.stdout?.resume();
    const { status, stdout, stderr } = await tool.end('SIGINT');
    expect(status).toBe(0);
    const lost = Number(/^tsbpf: (\d+) events were lost: the ring buffer was full$/m.exec(stderr)?.[1]);
    expect(lost).toBeGreaterThan(0);
    const seen = endsOf(shell, stdout);
    expect(seen).toBeGreaterThan(1000);
    expect(seen + lost).toBeGreaterThanOrEqual(count); // others may have lost some as well
  });

  test('while a write is under way nothing more is read, and nothing gets lost that the ring has room for', async () => {
    const stop = new AbortController();
    const writes: string[] = [];
    const warnings: string[] = [];
    let started = () => {};
    let release = () => {};
    const first = new Promise<void>((resolve) => {
      started = resolve;
    });
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const running = bootstrap({
      durationMs: 0,
      json: true,
      write: (text) => {
        writes.push(text);
        started();
        return released;
      },
      warn: (message) => warnings.push(message),
      signal: stop.signal,
    });
    const shells = [await forks(1)];
    await first;
    shells.push(await forks(700));
    expect(writes.length).toBe(1);
    release();
    stop.abort();
    await running;
    expect(warnings).toEqual([]);
    expect(shells.map((shell) => endsOf(shell, writes.join('')))).toEqual([1, 700]);
  });
});
