// `tsbpf feature` beside bpftool's, to the byte, as text, as macros and as JSON, of the kernel and of devices, with rights and without.
// TSBPF_BPFTOOL names a bpftool that knows what ours does: older ones take a kernel since 6.12 to have every helper.

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { tsbpf } from '../support/cli.js';

const BPFTOOL = process.env.TSBPF_BPFTOOL ?? 'bpftool';
const about = spawnSync(BPFTOOL, ['version'], { encoding: 'utf8' }).stdout ?? '';
const [, major = 0, minor = 0] = (/v(\d+)\.(\d+)/.exec(about) ?? []).map(Number);
const reason =
  process.getuid?.() !== 0
    ? 'not root'
    : major * 100 + minor >= 708
      ? undefined
      : 'no bpftool 7.8 or later: TSBPF_BPFTOOL names one';
if (reason) console.warn(`the comparison of features is skipped: ${reason}`);

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
const ONLY_BPF = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all,+bpf', '--ambient-caps=+bpf'];

interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
function theirs(args: readonly string[], as: readonly string[] = []): Said {
  const [command, ...rest] = [...as, BPFTOOL, ...args] as [string, ...string[]];
  return spawnSync(command, rest, { encoding: 'utf8', maxBuffer: 1 << 26 });
}

/** What only we ask: two settings that bpftool dropped, and the section of ways to attach. */
const ONLY_OURS =
  /^CONFIG_BPFILTER\w* is .*\n|^Scanning how tracing and LSM programs are attached\.\.\.\n(.+\n)+\n|^\/\*\*\* eBPF attach types of tracing and LSM programs \*\*\*\/\n(.+\n)+\n/gm;
interface Report {
  readonly system_config?: Readonly<Record<string, unknown>>;
  readonly [section: string]: unknown;
}
function common({ attach_types: _, ...report }: Report): Report {
  const { system_config } = report;
  if (!system_config) return report;
  const { CONFIG_BPFILTER, CONFIG_BPFILTER_UMH, ...settings } = system_config;
  return { ...report, system_config: settings };
}

describe.skipIf(reason !== undefined)('feature probe', () => {
  test.each<[words: string, as?: readonly string[]]>([
    [''],
    ['kernel full'],
    ['unprivileged', NOBODY],
    ['unprivileged full', ONLY_BPF],
    ['macros'],
    ['k m p X_ f'],
    ['macros unprivileged prefix LONG_'],
    ['dev lo'],
    ['full dev lo macros prefix X_'],
    ['d lo u', NOBODY],
  ])('%s', (words, as = []) => {
    const args = ['feature', 'probe', ...words.split(' ').filter((word) => word !== '')];
    const [mine, other] = [tsbpf(args, { as }), theirs(args, as)];
    expect(other.stdout.length).toBeGreaterThan(300);
    expect(mine.stdout.replaceAll(ONLY_OURS, '')).toBe(other.stdout);
    expect(mine).toMatchObject({ status: 0, stderr: '' });
  });

  test.each(['macros', 'dev lo'])('%s as JSON', (words) => {
    const args = ['-j', 'feature', 'probe', ...words.split(' ')];
    const mine = common(JSON.parse(tsbpf(args).stdout) as Report);
    expect(JSON.stringify(mine)).toBe(theirs(args).stdout.trimEnd());
  });

  test('ways to attach get macros of the same form', () => {
    const { stdout } = tsbpf(['feature', 'probe', 'macros', 'prefix', 'X_']);
    expect(stdout).toMatch(/\n#define X_(NO_)?HAVE_TRACE_ITER_ATTACH_TYPE\n/);
    expect(tsbpf(['feature', 'probe', 'dev', 'lo']).stdout).not.toContain('attach_type');
  });

  test.each<[words: string, status: number, as?: readonly string[]]>([
    ['dev nosuch', 1],
    ['dev', 2],
    ['kernel dev lo', 2],
    ['dev lo kernel', 2],
    ['dev lo dev lo', 2],
    ['kernel kernel', 2],
    ['prefix X', 2],
    ['prefix X macros', 2],
    ['macros prefix', 2],
    ['macros prefix A prefix B', 2],
    ['m m', 2],
    ['bogus', 2],
    ['', 1, NOBODY],
    ['dev lo', 1, ONLY_BPF],
  ])('%s is refused by both', (words, status, as = []) => {
    const args = ['feature', 'probe', ...words.split(' ').filter((word) => word !== '')];
    expect(theirs(args, as)).toMatchObject({ status: 255, stdout: '' });
    expect(tsbpf(args, { as })).toMatchObject({ status, stdout: '' });
  });
});

test.skipIf(reason !== undefined).each(['prog_types', 'map', 'attach_types', 'l', 'helpers'])('list_builtins %s', (group) => {
  for (const flags of [[], ['-j']]) {
    const args = [...flags, 'feature', 'list_builtins', group];
    expect(tsbpf(args).stdout.trimEnd()).toBe(theirs(args).stdout.trimEnd());
  }
});
