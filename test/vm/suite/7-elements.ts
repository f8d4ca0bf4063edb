// What is in maps, and what comes through them, with the calls that a kernel has: batches came with 5.6, and grew with later ones.

import assert from 'node:assert/strict';
import type { PerfRecord } from '../../../src/maps/index.js';
import { createMap, elementOps, elements, mapInfo, type NewMap, openPerfBuffer } from '../../../src/syscall/index.js';
import { BPF_MAP_TYPE } from '../../../src/uapi/enums.js';
import { runPacketProgram } from '../../support/programs.js';
import { clean, group, openNamed } from '../support/kernel.js';

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const number = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
const made = (attr: Omit<NewMap, 'map_name'>) => {
  const map = createMap({ map_name: 'walked', ...attr });
  const info = mapInfo(map.fd);
  return { ...map, info, ops: elementOps(map.fd, info) };
};
const found = ({ fd, info }: ReturnType<typeof made>) =>
  [...elements(fd, info)].flatMap(({ key, value }) => ('errno' in value ? [] : [[number(key), number(value)] as const]));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

group('elements', () => {
  for (const type of ['HASH', 'LRU_HASH', 'ARRAY', 'PERCPU_HASH', 'PERCPU_ARRAY'] as const)
    clean(`all three thousand of a map of type ${type} are found, once each`, () => {
      using map = made({
        map_type: BPF_MAP_TYPE[`BPF_MAP_TYPE_${type}`],
        key_size: 4,
        value_size: 8,
        max_entries: type.startsWith('LRU') ? 9000 : 3000,
      });
      const value = new Uint8Array(map.ops.valueSize);
      for (const key of upTo(3000)) {
        value.set(u32(key ^ 0x5a5a));
        map.ops.update(u32(key), value, 0);
      }
      const sorted = found(map).sort(([a], [b]) => a - b);
      assert.deepEqual(
        sorted,
        upTo(3000).map((key) => [key, key ^ 0x5a5a]),
      );
    });

  clean('an array of maps with holes, longer than a batch', () => {
    using inner = made({ map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 4, max_entries: 1 });
    using map = made({
      map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY_OF_MAPS,
      key_size: 4,
      value_size: 4,
      max_entries: 2600,
      inner_map_fd: inner.fd,
    });
    const filled = [0, 5, 2048, 2599]; // few: each takes a grace period
    for (const key of filled) map.ops.update(u32(key), u32(inner.fd), 0);
    assert.deepEqual(
      found(map),
      filled.map((key) => [key, inner.info.id]),
    );
  });

  clean('records of a perf event array come, and wake who waits', async () => {
    using object = openNamed('perf');
    using loaded = object.load();
    const fd = loaded.fd('map', 'events');
    using buffer = openPerfBuffer({ name: 'events', fd, maxEntries: mapInfo(fd).maxEntries });
    const seen: bigint[] = [];
    const take = (record: PerfRecord) => {
      assert.ok(record.kind === 'sample');
      const view = new DataView(record.data.buffer, record.data.byteOffset);
      assert.equal(view.getBigUint64(8, true), BigInt.asUintN(64, ~view.getBigUint64(0, true)));
      seen.push(view.getBigUint64(0, true));
    };
    for (let i = 0; i < 3000; i++) {
      assert.equal(runPacketProgram(loaded.fd('program', 'write')), 0);
      if (i % 100 === 0) buffer.consume(take);
      if (i % 500 === 499)
        while (seen.length <= i) {
          assert.ok(await buffer.readable(5000));
          buffer.consume(take);
        }
    }
    assert.deepEqual(
      seen.sort((a, b) => Number(a - b)),
      upTo(3000).map(BigInt),
    );
    assert.equal(buffer.lost, 0n);
    buffer.close();
    assert.equal(runPacketProgram(loaded.fd('program', 'write')), -2);
  });
});
