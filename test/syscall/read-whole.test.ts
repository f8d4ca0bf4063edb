// What a file name on a command line may turn out to be.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SyscallError, UnsupportedError } from '../../src/errors.js';
import { read } from '../../src/syscall/index.js';

const folder = mkdtempSync(join(tmpdir(), 'tsbpf-read-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string): string => join(folder, name);

test('a file, an empty one, and one of /proc, which says that it has no bytes', () => {
  writeFileSync(file('some'), 'some');
  writeFileSync(file('none'), '');
  expect(Buffer.from(read(file('some'))).toString()).toBe('some');
  expect(read(file('none')).length).toBe(0);
  expect(Buffer.from(read('/proc/version')).toString()).toContain('Linux version');
});

test('a pipe', () => {
  expect(spawnSync('mkfifo', [file('pipe')]).status).toBe(0);
  const writer = spawnSync('sh', ['-c', `seq 100000 > '${file('pipe')}' & echo started`], { stdio: 'ignore' });
  expect(writer.status).toBe(0);
  expect(Buffer.from(read(file('pipe'))).toString()).toMatch(/^1\n2\n[\s\S]*\n100000\n$/);
});

test('a device has no end', () => {
  expect(() => read('/dev/zero')).toThrow(UnsupportedError);
  expect(() => read('/dev/zero')).toThrow('/dev/zero is a device');
});

test('a file that is too large is not begun', () => {
  writeFileSync(file('sparse'), '');
  truncateSync(file('sparse'), 5 * 2 ** 30);
  expect(() => read(file('sparse'))).toThrow(UnsupportedError);
  expect(() => read(file('sparse'))).toThrow(/5368709120 bytes[\s\S]*objcopy/);
});

test('a directory, and what is not there', () => {
  expect(() => read(folder)).toThrow(SyscallError);
  expect(() => read(folder)).toThrow('name a file in it');
  expect(() => read(file('nope'))).toThrow('There is no such file');
});
