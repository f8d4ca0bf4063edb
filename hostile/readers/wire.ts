// What the kernel writes into memory or sends: netlink answers, rings, and the structures that describe objects.

import { region } from '../../src/bytes/index.js';
import {
  attributeList,
  bpfFilterOf,
  eventJson,
  eventText,
  linkInfoOf,
  linkJson,
  linkText,
  mapInfoOf,
  mapJson,
  mapText,
  netDeviceOf,
  netJson,
  netText,
  parseAnswer,
  perfJson,
  perfText,
  progInfoOf,
  progJson,
  progText,
  tcNodeOf,
  writeJson,
} from '../../src/live/index.js';
import { compileDecoder, PerfBuffer, PerfRingReader, perfRecord, RingReader, shapeOf } from '../../src/maps/index.js';
import type { Random } from '../random.js';
import { parsed } from './btf.js';
import { mutatedBytes, NAMES, randomBytes } from './bytes.js';
import { must, mustParse, type Reader } from './reader.js';
import { inventedBtf } from './types.js';

/** Where an attribute of an answer may lie: behind the headers of a message and of what it is about. */
const aligned = (length: number): number => Math.ceil(length / 4) * 4;

/** Messages whose own lengths are right, and some inner ones are not. */
function inventedAnswer(random: Random): Uint8Array {
  const parts: number[] = [];
  const messages = 1 + random.below(3);
  for (let i = 0; i < messages; i++) {
    const type = random.pick([2, 3, 16, 36, 40, 44, 0xffff]);
    const head = type === 16 ? 16 : type === 2 || type === 3 ? 4 : 20;
    const body = [...bytesOf(random, random.chance(0.95) ? head : random.below(24)), ...attributes(random, 3)];
    parts.push(
      ...u32(16 + body.length),
      ...u16(type),
      ...u16(2),
      ...u32(7),
      ...u32(0),
      ...body,
      ...Array(aligned(body.length) - body.length).fill(0),
    );
  }
  return Uint8Array.from(parts);
}

const u16 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff];
const u32 = (value: number): number[] => [...u16(value), ...u16(value >>> 16)];
const bytesOf = (random: Random, length: number): number[] =>
  Array.from({ length }, () => random.pick([0, 1, 2, random.below(256)]));

function attributes(random: Random, depth: number): number[] {
  const all: number[] = [];
  const count = random.below(5);
  for (let i = 0; i < count; i++) {
    const value =
      depth > 0 && random.chance(0.5)
        ? attributes(random, depth - 1)
        : random.chance(0.3)
          ? [...new TextEncoder().encode(`${random.pick(['bpf', 'clsact', ...NAMES])}${random.chance(0.9) ? '\0' : ''}`)]
          : bytesOf(random, random.pick([0, 1, 4, 4, 8, 3]));
    const length = random.chance(0.95) ? 4 + value.length : random.pick([0, 3, value.length + 8, 0xffff]);
    const type = random.pick([1, 2, 3, 4, 5, 7, 9, 11, 43, 52, 53, 0x8034]);
    all.push(...u16(length), ...u16(type), ...value, ...Array(aligned(value.length) - value.length).fill(0));
  }
  return all;
}

const PAGE = 4096;
const RECORD_TYPES = [9, 9, 9, 2, 1, 0, 0xffffffff] as const;

/** Memory of a perf ring, with records that are right, and one place that is not. */
function perfMemory(random: Random, notes: string[]): ArrayBuffer {
  const size = PAGE * random.pick([1, 2, 8]);
  const memory = new ArrayBuffer(PAGE + size);
  const view = new DataView(memory);
  const tail = BigInt(random.pick([0, 8, size - 8, 0xfffffff8])) + BigInt(random.pick([0, 0, 1])) * 2n ** 40n;
  let head = tail;
  const count = random.below(60);
  for (let i = 0; i < count && head - tail < BigInt(size - 128); i++) {
    const length = random.chance(0.97) ? 8 * (1 + random.below(12)) : random.below(200);
    const at = PAGE + Number(head & BigInt(size - 1));
    view.setUint32(at, random.pick(RECORD_TYPES), true);
    view.setUint16(at + 6, length, true);
    if (at + 20 <= memory.byteLength)
      view.setUint32(at + 16, random.chance(0.8) ? Math.max(0, length - 20) : random.next(), true);
    head += BigInt(Math.max(8, length));
  }
  view.setBigUint64(1024, random.chance(0.95) ? head : BigInt(random.next()), true);
  view.setBigUint64(1032, random.chance(0.97) ? tail : BigInt(random.next()), true);
  for (let i = random.below(3); i > 0; i--) {
    const at = PAGE + 4 * random.below(size / 4);
    view.setUint32(at, random.next(), true);
    notes.push(`word ${at} of the ring`);
  }
  return memory;
}

