import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../src/errors.js';
import { PerfBuffer, type PerfRecord, perfRecord } from '../../src/maps/index.js';
import { paddedTo, SimulatedPerfRing, sample } from '../support/perf-ring.js';
import { FakeWaiter } from '../support/ring.js';

const SIZE = 4096;
/** Positions from which a run crosses the end of the data, of 31 bits, of 32 bits, of 53 bits and of the signed 64. */
const STARTS = [0n, 4000n, 0x7fffff00n, 0xffffff00n, 0x1_0000_0000n, 0x1f_ffff_ffff_ff00n, 0x7fff_ffff_ffff_ff00n];
const SAMPLE = 9;
const LOST = 2;
const THROTTLE = 5;

/** Data that show which they are, and whether they are whole. */
const data = (sequence: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (sequence * 31 + i) & 0xff);
const padded = (bytes: Uint8Array): Uint8Array => {
  const room = new Uint8Array(paddedTo(bytes.length));
  room.set(bytes);
  return room;
};

/** The next record, its data copied; undefined when there is none. */
function take({ reader }: SimulatedPerfRing): PerfRecord | undefined {
  if (!reader.next()) return undefined;
  const record = perfRecord(reader);
  return record.kind === 'sample' ? { ...record, data: record.data.slice() } : record;
}
function takeAll(ring: SimulatedPerfRing): PerfRecord[] {
  const all: PerfRecord[] = [];
  for (let record = take(ring); record; record = take(ring)) all.push(record);
  return all;
}
const asSample = (time: bigint, bytes: Uint8Array): PerfRecord => ({
  type: SAMPLE,
  size: 8 + 8 + 4 + paddedTo(bytes.length),
  kind: 'sample',
  time,
  data: padded(bytes),
});

describe('PerfRingReader', () => {
  it('finds nothing in an empty ring', () => {
    expect(new SimulatedPerfRing(SIZE).reader.next()).toBe(false);
  });

  it.each(STARTS)('gives back what was put in, from position %d on', (start) => {
    const ring = new SimulatedPerfRing(SIZE, start);
    for (let i = 0; i < 200; i++) {
      expect(ring.output(BigInt(i), data(i, 100))).toBe(true);
      expect(ring.output(BigInt(i), data(i, 13))).toBe(true);
      expect(takeAll(ring)).toEqual([asSample(BigInt(i), data(i, 100)), asSample(BigInt(i), data(i, 13))]);
      expect(ring.tail).toBe(ring.head);
    }
    expect(ring.head - start).toBe(200n * (20n + 100n + 20n + 20n));
  });

  it.each([8, 16, 24, 40, 2000])('gives in one piece a record that runs over the end after %d bytes', (before) => {
    const ring = new SimulatedPerfRing(SIZE, BigInt(SIZE - before));
    ring.output(5n, data(1, 3000));
    expect(take(ring)).toEqual(asSample(5n, data(1, 3000)));
    ring.output(6n, data(2, 10)); // and the next one where it lies
    expect(take(ring)).toEqual(asSample(6n, data(2, 10)));
  });

  it('keeps a record as it is until the next is asked for, and then gives its room back', () => {
    const ring = new SimulatedPerfRing(SIZE);
    ring.output(1n, data(1, 1004));
    ring.reader.next();
    expect(ring.tail).toBe(0n);
    expect(ring.reader.next()).toBe(false);
    expect(ring.tail).toBe(1024n);
  });

  it('gives room back while it reads slowly', () => {
    const ring = new SimulatedPerfRing(SIZE);
    for (let i = 0; i < 15; i++) ring.output(BigInt(i), data(i, 236));
    const tails = new Set<bigint>();
    for (let i = 0; i < 15; i++) {
      expect(take(ring)).toEqual(asSample(BigInt(i), data(i, 236)));
      expect(ring.tail).toBeLessThanOrEqual(BigInt(256 * i)); // the record in hand is not given back
      tails.add(ring.tail);
    }
    expect(tails.size).toBe(8); // an eighth of the ring at a time
  });

  it('starts where an earlier reader stopped', () => {
    const ring = new SimulatedPerfRing(SIZE, 0x1_ffff_fff0n);
    ring.output(7n, data(7, 40));
    expect(takeAll(ring)).toEqual([asSample(7n, data(7, 40))]);
    expect(ring.tail).toBe(0x2_0000_0030n);
  });

  it('tells how many found no room', () => {
    const ring = new SimulatedPerfRing(SIZE);
    let sent = 0;
    while (ring.output(BigInt(sent), data(sent, 1004))) sent++;
    expect(sent).toBe(3); // the ring is never full to the last byte
    for (let i = 0; i < 4; i++) ring.output(9n, data(0, 1004));
    expect(takeAll(ring)).toHaveLength(3);
    ring.output(10n, data(3, 4));
    expect(takeAll(ring)).toEqual([{ type: LOST, size: 24, kind: 'lost', id: 77n, lost: 5n }, asSample(10n, data(3, 4))]);
  });

  it('hands on records that it knows nothing of', () => {
    const ring = new SimulatedPerfRing(SIZE);
    ring.put(THROTTLE, new Uint8Array(24));
    ring.put(0xffffffff, new Uint8Array());
    expect(takeAll(ring)).toEqual([
      { type: THROTTLE, size: 32, kind: 'other' },
      { type: 0xffffffff, size: 8, kind: 'other' },
    ]);
  });
});

