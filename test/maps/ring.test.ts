import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { compileDecoder, RingBuffer } from '../../src/maps/index.js';
import { FakeWaiter, type SimulatedRing as Ring, SimulatedRing } from '../support/ring.js';

interface Made {
  readonly ring: Ring;
  readonly waiter: FakeWaiter;
  readonly buffer: RingBuffer<number>;
  readonly asked: (string | undefined)[];
  put(...values: readonly number[]): void;
}
/** A ring whose records are each a u32. */
function make(size = 4096): Made {
  const ring = new SimulatedRing(size);
  const waiter = new FakeWaiter();
  const asked: (string | undefined)[] = [];
  const decode = compileDecoder({ kind: 'int', size: 4, signed: false });
  const buffer = new RingBuffer<number>({
    name: 'rb',
    reader: ring.reader,
    waiter,
    decoder: (type) => {
      asked.push(type);
      return { decode, size: 4 };
    },
    close: () => closed.push('close'),
  });
  const closed: string[] = [];
  const put = (...values: readonly number[]) => {
    for (const value of values) expect(ring.put(new Uint8Array(Uint32Array.of(value).buffer))).toBe(true);
    waiter.notify();
  };
  return { ring, waiter, buffer, asked, put };
}
const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
const settled = () => new Promise((resolve) => setImmediate(resolve));
const DONE = { done: true, value: undefined };

describe('consume', () => {
  it('hands over what is ready, decoded, and counts it', () => {
    const { buffer, put, asked } = make();
    put(1, 2, 3);
    const got: number[] = [];
    expect(buffer.consume((event) => got.push(event), 'event')).toBe(3);
    expect(buffer.consume((event) => got.push(event))).toBe(0);
    expect(got).toEqual([1, 2, 3]);
    expect(buffer.consumed).toBe(3);
    expect(asked).toEqual(['event', undefined]);
  });

  it('hands over raw records as views', () => {
    const { buffer, put, ring } = make();
    put(7);
    buffer.consumeRecords((bytes, at, length) => {
      expect(bytes.buffer).toBe(ring.reader.bytes.buffer);
      expect(new DataView(bytes.buffer, bytes.byteOffset + at, length).getUint32(0, true)).toBe(7);
    });
  });

  it('counts a record as consumed whose callback throws, and goes on after it', () => {
    const { buffer, put, ring } = make();
    put(1, 2, 3);
    const got: number[] = [];
    const onEvent = (event: number) => {
      got.push(event);
      if (event === 2) throw new Error('enough');
    };
    expect(() => buffer.consume(onEvent)).toThrow('enough');
    expect(buffer.consumed).toBe(2);
    expect(ring.consumerPosition).toBe(32n);
    expect(buffer.consume(onEvent)).toBe(1);
    expect(got).toEqual([1, 2, 3]);
  });

  it('refuses records that are shorter than the type', () => {
    const { buffer, ring } = make();
    ring.put(new Uint8Array(3));
    expect(() => buffer.consume(() => {})).toThrow('A record of 3 bytes came through rb, but its type has 4');
    expect(buffer.consumed).toBe(1);
  });

  it('stops when its callback closes the ring', () => {
    const { buffer, put } = make();
    put(1, 2, 3);
    const got: number[] = [];
    const count = buffer.consume((event) => {
      got.push(event);
      buffer.close();
    });
    expect([count, got]).toEqual([1, [1]]);
  });

  it('may be called from its own callback', () => {
    const { buffer, put } = make();
    put(1, 2, 3);
    const got: number[] = [];
    buffer.consume((event) => {
      got.push(event);
      if (event === 1) buffer.consume((inner) => got.push(inner));
    });
    expect(got).toEqual([1, 2, 3]);
    expect(buffer.consumed).toBe(3);
  });
});

describe('fill, highWater and discarded', () => {
  it('say how full the ring is and was', () => {
    const { buffer, put } = make();
    expect(buffer.size).toBe(4096);
    put(1, 2, 3);
    expect(buffer.fill).toEqual({ bytes: 48, highWater: 48 });
    buffer.consume(() => {});
    expect(buffer.fill).toEqual({ bytes: 0, highWater: 48 });
    put(4);
    expect(buffer.fill).toEqual({ bytes: 16, highWater: 48 });
  });

  it.each(['consume', 'forEach', 'events'] as const)('notice how full it was when %s found it', async (how) => {
    const { buffer, put } = make();
    put(1, 2, 3);
    const stop = new AbortController();
    if (how === 'consume') buffer.consume(() => {});
    else if (how === 'events') await buffer.events(undefined, { signal: stop.signal }).next();
    else await buffer.forEach(() => void stop.abort(), { signal: stop.signal });
    expect(buffer.fill.highWater).toBe(48);
  });

  it('count what programs gave up', () => {
    const { buffer, put, ring } = make();
    put(1);
    const reserved = ring.reserve(4);
    if (reserved) ring.discard(reserved);
    put(2);
    expect(buffer.consume(() => {})).toBe(2);
    expect(buffer.discarded).toBe(1);
    expect(buffer.consumed).toBe(2);
  });
});

