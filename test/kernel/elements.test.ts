// Walking maps: many elements for a call, also while they change, and one by one where the kernel will not.

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MapInfo } from '../../src/live/index.js';
import { createMap, type Descriptor, elementOps, elements, mapInfo, type NewMap, pinObject } from '../../src/syscall/index.js';
import { BPF_F_NO_PREALLOC } from '../../src/uapi/bpf.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';
import { tsbpf } from '../support/cli.js';
import { describeWithKernel } from '../support/kernel.js';
import { describeTraced, traced } from '../support/strace.js';

const bytes = (...words: readonly number[]) => new Uint8Array(Uint32Array.from(words).buffer);
const word = (of: Uint8Array) => new DataView(of.buffer, of.byteOffset).getUint32(0, true);

interface Made extends Descriptor {
  readonly info: MapInfo;
  readonly ops: ReturnType<typeof elementOps>;
}
function made(attr: Omit<NewMap, 'map_name'>): Made {
  const map = createMap({ map_name: 'walked', ...attr });
  const info = mapInfo(map.fd);
  return { ...map, info, ops: elementOps(map.fd, info) };
}
/** The value of each key is told by the key, so that a walk can be checked. */
const valueFor = (key: number, size: number): Uint8Array => {
  const value = new Uint8Array(size);
  value.set(bytes(key ^ 0x5a5a5a5a));
  value[size - 1] = key & 0xff;
  return value;
};

