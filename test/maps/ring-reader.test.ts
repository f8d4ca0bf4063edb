import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Reserved, SimulatedRing } from '../support/ring.js';

const SIZE = 4096;
/** Positions from which a run crosses the end of the data, of 32 bits, of 31 bits, of 53 bits and of the signed 64. */
const STARTS = [0n, 4000n, 0x7fffff00n, 0xffffff00n, 0x1_0000_0000n, 0x1f_ffff_ffff_ff00n, 0x7fff_ffff_ffff_ff00n];

/** The next record, as a copy; undefined when none is ready. */
const take = ({ reader }: SimulatedRing): Uint8Array | undefined =>
  reader.next() ? reader.bytes.slice(reader.at, reader.at + reader.length) : undefined;
const takeAll = (ring: SimulatedRing): Uint8Array[] => {
  const all: Uint8Array[] = [];
  for (let record = take(ring); record; record = take(ring)) all.push(record);
  return all;
};
/** A record that shows which one it is, and whether it is whole. */
const record = (sequence: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (sequence * 31 + i) & 0xff);

describe('RingReader', () => {
  it('finds nothing in an empty ring', () => {
    const ring = new SimulatedRing(SIZE);
    expect(ring.reader.next()).toBe(false);
    expect(ring.reader.available).toBe(0);
    expect(ring.consumerPosition).toBe(0n);
  });

  it.each(STARTS)('gives back what was put in, from position %d on', (start) => {
    const ring = new SimulatedRing(SIZE, start);
    for (let i = 0; i < 200; i++) {
      expect(ring.put(record(i, 100))).toBe(true);
      expect(ring.put(record(i, 13))).toBe(true);
      expect(takeAll(ring)).toEqual([record(i, 100), record(i, 13)]);
      expect(ring.consumerPosition).toBe(ring.producerPosition);
    }
    expect(ring.producerPosition - start).toBe(200n * (112n + 24n));
  });

  it('reads records of no bytes', () => {
    const ring = new SimulatedRing(SIZE);
    ring.put(new Uint8Array());
    expect(takeAll(ring)).toEqual([new Uint8Array()]);
  });

  it('reads a record that runs over the end of the data in one piece', () => {
    const ring = new SimulatedRing(SIZE, 4064n);
    ring.put(record(1, 200));
    expect(take(ring)).toEqual(record(1, 200));
    expect(ring.reader.at).toBe(4072);
  });

  it('waits for a record that is being written, although later ones are ready', () => {
    const ring = new SimulatedRing(SIZE);
    ring.put(record(0, 8));
    const busy = ring.reserve(8) as Reserved;
    ring.put(record(2, 8));
    expect(takeAll(ring)).toEqual([record(0, 8)]);
    expect(ring.consumerPosition).toBe(16n); // published, so that the kernel wakes us when the busy one is committed
    expect(ring.reader.available).toBe(32);
    ring.commit(busy, record(1, 8));
    expect(takeAll(ring)).toEqual([record(1, 8), record(2, 8)]);
  });

  it('skips and counts what programs discard', () => {
    const ring = new SimulatedRing(SIZE);
    for (let i = 0; i < 10; i++) {
      const reserved = ring.reserve(24) as Reserved;
      if (i % 3 === 0) ring.commit(reserved, record(i, 24));
      else ring.discard(reserved);
    }
    expect(takeAll(ring)).toEqual([0, 3, 6, 9].map((i) => record(i, 24)));
    expect(ring.reader.discarded).toBe(6);
    expect(ring.consumerPosition).toBe(ring.producerPosition);
  });

  it('publishes only once in a while, but always before it says that there is nothing', () => {
    const ring = new SimulatedRing(64 * 1024);
    for (let i = 0; i < 150; i++) ring.put(record(i, 8));
    const published = new Set<bigint>();
    for (let i = 0; i < 150; i++) {
      take(ring);
      published.add(ring.consumerPosition);
      expect(ring.consumerPosition).toBeLessThan(BigInt(16 * (i + 1))); // the record in hand is not given back
    }
    expect(published.size).toBe(3); // 0, after 64, after 128
    expect(take(ring)).toBeUndefined();
    expect(ring.consumerPosition).toBe(150n * 16n);
  });

  it('gives room back to programs while it reads slowly, also where few records fill the ring', () => {
    const ring = new SimulatedRing(4096);
    let sent = 0;
    while (ring.put(record(sent, 400))) sent++;
    expect(sent).toBe(10);
    for (let i = 0; i < 9; i++) ring.reader.next(); // the ninth is in hand, the tenth waits
    const dropped = ring.dropped;
    for (let i = 0; i < 6; i++) ring.put(record(sent + i, 400));
    expect(ring.dropped).toBe(dropped);
  });

  it('publishes when asked', () => {
    const ring = new SimulatedRing(SIZE, 0xfffffffff8n);
    ring.put(record(0, 8));
    take(ring);
    ring.reader.publish();
    expect(ring.consumerPosition).toBe(0x100_0000_0008n);
    ring.reader.publish();
    expect(ring.consumerPosition).toBe(0x100_0000_0008n);
  });

  it('starts where an earlier reader stopped', () => {
    const ring = new SimulatedRing(SIZE, 0x1_ffff_fff0n);
    ring.put(record(7, 40));
    expect(ring.reader.available).toBe(48);
    expect(takeAll(ring)).toEqual([record(7, 40)]);
    expect(ring.consumerPosition).toBe(0x2_0000_0020n);
  });

  it('knows how full the ring is, to the last byte', () => {
    const ring = new SimulatedRing(SIZE, 0xfffff000n);
    while (ring.put(record(0, 8)));
    expect(ring.reader.available).toBe(SIZE - 16); // the kernel keeps a full ring from looking empty
    expect(takeAll(ring)).toHaveLength(255);
    expect(ring.reader.available).toBe(0);
  });
});

