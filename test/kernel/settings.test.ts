// What a user sets before loading, as the kernel sees it.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { MapSettings, ProgramSettings } from '../../src/api/settings.js';
import { SyscallError, UsageError } from '../../src/errors.js';
import { dryRunKernel } from '../../src/load/index.js';
import type { BpfObject } from '../../src/object/index.js';
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

  test('a map that is not created is named by the refusal of a program that refers to it', () => {
    using object = open(BOOTSTRAP);
    object.map('exec_start').autocreate = false;
    expect(() => object.load()).toThrow('Program handle_exec refers to map exec_start, which is not created');
    expect(() => object.load()).toThrow('Leave autocreate of exec_start switched on');
  });

  test('maps can be walked through: those that have no answer are not listed', () => {
    using object = open(BOOTSTRAP);
    object.map('exec_start').autocreate = false;
    object.program('handle_exec').autoload = false;
    object.program('handle_exit').autoload = false;
    const names = Object.entries(object.load().maps).map(([name]) => name);
    expect(names).toContain('rb');
    expect(names).not.toContain('exec_start');
  });

  test('what a dry run has loaded is not looked for among the descriptors of this process', () => {
    using object = open(BOOTSTRAP);
    const real = object.load().fd('map', 'exec_start');
    const { facts } = object.plan();
    const kernel = dryRunKernel(facts);
    const make = { id: 'one', why: 'one', makes: 'fd', call: 'bpf', cmd: 'BPF_MAP_CREATE', attr: {} } as const;
    while (!kernel.open.has(real)) kernel.run(make, { get: () => 0 });
    const loaded = object.load({ kernel, facts });
    loaded.attach().close();
    const map = loaded.elements<number, bigint>('exec_start');
    expect(() => map.set(1, 2n)).toThrow('nothing of it is in the kernel');
    expect(() => loaded.fd('map', 'exec_start')).toThrow('was loaded by a dry run or a replay');
    expect(() => loaded.ring('rb')).toThrow(UsageError);
  });

  test('a descriptor is asked for by a name that is there', () => {
    using object = open(BOOTSTRAP);
    const loaded = object.load();
    expect(loaded.fd('map', 'exec_start')).toBeGreaterThan(2);
    expect(() => loaded.fd('map', 'exec_star')).toThrow('Did you mean "exec_start"?');
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

test('a struct_ops program follows the structures that refer to it', () => {
  const program = { name: 'p', type: 'BPF_PROG_TYPE_STRUCT_OPS', autoload: true };
  const map = { name: 'm', autocreate: true, structOps: { programs: new Map([[0, 'p']]) } };
  const holder = { object: { programs: [program], maps: [map] } as unknown as BpfObject };
  const settings = new ProgramSettings(holder, 'p');
  settings.autoload = false;
  expect(settings.autoload).toBe(true);
  new MapSettings(holder, 'm').autocreate = false;
  expect(settings.autoload).toBe(false);
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
    [
      'a pin with a dot',
      (object) => {
        object.map('rb').pinPath = '/sys/fs/bpf/rb.pin';
      },
      'The kernel takes no dot in the name of what is pinned',
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