describe('poll', () => {
  it('takes what is there without waiting', async () => {
    const { buffer, put, waiter } = make();
    put(1);
    expect(await buffer.poll(10_000, () => {})).toBe(1);
    expect(waiter.waits).toBe(0);
  });
  it('waits for what comes', async () => {
    const { buffer, put } = make();
    const got: number[] = [];
    const poll = buffer.poll(10_000, (event) => got.push(event));
    put(5, 6);
    expect(await poll).toBe(2);
    expect(got).toEqual([5, 6]);
  });
  it('gives up after its time, on abort, and when the ring is closed', async () => {
    const { buffer } = make();
    expect(await buffer.poll(1, () => {})).toBe(0);
    const stop = new AbortController();
    const aborted = buffer.poll(60_000, () => {}, { signal: stop.signal });
    stop.abort();
    expect(await aborted).toBe(0);
    const closed = buffer.poll(60_000, () => {});
    buffer.close();
    expect(await closed).toBe(0);
  });
});

describe('events', () => {
  it('yields what is there and what comes', async () => {
    const { buffer, put } = make();
    put(1, 2);
    setImmediate(() => put(3));
    const got: number[] = [];
    for await (const event of buffer.events()) {
      got.push(event);
      if (event === 3) break;
    }
    expect(got).toEqual([1, 2, 3]);
    expect(buffer.consumed).toBe(3);
  });

  it('gives back the room of what it yielded when the loop is left', async () => {
    const { buffer, put, ring } = make();
    put(1, 2);
    for await (const event of buffer.events()) if (event === 1) break;
    expect(ring.consumerPosition).toBe(16n);
    expect(buffer.fill.bytes).toBe(16);
  });

  it('settles a pending next() on abort', async () => {
    const { buffer, waiter } = make();
    const stop = new AbortController();
    const pending = buffer.events(undefined, { signal: stop.signal }).next();
    await settled();
    expect(waiter.waits).toBe(1);
    stop.abort();
    expect(await pending).toEqual(DONE);
    expect(waiter.waits).toBe(0);
  });

  it('yields nothing when it was aborted before it began', async () => {
    const { buffer, put } = make();
    put(1);
    const events = buffer.events(undefined, { signal: AbortSignal.abort() });
    expect(await events.next()).toEqual(DONE);
    expect(buffer.fill.bytes).toBe(16);
  });

  it('settles a pending next() on return(), and stays ended', async () => {
    const { buffer, put } = make();
    const events = buffer.events();
    const pending = events.next();
    expect(await events.return?.()).toEqual(DONE);
    expect(await pending).toEqual(DONE);
    put(1);
    expect(await events.next()).toEqual(DONE);
    expect(buffer.fill.bytes).toBe(16); // still there for others
  });

  it('ends when the ring is closed', async () => {
    const { buffer, waiter } = make();
    const loop = (async () => {
      for await (const _ of buffer.events());
      return 'ended';
    })();
    await settled();
    buffer.close();
    expect(await loop).toBe('ended');
    expect(waiter.disposed).toBe(true);
  });

  it('goes on after a record that cannot be decoded', async () => {
    const { buffer, put, ring } = make();
    ring.put(new Uint8Array(1));
    put(2);
    const events = buffer.events();
    await expect(events.next()).rejects.toThrow(UsageError);
    expect(await events.next()).toEqual({ done: false, value: 2 });
    expect(buffer.consumed).toBe(2);
  });

  it('answers several next() at once, each with its own event', async () => {
    const { buffer, put } = make();
    const events = buffer.events();
    const pending = [events.next(), events.next(), events.next()];
    await settled();
    put(1, 2, 3);
    expect((await Promise.all(pending)).map(({ value }) => value).sort()).toEqual([1, 2, 3]);
  });

  it('yields records as views', async () => {
    const { buffer, put, ring } = make();
    put(9);
    const { value } = await buffer.records().next();
    expect(value.buffer).toBe(ring.reader.bytes.buffer);
    expect([...value]).toEqual([9, 0, 0, 0]);
  });
});