/** A ring buffer as the kernel leaves it; its consumer's position, which others may have written, is anything. */
function ringMemory(random: Random): {
  consumer: ArrayBuffer;
  producer: ArrayBuffer;
  size: number;
  pageSize: number;
  weaklyOrdered: boolean;
} {
  const size = PAGE * random.pick([1, 2, 8]);
  const data = new ArrayBuffer(size);
  const view = new DataView(data);
  const start = 8n * BigInt(random.below(size / 8)) + BigInt(random.pick([0, 2 ** 32 - size, 2 ** 40]));
  let end = start;
  for (let i = random.below(60); i > 0; i--) {
    const length = random.below(random.pick([8, 64, 500]));
    const room = 8 + Math.ceil(length / 8) * 8;
    if (Number(end - start) + room > size) break;
    const at = Number(end & BigInt(size - 1));
    view.setUint32(at, length + random.pick([0, 0, 0, 0x40000000]) + (i === 1 ? random.pick([0, 0x80000000]) : 0), true);
    for (let byte = at + 8; byte < Math.min(size, at + room); byte += 4) view.setUint32(byte, random.next(), true);
    end += BigInt(room);
  }
  const producer = new ArrayBuffer(PAGE + 2 * size);
  const bytes = new Uint8Array(producer);
  bytes.set(new Uint8Array(data), PAGE);
  bytes.set(new Uint8Array(data), PAGE + size);
  new DataView(producer).setBigUint64(0, end, true);
  const consumer = new ArrayBuffer(PAGE);
  const position = random.chance(0.7)
    ? start
    : random.pick([start + 8n, start + 4n, end + 8n, start - 8n, BigInt(random.next())]);
  new DataView(consumer).setBigUint64(0, BigInt.asUintN(64, position), true);
  return { consumer, producer, size, pageSize: PAGE, weaklyOrdered: random.chance(0.5) };
}

const nowhere = { cpu: 0, index: 0 };

