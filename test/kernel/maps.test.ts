import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LoadedObject, open } from '../../src/api/index.js';
import { SyscallError, UsageError } from '../../src/errors.js';
import { drive, execute } from '../../src/load/index.js';
import { BpfMap, typedCodec } from '../../src/maps/index.js';
import { mapOps, realKernel } from '../../src/syscall/index.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';
import { describeWithKernel } from '../support/kernel.js';
import { fixture } from '../support/kernel-bench.js';

interface Bootstrap {
  readonly maps: { readonly exec_start: BpfMap<number, bigint> };
}
const errnoOf = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    if (error instanceof SyscallError) return error.errno;
    throw error;
  }
  return 'done';
};
const sorted = (keys: Iterable<number>): number[] => [...keys].sort((a, b) => a - b);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describeWithKernel('a hash map', () => {
  let loaded: LoadedObject<Bootstrap>;
  let map: BpfMap<number, bigint>;
  beforeEach(() => {
    loaded = open<Bootstrap>(fixture('bootstrap.bpf.o')).load();
    map = loaded.maps.exec_start;
  });
  afterEach(() => loaded.close());

  it('gives back what was set', () => {
    expect(map.get(1)).toBeUndefined();
    map.set(1, 0xfffffffffffffffen).set(-1, 2n);
    expect(map.get(1)).toBe(0xfffffffffffffffen);
    expect(map.get(-1)).toBe(2n);
    expect([map.has(1), map.has(2)]).toEqual([true, false]);
    expect([map.delete(1), map.delete(1), map.has(1)]).toEqual([true, false, false]);
    expect([...map]).toEqual([[-1, 2n]]);
    expect(map.maxEntries).toBe(8192);
  });

  it('takes update modes', () => {
    expect(errnoOf(() => map.set(1, 1n, 'replace'))).toBe('ENOENT');
    map.set(1, 1n, 'create');
    expect(errnoOf(() => map.set(1, 2n, 'create'))).toBe('EEXIST');
    map.set(1, 3n, 'replace').set(1, 4n, 'any');
    expect(map.get(1)).toBe(4n);
    expect(() => map.set(1, 2n, 'create')).toThrow(
      'Cannot set an element of map exec_start: bpf(BPF_MAP_UPDATE_ELEM) failed with EEXIST (map exec_start)\n  The key is already there.',
    );
  });

  it('takes as many entries as it has room for, and walks them all', () => {
    for (const key of numbers(8192)) map.set(key, BigInt(key));
    expect(errnoOf(() => map.set(8192, 0n))).toBe('E2BIG');
    expect(sorted(map.keys())).toEqual(numbers(8192));
    let sum = 0n;
    for (const value of map.values()) sum += value;
    expect(sum).toBe((8191n * 8192n) / 2n);
  });

  it('may be emptied while it is walked', () => {
    for (const key of numbers(500)) map.set(key, 0n);
    const seen: number[] = [];
    for (const key of map.keys()) {
      seen.push(key);
      expect(map.delete(key)).toBe(true);
    }
    expect(sorted(seen)).toEqual(numbers(500));
    expect([...map.keys()]).toEqual([]);
  });

  it('gives every entry that stays, once, while others come and go', () => {
    for (const key of numbers(300)) map.set(key, 0n);
    for (const key of numbers(300)) map.set(1000 + key, 0n);
    let turn = 0;
    const seen: number[] = [];
    for (const key of map.keys()) {
      seen.push(key);
      map.delete(1000 + ((turn * 7) % 300)); // now and then the very next one
      map.set(2000 + turn++, 0n);
    }
    expect(seen.length).toBe(new Set(seen).size);
    expect(sorted(seen.filter((key) => key < 1000))).toEqual(numbers(300));
  });

  it('gives every entry that stays while the kernel changes the map', async () => {
    for (const key of numbers(200)) map.set(-1 - key, 0n);
    using _links = loaded.attach();
    const work = spawn('/bin/sh', ['-c', 'i=0; while [ $i -lt 150 ]; do /bin/true; i=$((i+1)); done'], { stdio: 'ignore' });
    const ended = once(work, 'exit');
    let walks = 0;
    while (work.exitCode === null) {
      const seen = [...map.keys()];
      expect(seen.length).toBe(new Set(seen).size);
      expect(sorted(seen.filter((key) => key < 0))).toEqual(sorted(numbers(200).map((key) => -1 - key)));
      walks++;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    expect(walks).toBeGreaterThan(0);
  });

  it('cannot be used any more when its object is closed', () => {
    map.set(1, 1n);
    loaded.close();
    // Descriptors of the next object take the numbers of the closed ones; nothing may reach them from here.
    using other = open<Bootstrap>(fixture('bootstrap.bpf.o')).load();
    other.maps.exec_start.set(1, 5n);
    for (const use of [
      () => map.get(1),
      () => map.set(1, 6n),
      () => map.delete(1),
      () => [...map],
      () => loaded.maps.exec_start.get(1),
      () => loaded.attach(),
      () => loaded.fd('map', 'rb'),
    ]) {
      expect(use).toThrow(new UsageError('bootstrap is closed', { where: loaded.object.where }));
    }
    expect([...other.maps.exec_start]).toEqual([[1, 5n]]);
  });
});

describeWithKernel('an array map', () => {
  const make = (type: 'BPF_MAP_TYPE_ARRAY' | 'BPF_MAP_TYPE_LRU_HASH', max_entries: number) => {
    const attr = { map_type: BPF_MAP_TYPE[type], key_size: 4, value_size: 8, max_entries };
    const session = drive(
      execute([{ id: 'map a', why: 'a test', makes: 'fd', call: 'bpf', cmd: 'BPF_MAP_CREATE', attr }], realKernel),
    );
    const ops = mapOps(() => session.get({ fd: 'map a' }), {
      name: 'a',
      type: BPF_MAP_TYPE[type],
      keySize: 4,
      valueSize: 8,
      maxEntries: max_entries,
    });
    const map = new BpfMap<number, bigint>(
      'a',
      ops,
      typedCodec({ kind: 'int', size: 4, signed: false }),
      typedCodec({ kind: 'bigint', size: 8, signed: false }),
    );
    return { map, [Symbol.dispose]: () => session[Symbol.dispose]() };
  };

  it('has all its elements from the start, and keeps them', () => {
    using made = make('BPF_MAP_TYPE_ARRAY', 4);
    const { map } = made;
    expect([...map]).toEqual([
      [0, 0n],
      [1, 0n],
      [2, 0n],
      [3, 0n],
    ]);
    expect(map.set(2, 7n).get(2)).toBe(7n);
    expect([map.has(3), map.has(4), map.get(4)]).toEqual([true, false, undefined]);
    expect(errnoOf(() => map.set(4, 0n))).toBe('E2BIG');
    expect(errnoOf(() => map.set(1, 0n, 'create'))).toBe('EEXIST');
    expect(errnoOf(() => map.delete(1))).toBe('EINVAL');
  });

  it('may be a least-recently-used hash, which makes room by itself', () => {
    using made = make('BPF_MAP_TYPE_LRU_HASH', 64);
    for (const key of numbers(1000)) made.map.set(key, BigInt(key));
    const entries = [...made.map];
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.length).toBeLessThanOrEqual(64);
    for (const [key, value] of entries) expect(value).toBe(BigInt(key));
  });
});
