// What a user sets before loading, as the kernel sees it.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { SyscallError, UsageError } from '../../src/errors.js';
import { describeFacts } from '../../src/plan/index.js';
import { describeWithKernel } from '../support/kernel.js';

const BOOTSTRAP = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');

describeWithKernel('settings', () => {
  test('a program that is switched off is not loaded, nor attached', () => {
    using object = open(BOOTSTRAP);
    object.program('handle_exit').autoload = false;
    const loaded = object.load();
    expect(() => loaded.fd('program', 'handle_exit')).toThrow(UsageError);
    const { names } = loaded.attach();
    expect(names).toContain('link handle_exec');
    expect(names).not.toContain('link handle_exit');
  });

  test('a map has the size that was set', () => {
    using object = open(BOOTSTRAP);
    object.map('exec_start').maxEntries = 3;
    const loaded = object.load();
    const map = loaded.elements<number, bigint>('exec_start');
    for (const key of [1, 2, 3]) map.set(key, 0n);
    expect(() => map.set(4, 0n)).toThrow('The map is full (max_entries 3)');
  });

  test('a log of programs that are taken is there if it was asked for', () => {
    using object = open(BOOTSTRAP);
    expect(object.load().log('handle_exec')).toBeUndefined();
    const all = object.load({ logLevel: 2 });
    expect(all.log('handle_exec')).toMatch(/^processed \d+ insns/m);
    expect(all.log('handle_exit')).toMatch(/R10=fp0/);
    object.program('handle_exit').logLevel = 4;
    const one = object.load();
    expect(one.log('handle_exec')).toBeUndefined();
    expect(one.log('handle_exit')).toMatch(/^verification time \d+ usec/m);
  });

  test('a token of a file system that hands nothing on says so', () => {
    using object = open(BOOTSTRAP);
    expect(() => object.load({ token: '/sys' })).toThrow(SyscallError);
    expect(() => object.load({ token: '/sys' })).toThrow('The path is no BPF file system, or the kernel is older than 6.9');
  });
});

describe('settings that cannot be', () => {
  test.each<[string, (object: ReturnType<typeof open>) => void, string]>([
    ['a program that is not there', (object) => object.program('handle_exce'), 'Did you mean "handle_exec"?'],
    ['a map that is not there', (object) => object.map('rbb'), 'Did you mean "rb"?'],
    ['a structure that is not there', (object) => object.structOps('x'), 'The object has no struct_ops "x"'],
    [
      'a size that is none',
      (object) => {
        object.map('rb').maxEntries = -1;
      },
      'max_entries of map rb cannot be -1',
    ],
    [
      'a relative pin',
      (object) => {
        object.map('rb').pinPath = 'rb';
      },
      '"rb" is no absolute path of a file',
    ],
  ])('%s', (_, set, message) => {
    using object = open(BOOTSTRAP);
    expect(() => set(object)).toThrow(UsageError);
    expect(() => set(object)).toThrow(message);
  });

  test('a program that is switched off stands in no plan', () => {
    using object = open(BOOTSTRAP);
    object.program('handle_exec').autoload = false;
    object.map('rb').pinPath = '/sys/fs/bpf/events';
    const { steps } = object.plan({ facts: describeFacts({ kernelBtf: object.object.btf }) });
    expect(steps.map(({ id }) => id)).not.toContain('prog handle_exec');
    expect(steps.find(({ id }) => id === 'pin rb')).toMatchObject({
      attr: { pathname: '/sys/fs/bpf/events' },
      undo: { call: 'unlink', path: '/sys/fs/bpf/events' },
    });
  });
});