export const wireReaders = (datagrams: readonly Uint8Array[]): Reader[] => [
  {
    name: 'netlink',
    draw: (random, notes) => {
      const input = random.chance(0.5)
        ? inventedAnswer(random)
        : mutatedBytes(random.chance(0.7) ? random.pick(datagrams) : inventedAnswer(random), random, notes);
      const seq = random.pick([7, 8, 9]);
      return {
        input,
        run: (stages) => {
          const answer = stages.run('parseAnswer', () => parseAnswer(region(input), seq));
          for (const record of answer?.records ?? []) {
            const device = stages.run('netDeviceOf', () => netDeviceOf(record));
            const node = stages.run('tcNodeOf', () => tcNodeOf(record));
            const filter = stages.run('bpfFilterOf', () => bpfFilterOf(record));
            stages.run('attributeList', () => attributeList(record.body));
            const filters = filter ? [{ ...filter, kind: node?.kind ?? 'clsact' }] : [];
            const shown = { devices: [{ ifindex: 1, name: 'lo', otherNames: [], ...device, progs: [], filters }], netfilter: [] };
            stages.run('netText', () => netText(shown));
            mustParse(stages.run('netJson', () => writeJson(netJson(shown))) ?? '0');
          }
        },
      };
    },
  },
  {
    name: 'perf ring',
    draw: (random, notes) => {
      const memory = perfMemory(random, notes);
      return {
        input: new Uint8Array(memory),
        run: (stages) => {
          const copy = memory.slice(0);
          const reader = new PerfRingReader({ memory: copy, pageSize: PAGE });
          const waiter = { readable: async () => false, wake: () => {}, breathe: async () => {}, [Symbol.dispose]: () => {} };
          const buffer = new PerfBuffer({ name: 'hostile', rings: [{ cpu: 0, index: 0, reader }], waiter, close: () => {} });
          for (let i = 0; i < 5; i++)
            stages.run('consume', () =>
              buffer.consume((record) => {
                must(record.kind !== 'sample' || record.data.length <= copy.byteLength, 'more data than there is');
                eventText(record, nowhere);
                mustParse(writeJson(eventJson(record, nowhere)));
              }),
            );
          stages.run('next', () => reader.next() && perfRecord(reader));
        },
      };
    },
  },
  {
    name: 'ring buffer',
    draw: (random, notes) => {
      const memory = ringMemory(random);
      const types = inventedBtf(random, notes);
      const [place, byRun] = [1 + random.below(30), random.chance(0.5)];
      return {
        input: new Uint8Array(memory.producer),
        run: (stages) => {
          const btf = parsed(stages, types);
          const shape = btf && place < btf.length ? stages.run('shapeOf', () => shapeOf(btf, place)) : undefined;
          const decode = shape && shape.size < 4096 ? compileDecoder(shape) : () => undefined;
          const own = { ...memory, consumer: memory.consumer.slice(0) };
          const reader = stages.run('RingReader', () => new RingReader(own));
          if (!reader) return;
          const see = (bytes: Uint8Array, at: number, length: number): void => {
            must(at + length <= bytes.length, `a record of ${length} bytes at ${at} of ${bytes.length}`);
            if (length >= (shape?.size ?? 0)) decode(reader.view, bytes, at);
          };
          const most = memory.size / 8 + 1; // records that there is room for
          let count = 0;
          stages.run('records', () => {
            if (byRun) for (let run = 1; run > 0 && count <= most; count += run) run = reader.run(see);
            else for (; count <= most && reader.next(); count++) see(reader.bytes, reader.at, reader.length);
          });
          must(count <= most, 'more records than there is room for');
        },
      };
    },
  },
  {
    name: 'objects in the kernel',
    draw: (random) => {
      const input = randomBytes(512, random);
      const texts = {
        tp_name: random.pick(NAMES),
        target_name: random.pick(['task', 'cgroup', ...NAMES]),
        path: random.pick(NAMES),
      };
      const lists = { addrs: [1n, 2n ** 64n - 1n], cookies: [], offsets: [0n], ref_ctr_offsets: [] };
      const type = random.below(20);
      new DataView(input.buffer).setUint32(0, type, true);
      const pids = [{ pid: 1, comm: random.pick(NAMES) }];
      const pinned = [`/sys/fs/bpf/${random.pick(NAMES)}`];
      return {
        input,
        run: (stages) => {
          const view = new DataView(input.buffer);
          const prog = stages.run('progInfoOf', () => progInfoOf(view));
          if (prog) {
            const shown = { info: prog, name: texts.path, mapIds: [1], pids, pinned, metadata: [] };
            stages.run('progText', () => progText(shown));
            mustParse(stages.run('progJson', () => writeJson(progJson(shown))) ?? '0');
          }
          const map = stages.run('mapInfoOf', () => mapInfoOf(view));
          if (map) {
            const shown = { info: map, frozen: false, owner: { progType: type }, pids, pinned };
            stages.run('mapText', () => mapText(shown));
            mustParse(stages.run('mapJson', () => writeJson(mapJson(shown))) ?? '0');
          }
          const link = stages.run('linkInfoOf', () => linkInfoOf(view, texts, lists));
          if (link) {
            const shown = { info: link, progType: type, attachTo: texts.path, pids, pinned };
            stages.run('linkText', () => linkText(shown));
            mustParse(stages.run('linkJson', () => writeJson(linkJson(shown))) ?? '0');
          }
          const event = { pid: 1, fd: 2, progId: 3, type, name: texts.path, offset: 0n, address: 1n };
          stages.run('perfText', () => perfText(event));
          mustParse(stages.run('perfJson', () => writeJson(perfJson(event))) ?? '0');
        },
      };
    },
  },
];
