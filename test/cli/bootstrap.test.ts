// `tsbpf run bootstrap` on the real kernel, held against a workload whose every exec and exit is known.

import { expect, test } from 'vitest';
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
});
