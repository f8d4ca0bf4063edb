// `tsbpf feature probe` beside bpftool's, in the same run.

import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { describe, expect, test } from 'vitest';
import { BpfError } from '../../src/errors.js';
import { HELPERS, helperProbe, PROG_TYPES, shortName } from '../../src/plan/index.js';
import { type FeatureReport, featureMacros, featureText } from '../../src/run/index.js';
import { outcomeOf } from '../../src/syscall/index.js';
import { tsbpf } from '../support/cli.js';

const [kernelMajor = 0, kernelMinor = 0] = release().split('.').map(Number);
const isSince = (major: number, minor: number) => kernelMajor * 1000 + kernelMinor >= major * 1000 + minor;
const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const bpftool = (...args: string[]) => spawnSync('bpftool', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
const hasBpftool = isRoot && bpftool('version').status === 0;
if (!hasBpftool) console.warn('the comparison of feature probes with bpftool is skipped: not root, or no bpftool');

type Section = Readonly<Record<string, unknown>>;
type Theirs = Readonly<Record<'system_config' | 'syscall_config' | 'program_types' | 'map_types' | 'misc', Section>> & {
  readonly helpers: Readonly<Record<string, readonly string[]>>;
};

describe.skipIf(!hasBpftool).each([
  ['as root', []],
  ['without capabilities', ['unprivileged']],
])('beside bpftool, %s', (_, words) => {
  const ours = JSON.parse(tsbpf(['feature', 'probe', 'kernel', ...words, '--json']).stdout) as FeatureReport;
  const theirs = JSON.parse(bpftool('-j', 'feature', 'probe', 'kernel', ...words).stdout) as Theirs;

  test.each(['system_config', 'syscall_config', 'program_types', 'map_types', 'misc'] as const)('%s', (section) => {
    const mine = ours[section] as Section;
    const common = Object.keys(mine).filter((key) => key in theirs[section]);
    expect(common).toEqual(Object.keys(theirs[section])); // all of theirs, in their order
    if (theirs.system_config.CONFIG_BPF === null && section === 'system_config') return; // it found no configuration; we look further
    expect(Object.fromEntries(common.map((key) => [key, mine[key]]))).toEqual(theirs[section]);
  });

  test('helpers, but for those that its libbpf takes to be there because the kernel refuses them in new words', () => {
    const known = new Set(Object.values(theirs.helpers).flat());
    for (const [key, names] of Object.entries(theirs.helpers)) {
      const mine = (ours.helpers?.[key] ?? []).filter((name) => known.has(name));
      expect(mine.filter((name) => !names.includes(name))).toEqual([]);
      const wrong = names.filter((name) => !mine.includes(name));
      if (wrong.length > 0 && words.length === 0) expect(wrong.filter((name) => !isRefusedInNewWords(key, name))).toEqual([]);
    }
  });
});

function isRefusedInNewWords(key: string, name: string): boolean {
  const type = PROG_TYPES.find((candidate) => key === `${shortName(candidate)}_available_helpers`);
  const helper = HELPERS.find((candidate) => `bpf_${shortName(candidate)}` === name);
  const probe = type && helper && helperProbe(type, helper);
  if (!probe) throw new BpfError(`There is no probe for ${key} ${name}`);
  const outcome = outcomeOf(probe.steps);
  return !outcome.ok && outcome.log.includes('program of this type cannot use helper ');
}

describe.skipIf(bpftool('version').status !== 0)('list_builtins beside bpftool, which may be older', () => {
  test.each(['prog_types', 'map_types', 'attach_types', 'link_types', 'helpers'])('%s', (group) => {
    const ours = tsbpf(['feature', 'list_builtins', group]);
    expect(ours).toMatchObject({ status: 0, stderr: '' });
    const theirs = bpftool('feature', 'list_builtins', group).stdout;
    expect(theirs.length).toBeGreaterThan(50);
    expect(ours.stdout.slice(0, theirs.length)).toBe(theirs);
    const names = ours.stdout.trimEnd().split('\n');
    expect(tsbpf(['feature', 'list_builtins', group.slice(0, 2), '-j']).stdout).toBe(`${JSON.stringify(names)}\n`);
  });
});

test('names that came after the systems of today', () => {
  expect(tsbpf(['feature', 'list_builtins', 'map_types']).stdout).toMatch(/\narena\ninsn_array\nrhash\n$/);
  expect(tsbpf(['feature', 'list_builtins', 'link_types']).stdout).toMatch(/\ntracing_multi\n$/);
});

describe.skipIf(!isRoot)('the verb', () => {
  test('--pretty is the same JSON, for people', () => {
    const { stdout } = tsbpf(['feature', 'probe', 'unprivileged', '--pretty']);
    expect(stdout).toContain('{\n    "system_config": {\n        "unprivileged_bpf_disabled": ');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(tsbpf(['feature', 'probe', 'unprivileged', '--json']).stdout));
  });

  test('full asks for helpers that make the kernel write to its log; they are left out otherwise', () => {
    const of = (...words: string[]) =>
      (JSON.parse(tsbpf(['feature', 'probe', ...words, '--json']).stdout) as FeatureReport).helpers?.kprobe_available_helpers;
    expect(of()).not.toContain('bpf_trace_printk');
    expect(of('full')).toContain('bpf_trace_printk');
  });

  test.skipIf(!isSince(6, 6))('a kernel since 6.6 has each version of the instruction set', () => {
    const { misc } = JSON.parse(tsbpf(['feature', 'probe', '--json']).stdout) as FeatureReport;
    expect(Object.entries(misc ?? {}).filter(([, has]) => !has)).toEqual([]);
  });

  test('macros are a header that C can ask', () => {
    const { stdout, status } = tsbpf(['feature', 'probe', 'unprivileged', 'macros', 'p', 'MY_']);
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(0, 2)).toEqual(['/*** Misc kernel config items ***/', expect.stringMatching(/MY_CONFIG_HZ/)]);
    expect(stdout).toMatch(/^#define MY_BPF__PROG_TYPE_xdp__HELPER_bpf_redirect 0$/m);
  });

  test('a device is asked for by name; there is no system to be configured', () => {
    const { stdout } = tsbpf(['feature', 'probe', 'dev', 'lo', 'unprivileged', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      program_types: { have_sched_cls_prog_type: false, have_xdp_prog_type: false },
      map_types: { have_hash_map_type: false, have_array_map_type: false },
    });
    expect(Object.keys(JSON.parse(stdout))).toEqual(['syscall_config', 'program_types', 'map_types', 'helpers', 'misc']);
    const { status, stderr } = tsbpf(['feature', 'probe', 'dev', 'nosuch']);
    expect(status).toBe(1);
    expect(stderr).toContain("unrecognized netdevice 'nosuch'");
  });

  test('text has the words of bpftool', () => {
    const { stdout, status } = tsbpf(['feature', 'probe', 'k']);
    expect(status).toBe(0);
    for (const line of [
      'Scanning system configuration...',
      'Scanning system call availability...',
      'bpf() syscall is available',
      'Scanning eBPF program types...',
      'eBPF program_type socket_filter is available',
      'Scanning eBPF map types...',
      'eBPF map_type hash is available',
      'Scanning eBPF helper functions...',
      'eBPF helpers supported for program type socket_filter:',
      '\t- bpf_map_lookup_elem',
      'Scanning miscellaneous eBPF features...',
      'Large program size limit is available',
    ])
      expect(stdout.split('\n')).toContain(line);
  });

  test('without rights it says which are missing, and how to ask for less', () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
    const { status, stderr } = tsbpf(['feature', 'probe'], { as: nobody });
    expect(status).toBe(1);
    expect(stderr).toContain('missing CAP_SYS_ADMIN, CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON');
    expect(stderr).toContain("'unprivileged'");
    expect(tsbpf(['feature', 'probe', 'unprivileged'], { as: nobody }).status).toBe(0);
  });
});