describeWithKernel('walking maps', () => {
  it.each([
    ['hash', BPF_MAP_TYPE.BPF_MAP_TYPE_HASH],
    ['lru_hash', BPF_MAP_TYPE.BPF_MAP_TYPE_LRU_HASH],
    ['array', BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY],
  ])('%s: all elements, once each', (_, map_type) => {
    using map = made({ map_type, key_size: 4, value_size: 12, max_entries: 5000 });
    const count = map_type === BPF_MAP_TYPE.BPF_MAP_TYPE_LRU_HASH ? 2500 : 5000; // it drops elements before it is full
    for (let key = 0; key < count; key++) map.ops.update(bytes(key), valueFor(key, 12), 0);
    const found = [...elements(map.fd, map.info)];
    for (const { key, value } of found) expect(value).toEqual(valueFor(word(key), 12));
    expect(found.map(({ key }) => word(key)).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, key) => key));
  });

  it('a bucket that does not fit into the first batch', () => {
    // Of such values there is room for one only, and of 64 elements in as many buckets some share one.
    const size = 2_200_000;
    using map = made({
      map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH,
      key_size: 4,
      value_size: size,
      max_entries: 64,
      map_flags: BPF_F_NO_PREALLOC,
    });
    for (let key = 0; key < 24; key++) map.ops.update(bytes(key), valueFor(key, size), 0);
    const keys: number[] = [];
    for (const { key, value } of elements(map.fd, map.info)) {
      expect(Buffer.compare(value as Uint8Array, valueFor(word(key), size))).toBe(0);
      keys.push(word(key));
    }
    expect(keys.sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, key) => key));
  });

  it('a hash table to which others write: what stays is found once, and no value is of another key', () => {
    using map = made({ map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH, key_size: 4, value_size: 8, max_entries: 20_000 });
    const STABLE = 8000;
    for (let key = 0; key < STABLE; key++) map.ops.update(bytes(key), valueFor(key, 8), 0);
    for (let key = STABLE; key < 2 * STABLE; key++) map.ops.update(bytes(key), valueFor(key, 8), 0);
    const seen = new Map<number, number>();
    let oldest = STABLE;
    let newest = 2 * STABLE;
    for (const { key, value } of elements(map.fd, map.info)) {
      expect(value).toEqual(valueFor(word(key), 8));
      seen.set(word(key), (seen.get(word(key)) ?? 0) + 1);
      map.ops.delete(bytes(oldest++));
      map.ops.update(bytes(newest), valueFor(newest++, 8), 0);
    }
    for (let key = 0; key < STABLE; key++) expect(seen.get(key)).toBe(1);
    expect(newest - 2 * STABLE).toBeGreaterThan(STABLE);
  });

  it('a hash table that grows under the walk, past the room of its first batches', () => {
    using map = made({
      map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH,
      key_size: 4,
      value_size: 400_000,
      max_entries: 256,
      map_flags: 1,
    });
    for (let key = 0; key < 8; key++) map.ops.update(bytes(key), valueFor(key, 400_000), 0);
    const keys: number[] = [];
    let next = 8;
    for (const { key } of elements(map.fd, map.info)) {
      keys.push(word(key));
      for (let i = 0; i < 8 && next < 120; i++) map.ops.update(bytes(next), valueFor(next++, 400_000), 0);
    }
    expect(new Set(keys).size).toBe(keys.length);
    for (let key = 0; key < 8; key++) expect(keys).toContain(key);
  }, 60_000);

  it('a trie from which each element is taken while it is looked at comes to an end', () => {
    using map = made({
      map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_LPM_TRIE,
      key_size: 8,
      value_size: 4,
      max_entries: 5000,
      map_flags: BPF_F_NO_PREALLOC,
    });
    for (let key = 0; key < 5000; key++) map.ops.update(bytes(32, key), bytes(key), 0);
    const seen = new Set<number>();
    let count = 0;
    let added = 5000;
    for (const { key } of elements(map.fd, map.info)) {
      seen.add(word(key.subarray(4)));
      map.ops.delete(key);
      map.ops.update(bytes(32, added), bytes(added++), 0);
      count++;
    }
    expect(count).toBeLessThan(4 * 5000 + 3000);
    expect(seen.size).toBeGreaterThanOrEqual(5000);
  });

  it('an array of maps with holes, larger than a batch', () => {
    using inner = made({ map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 4, max_entries: 1 });
    using map = made({
      map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY_OF_MAPS,
      key_size: 4,
      value_size: 4,
      max_entries: 3000,
      inner_map_fd: inner.fd,
    });
    const filled = [0, 1, 5, 1023, 1024, 1025, 2047, 2048, 2999];
    for (const key of filled) map.ops.update(bytes(key), bytes(inner.fd), 0);
    const found = [...elements(map.fd, map.info)].filter(({ value }) => !('errno' in value));
    expect(found.map(({ key }) => word(key))).toEqual(filled);
    for (const { value } of found) expect(word(value as Uint8Array)).toBe(inner.info.id);
  });

  /** Calls of bpf(2) while a map is dumped. */
  const dumped = (path: string, inject: readonly string[] = []) => {
    const { status, stdout, calls } = traced(['map', 'dump', 'pinned', path, '-j'], 'bpf', inject);
    return { status, stdout, calls: calls.split('\n').filter((line) => line.includes('bpf(')) };
  };

  describeTraced('as strace sees it', () => {
    const path = `/sys/fs/bpf/tsbpf-walk-${process.pid}`;
    let map: Made;
    beforeAll(() => {
      map = made({ map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH, key_size: 4, value_size: 8, max_entries: 4000 });
      for (let key = 0; key < 3000; key++) map.ops.update(bytes(key), valueFor(key, 8), 0);
      pinObject(map.fd, path, { mount: true });
    });
    afterAll(() => {
      map?.[Symbol.dispose]();
      rmSync(path, { force: true });
    });
    const BATCH = 'BPF_MAP_LOOKUP_BATCH';
    const expected = () => JSON.parse(tsbpf(['map', 'dump', 'pinned', path, '-j']).stdout);

    it('three thousand elements take a handful of calls', () => {
      const { status, stdout, calls } = dumped(path);
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toHaveLength(3000);
      expect(calls.filter((call) => call.includes(BATCH)).length).toBeLessThan(8);
      expect(calls.some((call) => call.includes('BPF_MAP_GET_NEXT_KEY'))).toBe(false);
    });

    it.each([
      ['EINVAL', 0],
      ['524', 0],
      ['EINTR', 1],
      ['EBUSY', 2],
    ])(
      'a kernel that answers %s to batch %d: the rest is read one by one',
      (errno, batch) => {
        const at = dumped(path).calls.findIndex((call) => call.includes(BATCH)) + 1 + batch;
        const { status, stdout, calls } = dumped(path, ['-e', `inject=bpf:error=${errno}:when=${at}`]);
        expect(status).toBe(0);
        expect(calls[at - 1]).toMatch(new RegExp(`${BATCH}.*${errno}.*INJECTED`));
        expect(calls.filter((call) => call.includes('BPF_MAP_GET_NEXT_KEY')).length).toBeGreaterThan(500);
        expect(JSON.parse(stdout)).toEqual(expected());
      },
      60_000,
    );
  });
});
