// `tsbpf prog run`: what the kernel refuses, what is refused before it is asked, and runs while a profiler sends signals.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { drive, execute } from '../../src/load/index.js';
import { pinObject, realKernel } from '../../src/syscall/index.js';
import { BPF_PROG_TYPE, type BpfProgType } from '../../src/uapi/enums.js';
import { type Bpffs, mountBpffs } from '../support/bpffs.js';
import { tsbpf } from '../support/cli.js';
import { describeWithKernel } from '../support/kernel.js';

const BIN = join(import.meta.dirname, '../../bin/tsbpf.cjs');

describeWithKernel('prog run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-test-run-'));
  let bpffs: Bpffs;

  /** Pins a program of two instructions, which returns 7. */
  const pinned = (name: string, type: BpfProgType) => {
    const insns = Buffer.from('b7000000070000009500000000000000', 'hex');
    const attr = { prog_type: BPF_PROG_TYPE[type], insn_cnt: 2, insns, license: 'GPL' };
    using made = drive(
      execute([{ id: 'prog p', why: 'a test', makes: 'fd', call: 'bpf', cmd: 'BPF_PROG_LOAD', attr }], realKernel),
    );
    pinObject(made.get({ fd: 'prog p' }), join(bpffs.root, name), { mount: false });
  };
  beforeAll(() => {
    bpffs = mountBpffs();
    pinned('socket', 'BPF_PROG_TYPE_SOCKET_FILTER');
    pinned('xdp', 'BPF_PROG_TYPE_XDP');
    pinned('raw_tp', 'BPF_PROG_TYPE_RAW_TRACEPOINT');
    for (const size of [13, 14, 5000, 80_000]) writeFileSync(join(folder, `${size}`), new Uint8Array(size));
  });
  afterAll(() => {
    bpffs?.clear();
    bpffs?.unmount();
    rmSync(folder, { recursive: true });
  });
  const wordsFor = (name: string, packet: number) => [
    ...['prog', 'run', 'pinned', join(bpffs.root, name)],
    ...['data_in', join(folder, `${packet}`)],
  ];
  const run = (name: string, packet: number, ...more: readonly string[]) => tsbpf([...wordsFor(name, packet), ...more]);

  it.each([
    ['socket', 13, 'EINVAL', /14 bytes at least, those of the Ethernet header\.$/],
    ['socket', 5000, 'EINVAL', /14 bytes at least.* must fit a page .*3712 bytes at most/],
    ['xdp', 13, 'EINVAL', /14 bytes at least, those of the Ethernet header\.$/],
    ['xdp', 80_000, 'ENOMEM', /too long.*17 fragments/],
    ['raw_tp', 14, 'EINVAL', /no packet \(data_in\) but a context \(ctx_in\)\.$/],
  ])('of a %s program with %d bytes: %s', (name, packet, errno, remedy) => {
    const { status, stderr } = run(name, packet);
    const [first, ...rest] = stderr.trim().split('\n');
    expect(status).toBe(1);
    expect(first).toBe(`tsbpf: Cannot run the program: bpf(BPF_PROG_TEST_RUN) failed with ${errno}`);
    expect(rest.map((line) => line.trim()).join(' ')).toMatch(remedy);
  });

  it('gives an XDP program more than a page', () => {
    expect(run('xdp', 5000)).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    ['repeat', '99999999999', "can't parse 99999999999 as repeat"],
    ['repeat', '-1', "can't parse -1 as repeat"],
    ['data_size_out', '4294967295', 'data_size_out 4294967295 is too much'],
    ['ctx_size_out', '4294967295', 'ctx_size_out 4294967295 is too much'],
  ])('%s %s is wrong usage', (word, number, message) => {
    const { status, stderr, stdout } = run('socket', 14, word, number);
    expect({ status, stdout, first: stderr.split('\n')[0] }).toEqual({ status: 2, stdout: '', first: `error: ${message}` });
  });

  it('goes on while a profiler sends signals', () => {
    const profiled = ['--cpu-prof', '--cpu-prof-dir', folder, '--cpu-prof-interval', '100', BIN];
    const args = [...profiled, ...wordsFor('socket', 14), 'repeat', '1000000'];
    const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Return value: 7, duration \(average\): \d+ns\n$/);
  });
});
