// `tsbpf doctor` as a user meets it: with all rights, with few, in a user namespace, behind a seccomp filter.

import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tsbpf } from '../support/cli.js';

const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
const has = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

interface Report {
  readonly ok: boolean;
  readonly checks: readonly { readonly id: string; readonly state: string; readonly found: string; readonly mend?: string }[];
  readonly hooks: readonly { readonly id: string; readonly state: string; readonly means?: string }[];
}

function doctor(as: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = tsbpf(['doctor', '--json'], { as, env });
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as Report;
  expect(status).toBe(report.ok ? 0 : 1);
  return {
    report,
    check: (id: string) => report.checks.find((row) => row.id === id),
    hook: (id: string) => report.hooks.find((row) => row.id === `hooks.${id}`),
  };
}

test('the page has every section, and ends with the count', () => {
  const { stdout, stderr } = tsbpf(['doctor']);
  expect(stderr).toBe('');
  for (const title of ['Kernel', 'Rights', 'What stands in between', 'Sysctls and limits', 'Types', 'File systems', 'Hooks: '])
    expect(stdout).toMatch(new RegExp(`^${title}`, 'm'));
  expect(stdout).toMatch(/\n(No problems|\d+ problems?); \d+ warnings?, \d+ unknown, \d+ ok\.\n$/);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(130);
});

test('wrong usage ends with 2', () => {
  expect(tsbpf(['doctor', 'extra']).status).toBe(2);
  expect(tsbpf(['doctor', '--nope']).status).toBe(2);
});

test('not on Linux: says so', () => {
  const pretend = join(tmpdir(), `tsbpf-doctor-darwin-${process.pid}.cjs`);
  writeFileSync(pretend, "Object.defineProperty(process, 'platform', { value: 'darwin' });");
  const { status, stderr } = tsbpf(['doctor'], { env: { NODE_OPTIONS: `--require ${pretend}` } });
  rmSync(pretend);
  expect(status).toBe(1);
  expect(stderr).toContain('this is darwin');
});

test.skipIf(!isRoot || !has('unshare', '-m', 'true'))('without /proc there is nothing to tell', () => {
  const { status, stdout, stderr } = tsbpf(['doctor'], { as: ['unshare', '-m', 'sh', '-c', 'umount -l /proc; exec "$@"', '-'] });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain('/proc is not mounted\n  mount -t proc proc /proc\n');
});

describe.skipIf(!isRoot)('with fewer rights', () => {
  test('nobody, without any capability', () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
    const { report, check, hook } = doctor(nobody);
    expect(report.ok).toBe(false);
    expect(check('rights.user')).toMatchObject({ state: 'ok', found: 'uid 65534, in the first user namespace' });
    expect(check('rights.capabilities')).toMatchObject({ state: 'problem' });
    expect(hook('tracepoint')).toMatchObject({ state: 'problem', means: 'This process lacks CAP_BPF and CAP_PERFMON.' });
    expect(hook('xdp')).toMatchObject({ state: 'problem', means: 'This process lacks CAP_BPF and CAP_NET_ADMIN.' });
  });

  test('root without CAP_SYS_ADMIN and CAP_PERFMON', () => {
    const { check, hook } = doctor(['setpriv', '--bounding-set=-sys_admin,-perfmon', '--inh-caps=-all']);
    expect(check('rights.capabilities')).toMatchObject({
      state: 'problem',
      found: expect.stringContaining('missing: CAP_PERFMON'),
    });
    expect(hook('tracepoint')).toMatchObject({ state: 'problem', means: 'This process lacks CAP_PERFMON.' });
    expect(hook('socket')).toMatchObject({ state: 'ok' });
    expect(hook('cgroup_skb')).toMatchObject({ state: 'ok' });
  });

  test.skipIf(!has('unshare', '-Ur', 'true'))('root of a user namespace', () => {
    const { check, hook } = doctor(['unshare', '-Ur']);
    expect(check('rights.user')).toMatchObject({
      state: 'problem',
      found: expect.stringContaining('in a user namespace of its own'),
    });
    expect(check('confinement.token')?.state).toMatch(/problem|ok/);
    expect(hook('tracepoint')).toMatchObject({
      state: 'problem',
      means: 'Rights of a user namespace of its own do not count here.',
    });
  });

  test.skipIf(process.arch !== 'x64')('behind a seccomp filter that refuses bpf(2)', () => {
    const koffi = createRequire(import.meta.url).resolve('koffi');
    const file = join(tmpdir(), `tsbpf-seccomp-${process.pid}.cjs`);
    writeFileSync(file, SECCOMP.replace('KOFFI', koffi));
    try {
      const { check, hook } = doctor([], { NODE_OPTIONS: `--require ${file}` });
      expect(check('confinement.seccomp')).toMatchObject({ found: 'filter' });
      expect(check('confinement.bpf')).toMatchObject({ state: 'problem', mend: expect.stringContaining('seccomp') });
      expect(check('confinement.perf')).toMatchObject({ state: 'ok' });
      expect(hook('tracepoint')).toMatchObject({ state: 'problem', means: expect.stringContaining('seccomp') });
    } finally {
      rmSync(file);
    }
  });
});

/** Loads the number of the call; bpf(2), 321, ends with EPERM. */
const SECCOMP = `
const koffi = require('KOFFI');
const prctl = koffi.load(null).func('prctl', 'int', ['int', 'int64', 'int64', 'int64', 'int64']);
const filter = Buffer.alloc(32);
[[0x20, 0, 0, 0], [0x15, 0, 1, 321], [0x06, 0, 0, 0x00050001], [0x06, 0, 0, 0x7fff0000]].forEach(([code, jt, jf, k], i) => {
  filter.writeUInt16LE(code, i * 8);
  filter.writeUInt8(jt, i * 8 + 2);
  filter.writeUInt8(jf, i * 8 + 3);
  filter.writeUInt32LE(k, i * 8 + 4);
});
const fprog = Buffer.alloc(16);
fprog.writeUInt16LE(4, 0);
fprog.writeBigUInt64LE(BigInt(koffi.address(filter)), 8);
globalThis.keep = [filter, fprog];
if (prctl(22, 2, koffi.address(fprog), 0, 0) !== 0) throw new Error('prctl: ' + koffi.errno());
`;
