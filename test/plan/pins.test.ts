// Where maps are pinned: directories that are made, and those that cannot be.

import { describe, expect, test } from 'vitest';
import type { BpfObject } from '../../src/object/index.js';
import { describeFacts, type PinFolder } from '../../src/plan/index.js';
import { planPinRoot } from '../../src/plan/pins.js';

const pinning = (...paths: string[]): BpfObject =>
  ({ where: {}, maps: paths.map((pinPath) => ({ pinPath, autocreate: true })) }) as unknown as BpfObject;
const plan = (folders: readonly (readonly [string, PinFolder])[], ...paths: string[]) =>
  planPinRoot(pinning(...paths), describeFacts({ pinFolders: new Map(folders) }));

describe('directories of pins', () => {
  test('are made from the top, each once, and taken away again by a load that fails', () => {
    const steps = plan(
      [
        ['/sys/fs/bpf/a/b', 'absent'],
        ['/sys/fs/bpf/a', 'absent'],
        ['/sys/fs/bpf', 'bpffs'],
      ],
      '/sys/fs/bpf/a/b/one',
      '/sys/fs/bpf/a/two',
    );
    expect(steps).toMatchObject([
      { call: 'mkdir', path: '/sys/fs/bpf/a', undo: { call: 'rmdir', path: '/sys/fs/bpf/a' } },
      { call: 'mkdir', path: '/sys/fs/bpf/a/b', undo: { call: 'rmdir', path: '/sys/fs/bpf/a/b' } },
    ]);
  });

  test('are made after the file system that they are in is mounted', () => {
    const steps = plan(
      [
        ['/sys/fs/bpf/a', 'absent'],
        ['/sys/fs/bpf', 'other file system'],
      ],
      '/sys/fs/bpf/a/one',
    );
    expect(steps.map(({ call }) => call)).toEqual(['mount', 'mkdir']);
  });

  test('are not made in another file system', () => {
    const folders = [
      ['/tmp/a', 'absent'],
      ['/tmp', 'other file system'],
    ] as const;
    expect(() => plan(folders, '/tmp/a/one')).toThrow(
      'Maps and programs can be pinned in a BPF file system only, and /tmp is none',
    );
    expect(() => plan(folders, '/tmp/a/one')).not.toThrow(/mount .*\/tmp/); // which would hide what is in it
  });

  test('are not mounted where that is not wanted', () => {
    const folders = new Map<string, PinFolder>([['/sys/fs/bpf', 'other file system']]);
    const load = (mount: boolean) =>
      planPinRoot(pinning(), { pinFolders: folders }, { pins: [{ kind: 'map', name: 'a', path: '/sys/fs/bpf/a' }], mount });
    expect(load(true)).toMatchObject([{ call: 'mount' }]);
    expect(() => load(false)).toThrow('this load may not mount it');
  });

  test('that are not known are taken to be there', () => {
    expect(plan([], '/sys/fs/bpf/a/one')).toEqual([]);
  });
});