const probing = (words: string) => ['feature', 'probe', ...words.split(' ')];
const WRONG = ['dev', 'full full', '', 'kernel dev lo', 'prefix X', 'macros prefix', 'macros prefix 9a', 'macros prefix a-b'];
test.each([[['feature']], ...WRONG.map((words) => [probing(words)])])('%j is wrong usage', (args) => {
  const { status, stderr } = tsbpf(args);
  expect(status).toBe(2);
  expect(stderr).toContain('Usage: tsbpf feature');
  expect(stderr).toMatch(args.length > 1 ? /^error: / : /^Usage/);
});

test('where there is no bpf(2), nothing more is asked', () => {
  const text = featureText({ system_config: {}, syscall_config: { have_bpf_syscall: false } });
  expect(text).toContain('bpf() syscall is NOT available');
  expect(text).not.toContain('Scanning eBPF program types');
});

test('settings of a kernel whose configuration is not to be found are left out: nobody knows that they are not set', () => {
  const syscall_config = { have_bpf_syscall: false };
  expect(featureText({ system_config: { bpf_jit_limit: 1 }, syscall_config })).not.toContain('CONFIG_');
  expect(featureMacros({ system_config: { bpf_jit_limit: 1 }, syscall_config })).toBe(
    '/*** Misc kernel config items ***/\n\n/*** System call availability ***/\n#define NO_HAVE_BPF_SYSCALL\n\n',
  );
  expect(featureMacros({ system_config: { CONFIG_HZ: null }, syscall_config }, { prefix: 'X_' })).toContain(
    '/* X_CONFIG_HZ is not set */\n',
  );
});

test('a helper has a macro of 1 or 0 for each type of program, if it was asked for', () => {
  const report: FeatureReport = {
    syscall_config: { have_bpf_syscall: true },
    program_types: { have_xdp_prog_type: true, have_lsm_prog_type: false },
    helpers: { xdp_available_helpers: ['bpf_redirect'], lsm_available_helpers: [] },
  };
  const lines = featureMacros(report, { prefix: 'X_' }).split('\n');
  expect(lines).toContain('#define X_HAVE_XDP_PROG_TYPE');
  expect(lines).toContain('#define X_NO_HAVE_LSM_PROG_TYPE');
  expect(lines).toContain('#define X_BPF__PROG_TYPE_xdp__HELPER_bpf_redirect 1');
  expect(lines).toContain('#define X_BPF__PROG_TYPE_lsm__HELPER_bpf_redirect 0');
  expect(lines.filter((line) => line.includes('trace_printk'))).toEqual([]);
  expect(featureMacros(report, { full: true })).toContain('#define BPF__PROG_TYPE_xdp__HELPER_bpf_trace_printk 0');
});