/** A word that is a header, whatever it is read as: some fit into a small ring, some nowhere. */
const aHeader = fc
  .tuple(fc.constantFrom(SAMPLE, LOST, THROTTLE), fc.oneof(fc.constantFrom(8, 16, 24, 32, 120), fc.nat(0xffff)))
  .map(([type, size]) => BigInt(type) | (BigInt(size) << 48n));

describe('a ring that somebody else wrote to', () => {
  it.each([0, 4, 7, 12, 33, 48, 0xfff8])('has a record that says it has %d bytes of 40', (says) => {
    const ring = new SimulatedPerfRing(SIZE, 4080n);
    ring.put(SAMPLE, sample(1n, data(1, 20)), says);
    expect(() => ring.reader.next()).toThrow(`A record has ${says} bytes, and 40 wait`);
    expect(ring.tail).toBe(ring.head); // skipped
    ring.output(2n, data(2, 4));
    expect(takeAll(ring)).toEqual([asSample(2n, data(2, 4))]);
  });

  it.each([SIZE + 8, 2 ** 31, 2 ** 32 - 8])('says that %d bytes wait', (waiting) => {
    const ring = new SimulatedPerfRing(SIZE, 0x1_0000_0000n);
    ring.moveHead(ring.head + BigInt(waiting));
    expect(() => ring.reader.next()).toThrow(`${waiting} bytes are said to wait in a ring of 4096`);
    expect(ring.reader.next()).toBe(false);
  });

  it.each([1, 4, 7])('goes on %d bytes further', (bytes) => {
    const ring = new SimulatedPerfRing(SIZE, 4088n);
    ring.moveHead(ring.head + BigInt(bytes));
    expect(() => ring.reader.next()).toThrow(FormatError);
    ring.moveHead(ring.head + 16n);
    expect(() => ring.reader.next()).toThrow('A record begins between two words');
    expect(ring.reader.next()).toBe(false);
  });

  it('stood between two words from the start', () => {
    const ring = new SimulatedPerfRing(SIZE, 4093n);
    ring.moveHead(4200n);
    expect(() => ring.reader.next()).toThrow('A record begins between two words');
  });

  it.each([
    ['a sample without room for its size', SAMPLE, new Uint8Array(8), 'A sample does not fit into its record of 16 bytes'],
    ['a sample larger than its record', SAMPLE, sample(1n, data(1, 4), 5), 'of 24 bytes: it says 5'],
    ['a sample larger than everything', SAMPLE, sample(1n, data(1, 4), 0xffffffff), 'of 24 bytes: it says 4294967295'],
    ['a count that is cut off', LOST, new Uint8Array(8), 'A count of what was lost does not fit into its record of 16 bytes'],
  ])('has %s', (_, type, payload, message) => {
    const ring = new SimulatedPerfRing(SIZE);
    ring.put(type, payload);
    expect(ring.reader.next()).toBe(true);
    expect(() => perfRecord(ring.reader)).toThrow(message);
    ring.output(3n, data(3, 4));
    expect(take(ring)).toEqual(asSample(3n, data(3, 4)));
  });

  it('whatever is in it, ends in records or a FormatError', () => {
    fc.assert(
      fc.property(
        fc.array(aHeader, { minLength: 64, maxLength: 64 }),
        fc.bigInt(0n, 2n ** 64n - 1n),
        fc.nat(600),
        (headers, start, ahead) => {
          const ring = new SimulatedPerfRing(512, start);
          ring.scribble(new Uint8Array(BigUint64Array.from(headers).buffer));
          ring.moveHead(BigInt.asUintN(64, start + BigInt(ahead)));
          for (let turn = 0; turn < 100; turn++) {
            try {
              if (!ring.reader.next()) return;
              perfRecord(ring.reader);
            } catch (error) {
              expect(error).toBeInstanceOf(FormatError);
            }
          }
          throw new Error('there was no end');
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('any history of a perf ring', () => {
  it('delivers what found room, in order, and counts the rest', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...STARTS),
        fc.array(fc.oneof(fc.record({ length: fc.nat(1500) }), fc.record({ take: fc.integer({ min: 1, max: 20 }) })), {
          maxLength: 200,
        }),
        (start, acts) => {
          const ring = new SimulatedPerfRing(SIZE, start);
          const sent: PerfRecord[] = [];
          const received: PerfRecord[] = [];
          let [dropped, told] = [0n, 0n];
          const receive = (record: PerfRecord) => {
            if (record.kind === 'lost') told += record.lost;
            else received.push(record);
          };
          acts.forEach((act, i) => {
            if ('length' in act) {
              const bytes = data(i, act.length);
              if (ring.output(BigInt(i), bytes)) sent.push(asSample(BigInt(i), bytes));
              else dropped++;
            } else
              for (let n = 0; n < act.take; n++) {
                const record = take(ring);
                if (!record) break;
                receive(record);
              }
            expect(ring.tail).toBeLessThanOrEqual(ring.head);
          });
          for (const record of takeAll(ring)) receive(record);
          ring.output(0n, new Uint8Array()); // which tells of what was dropped last
          const last = takeAll(ring);
          for (const record of last.slice(0, -1)) receive(record);
          expect(received).toEqual(sent);
          expect(told).toBe(dropped);
          expect(ring.tail).toBe(ring.head);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('PerfBuffer', () => {
  const several = () => {
    const rings = [3, 5].map((cpu) => ({ cpu, index: cpu + 1, simulated: new SimulatedPerfRing(SIZE) }));
    const waiter = new FakeWaiter();
    let closed = 0;
    const buffer = new PerfBuffer({
      name: 'events',
      rings: rings.map(({ cpu, index, simulated }) => ({ cpu, index, reader: simulated.reader })),
      waiter,
      close: () => {
        closed++;
      },
    });
    return {
      buffer,
      waiter,
      rings: rings.map(({ simulated }) => simulated) as [SimulatedPerfRing, SimulatedPerfRing],
      closed: () => closed,
    };
  };

  it('reads one ring after the other, and says which', () => {
    const { buffer, rings } = several();
    rings[1].output(1n, data(1, 4));
    rings[0].output(2n, data(2, 4));
    rings[1].output(3n, data(3, 4));
    const seen: unknown[] = [];
    expect(buffer.consume((record, { cpu, index }) => seen.push([cpu, index, record.kind === 'sample' && record.time]))).toBe(3);
    expect(seen).toEqual([
      [3, 4, 2n],
      [5, 6, 1n],
      [5, 6, 3n],
    ]);
    expect(buffer.cpus).toEqual([3, 5]);
    expect(rings.map(({ head, tail }) => head - tail)).toEqual([0n, 0n]);
  });

  it('lets no ring keep the others waiting', () => {
    const { buffer, rings } = several();
    rings[0].output(0n, data(0, 4));
    rings[1].output(0n, data(0, 4));
    let first = 0;
    let second = 0;
    buffer.consume((_, { cpu }) => {
      if (cpu === 5) second++;
      else if (++first < 10_000) rings[0].output(0n, data(0, 4)); // as fast as it is read
    });
    expect(first).toBe(4096);
    expect(second).toBe(1);
  });

  it('adds up what was lost', () => {
    const { buffer, rings } = several();
    for (const ring of rings) {
      for (let i = 0; i < 6; i++) ring.output(0n, data(i, 1004));
      buffer.consume(() => {});
      ring.output(0n, data(0, 4));
    }
    buffer.consume(() => {});
    expect(buffer.lost).toBe(6n);
  });

  it('counts a record as consumed whose callback throws', () => {
    const { buffer, rings } = several();
    rings[0].output(1n, data(1, 4));
    rings[0].output(2n, data(2, 4));
    const stop = () => {
      throw new Error('stop');
    };
    expect(() => buffer.consume(stop)).toThrow('stop');
    expect(rings[0].tail).toBe(24n);
    expect(buffer.consume(() => {})).toBe(1);
  });

  it('can be closed by its callback, and once only', async () => {
    const { buffer, rings, waiter, closed } = several();
    const waiting = buffer.readable();
    for (const ring of rings) for (let i = 0; i < 3; i++) ring.output(0n, data(i, 4));
    expect(buffer.consume(() => buffer.close())).toBe(1);
    buffer.close();
    expect(closed()).toBe(1);
    expect(waiter.disposed).toBe(true);
    expect(await waiting).toBe(false);
    expect(await buffer.readable()).toBe(false);
    expect(() => buffer.consume(() => {})).toThrow('Perf buffer events is closed');
  });
});
