// Data that a map does not take, and names of nothing: the cause and what to do, without the help that wrong words get.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tsbpf } from '../support/cli.js';
import { describeWithKernel } from '../support/kernel.js';

describe('without a kernel', () => {
  test('a typedef of no struct has no layout', () => {
    const { status, stderr } = tsbpf(['btf', 'layout', 'pid_t']);
    expect(status).toBe(1);
    if (stderr.includes('(pid_t)')) expect(stderr).toContain('It is int; only a struct or a union has a layout.');
  });
});

describeWithKernel('data and names', () => {
  const map = `/sys/fs/bpf/tsbpf_data_errors_${process.pid}`;
  const sized = (entries: string) => ['type', 'hash', 'key', '4', 'value', '4', 'entries', entries, 'name', 'data_errors'];
  const value = ['map', 'update', 'pinned', map, 'key', '1', '0', '0', '0', 'value'];
  const prog = `${map}_prog`;
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-data-'));

  beforeAll(() => {
    expect(tsbpf(['map', 'create', map, ...sized('4')])).toMatchObject({ status: 0 });
    const object = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');
    expect(tsbpf(['prog', 'load', object, prog])).toMatchObject({ status: 0 });
  });
  afterAll(() => {
    for (const pin of [map, prog]) rmSync(pin, { force: true });
    rmSync(folder, { recursive: true });
  });

  test.each<[args: string[], what: string, remedy: string]>([
    [[...value, '{"pid":1}'], 'value expected 4 bytes', 'JSON needs types'],
    [[...value, '1', '2', '3', '999'], 'error parsing byte: 999', '0 to 255'],
    [['map', 'create', `${map}x`, ...sized('0')], 'EINVAL', 'at least 1 entry'],
    [['map', 'create', join(folder, 'x'), ...sized('1')], 'and /', 'Pin in a folder under /sys/fs/bpf; '],
    [['map', 'dump', 'pinned', '/nope'], 'Nothing is pinned', 'tsbpf map list --bpffs'],
    [['map', 'dump', 'pinned', '/etc/passwd'], 'EACCES', 'in no BPF file system'],
    [['prog', 'run', 'pinned', prog, 'data_in', '/nope'], 'Cannot read /nope', 'There is no such file'],
    [['prog', 'dump', 'xlated', 'pinned', prog, 'file', '/nope/x'], 'Cannot write /nope/x', 'Its folder does not exist'],
    [['prog', 'show', 'pinned', map], 'there is a map, not a prog', `tsbpf map show pinned ${map}`],
  ])('%j', (args, what, remedy) => {
    const { status, stdout, stderr } = tsbpf(args);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(what);
    expect(stderr).toContain(remedy);
    expect(stderr).not.toContain('Usage:');
    expect(stderr).not.toContain(`mount -t bpf bpf ${folder}`);
    const { error } = JSON.parse(tsbpf(['-j', ...args]).stdout) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ code: expect.any(String), remedy: expect.stringContaining(remedy) });
  });

  test('words that do not belong there still get help', () => {
    const { status, stderr } = tsbpf(['map', 'update', 'pinned', map, 'keys', '1']);
    expect(status).toBe(2);
    expect(stderr).toContain('Usage: tsbpf map');
  });
});
