// What a user sets before loading, as the kernel sees it.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { MapSettings, ProgramSettings } from '../../src/api/settings.js';
import { SyscallError, UsageError, VerifierError } from '../../src/errors.js';
import { dryRunKernel } from '../../src/load/index.js';
import type { BpfObject } from '../../src/object/index.js';
import { describeFacts, wanted } from '../../src/plan/index.js';
import { BPF_ATTACH_TYPE, BPF_PROG_TYPE, type BpfAttachType, type BpfProgType } from '../../src/uapi/enums.js';
import { describeWithKernel, holdings } from '../support/kernel.js';

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

  test('a program that is not to be attached is loaded, and left out by attach()', () => {
    using object = open(BOOTSTRAP);
    object.program('handle_exit').autoattach = false;
    const loaded = object.load();
    expect(loaded.fd('program', 'handle_exit')).toBeGreaterThan(2);
    const { names } = loaded.attach();
    expect(names).toContain('link handle_exec');
    expect(names).not.toContain('link handle_exit');
  });

  test('a map of another load takes the place of one, for as long as either is open', () => {
    using first = open(BOOTSTRAP);
    const owner = first.load();
    using second = open(BOOTSTRAP);
    second.map('exec_start').reuseFd(owner.fd('map', 'exec_start'));
    const before = holdings();
    const loaded = second.load();
    expect(loaded.fd('map', 'exec_start')).not.toBe(owner.fd('map', 'exec_start'));
    loaded.elements<number, bigint>('exec_start').set(1, 5n);
    expect(owner.elements<number, bigint>('exec_start').get(1)).toBe(5n);
    owner.close();
    expect(loaded.elements<number, bigint>('exec_start').get(1)).toBe(5n);
    loaded.close();
    expect(holdings().fds.length).toBeLessThan(before.fds.length);
  });

  test('what is no map takes the place of none', () => {
    using object = open(BOOTSTRAP);
    const program = object.load().fd('program', 'handle_exec');
    expect(() => object.map('rb').reuseFd(program)).toThrow('is no map');
    expect(() => object.map('rb').reuseFd(100000)).toThrow(UsageError);
  });

  test('a map of other sizes gives them to the one whose place it takes', () => {
    using object = open(BOOTSTRAP);
    object.map('exec_start').maxEntries = 3;
    const fd = object.load().fd('map', 'exec_start');
    using other = open(BOOTSTRAP);
    other.map('exec_start').reuseFd(fd);
    expect(other.map('exec_start').maxEntries).toBe(3);
    expect(other.map('exec_start').pinName).toBe('exec_start');
    other.map('rb').reuseFd(fd);
    expect(other.map('rb').pinName).toBe('exec_start');
    expect(() => other.load()).toThrow(VerifierError); // handle_exec reserves room in rb, which is a hash map now
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
      'a program type that is none',
      (object) => {
        object.program('handle_exec').type = 'BPF_PROG_TYPE_KPROB' as BpfProgType;
      },
      'Did you mean "BPF_PROG_TYPE_KPROBE"?',
    ],
    [
      'an attach type that is none',
      (object) => {
        object.program('handle_exec').expectedAttachType = 'fentry' as BpfAttachType;
      },
      '"fentry" is no attach type',
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

  test('a program of another type is loaded as that, and means nothing else any more', () => {
    using object = open(BOOTSTRAP);
    const program = object.program('handle_exec');
    const load = () => {
      const { steps } = object.plan({ facts: describeFacts({ kernelBtf: object.object.btf }) });
      const step = steps.find(({ id }) => id === 'prog handle_exec');
      return step?.call === 'bpf' ? step.attr : undefined;
    };
    expect(program.hasLink).toBe(true);
    program.type = 'BPF_PROG_TYPE_TRACEPOINT'; // which it is
    expect(program.hasLink).toBe(true);
    program.expectedAttachType = 'BPF_CGROUP_INET4_BIND';
    program.type = 'BPF_PROG_TYPE_CGROUP_SOCK_ADDR';
    expect(program.hasLink).toBe(false);
    expect(load()).toMatchObject({
      prog_type: BPF_PROG_TYPE.BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
      expected_attach_type: BPF_ATTACH_TYPE.BPF_CGROUP_INET4_BIND,
    });
    program.expectedAttachType = undefined;
    expect(load()).not.toHaveProperty('expected_attach_type');
    expect(program.expectedAttachType).toBeUndefined();
  });

  test('nothing is asked about tracepoints that nothing will be attached to', () => {
    using object = open(BOOTSTRAP);
    expect(wanted(object.object).tracepoints).toHaveLength(2);
    object.program('handle_exec').autoattach = false;
    expect(wanted(object.object).tracepoints).toEqual(['sched/sched_process_exit']);
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