describe('several consumers', () => {
  it('share the events: each goes to one of them', async () => {
    const { buffer, put } = make(64 * 1024);
    const got: number[][] = [[], [], []];
    const loops = got.map(async (list) => {
      for await (const event of buffer.events()) {
        list.push(event);
        if (list.length % 7 === 0) await settled();
      }
    });
    const stop = new AbortController();
    const called: number[] = [];
    const calls = buffer.forEach((event) => void called.push(event), { signal: stop.signal });
    for (let i = 0; i < 50; i++) {
      put(...numbers(i * 40, 40));
      await settled();
    }
    stop.abort();
    await calls;
    buffer.consume((event) => called.push(event));
    buffer.close();
    await Promise.all(loops);
    expect([...got.flat(), ...called].sort((a, b) => a - b)).toEqual(numbers(0, 2000));
    expect(buffer.consumed).toBe(2000);
  });

  it('do not end each other', async () => {
    const { buffer, put } = make();
    const first = buffer.events();
    const second = buffer.events();
    const pending = [first.next(), second.next()];
    await settled();
    await first.return?.();
    expect(await pending[0]).toEqual(DONE);
    put(4);
    expect(await pending[1]).toEqual({ done: false, value: 4 });
  });
});

describe('forEach', () => {
  it('calls for each event until it is aborted, then no more', async () => {
    const { buffer, put } = make();
    put(1, 2, 3);
    const stop = new AbortController();
    const got: number[] = [];
    await buffer.forEach(
      (event) => {
        got.push(event);
        if (event === 2) stop.abort();
      },
      { signal: stop.signal },
    );
    expect(got).toEqual([1, 2]);
    expect(buffer.fill.bytes).toBe(16);
  });

  it('settles on abort while it waits', async () => {
    const { buffer } = make();
    const stop = new AbortController();
    const loop = buffer.forEach(() => {}, { signal: stop.signal });
    await settled();
    stop.abort();
    await loop;
  });

  it('rejects when the callback throws; its record counts as consumed', async () => {
    const { buffer, put, ring } = make();
    put(1, 2);
    const loop = buffer.forEach(() => {
      throw new Error('enough');
    });
    await expect(loop).rejects.toThrow('enough');
    expect(buffer.consumed).toBe(1);
    expect(ring.consumerPosition).toBe(16n);
  });

  it('ends when its callback closes the ring', async () => {
    const { buffer, put } = make();
    put(1, 2, 3);
    const got: number[] = [];
    await buffer.forEach((event) => {
      got.push(event);
      buffer.close();
    });
    expect(got).toEqual([1]);
  });
});

describe('a ring that never runs dry', () => {
  /** Refills while it is read, so that there is always something ready. */
  const endless = () => {
    const made = make();
    const refill = (event: number) => {
      if (event < 30_000) made.put(event + 1);
    };
    made.put(0);
    return { ...made, refill };
  };

  it('lets the process breathe between events', async () => {
    const { buffer, refill, waiter } = endless();
    let timers = 0;
    const timer = setInterval(() => timers++, 0);
    for await (const event of buffer.events()) {
      refill(event);
      if (event === 30_000) break;
    }
    clearInterval(timer);
    expect(waiter.breaths).toBeGreaterThanOrEqual(7); // 30,000 / 4096
    expect(timers).toBeGreaterThan(0);
  });

  it('lets the process breathe between callbacks', async () => {
    const { buffer, refill, waiter } = endless();
    const stop = new AbortController();
    await buffer.forEach(
      (event) => {
        refill(event);
        if (event === 30_000) stop.abort();
      },
      { signal: stop.signal },
    );
    expect(waiter.breaths).toBeGreaterThanOrEqual(7);
  });
});

describe('a closed ring', () => {
  it('refuses to be read, and may be closed again', () => {
    const { buffer, put } = make();
    put(1);
    buffer.close();
    buffer.close();
    buffer[Symbol.dispose]();
    for (const use of [
      () => buffer.consume(() => {}),
      () => buffer.events(),
      () => buffer.records(),
      () => buffer.consumeRecords(() => {}),
    ]) {
      expect(use).toThrow(new UsageError('Ring buffer rb is closed'));
    }
    expect(buffer.fill.bytes).toBe(0);
  });

  it('refuses to be polled or looped over', async () => {
    const { buffer } = make();
    buffer.close();
    await expect(buffer.poll(1, () => {})).rejects.toThrow('Ring buffer rb is closed');
    await expect(buffer.forEach(() => {})).rejects.toThrow('Ring buffer rb is closed');
  });
});