/** What happens to a ring, one thing after the other. */
type Act =
  | { readonly do: 'reserve'; readonly length: number }
  | { readonly do: 'finish'; readonly which: number; readonly discard: boolean }
  | { readonly do: 'take'; readonly count: number }
  | { readonly do: 'publish' };
const anAct: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      length: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 1500 })),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('finish' as const), which: fc.nat(5), discard: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 100 }) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'publish' as const }) },
);

describe('any history of a ring', () => {
  it('delivers what was committed, in the order of reservation, and counts what was discarded', () => {
    fc.assert(
      fc.property(fc.constantFrom(...STARTS), fc.boolean(), fc.array(anAct, { maxLength: 300 }), (start, weaklyOrdered, acts) => {
        const ring = new SimulatedRing(SIZE, start, weaklyOrdered);
        const open: { readonly reserved: Reserved; readonly sequence: number }[] = [];
        const expected: (Uint8Array | 'busy' | 'discarded')[] = []; // by sequence
        const received: Uint8Array[] = [];
        const finish = (index: number, discard: boolean) => {
          const [one] = open.splice(index, 1);
          if (!one) return;
          const payload = record(one.sequence, one.reserved.length);
          expected[one.sequence] = discard ? 'discarded' : payload;
          if (discard) ring.discard(one.reserved);
          else ring.commit(one.reserved, payload);
        };
        for (const act of acts) {
          const before = ring.consumerPosition;
          if (act.do === 'reserve') {
            const reserved = ring.reserve(act.length);
            if (reserved) open.push({ reserved, sequence: expected.push('busy') - 1 });
          } else if (act.do === 'finish') finish(open.length === 0 ? 0 : act.which % open.length, act.discard);
          else if (act.do === 'publish') ring.reader.publish();
          else
            for (let i = 0; i < act.count; i++) {
              const payload = take(ring);
              if (!payload) break;
              received.push(payload);
            }
          // The kernel is told the truth in all 64 bits, and never more than there is.
          expect(ring.consumerPosition).toBeGreaterThanOrEqual(before);
          expect(ring.consumerPosition).toBeLessThanOrEqual(ring.producerPosition);
        }
        while (open.length > 0) finish(0, false);
        received.push(...takeAll(ring));
        expect(received).toEqual(expected.filter((item) => item instanceof Uint8Array));
        expect(ring.reader.discarded).toBe(expected.filter((item) => item === 'discarded').length);
        expect(ring.consumerPosition).toBe(ring.producerPosition);
        expect(ring.reader.available).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
