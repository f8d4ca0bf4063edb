import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { describeWithKernel } from '../support/kernel.js';
import { Bench, type BenchEvent, expectedEvent, SequenceCheck } from '../support/kernel-bench.js';

const MILLION = 1_000_000;
const RING_BYTES = 16 * 1024 * 1024;
const NO_WAKEUP = 1;

let bench: Bench;
const useBench = () => {
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench[Symbol.dispose]());
};

describeWithKernel('what comes through a ring buffer', () => {
  useBench();

  it('is what the program wrote, typed', () => {
    expect(bench.produce({ count: 20_000, size: 168, flags: NO_WAKEUP })).toBe(20_000);
    const events: BenchEvent[] = [];
    expect(bench.ring.consume((event) => events.push(event))).toBe(20_000);
    expect(events).toEqual(Array.from({ length: 20_000 }, (_, i) => expectedEvent(i)));
    expect(bench.ring.consumed).toBe(20_000);
  });

  it.each([16, 64, 256])('is what the program wrote, raw: %d bytes', (size) => {
    const check = new SequenceCheck(size);
    bench.produce({ count: 1000, size, flags: NO_WAKEUP });
    expect(bench.ring.fill).toEqual({ bytes: 1000 * (size + 8), highWater: 1000 * (size + 8) });
    expect(bench.ring.consumeRecords(check.onRecord)).toBe(1000);
    expect([check.received, check.missing]).toEqual([1000, 0]);
    expect(bench.ring.fill.bytes).toBe(0);
  });

  it('has the size that the object says', () => {
    expect(bench.ring.size).toBe(RING_BYTES);
    expect(bench.ring.discarded).toBe(0);
  });

  it('comes in order over many ring lengths', () => {
    const check = new SequenceCheck(256);
    for (let i = 0; i < 40; i++) {
      expect(bench.produce({ count: 30_011, size: 256, flags: NO_WAKEUP })).toBe(30_011);
      bench.ring.consumeRecords(check.onRecord);
    }
    expect(check.received * 264).toBeGreaterThan(15 * RING_BYTES);
    expect([check.received, check.missing]).toEqual([40 * 30_011, 0]);
  });

  it('is all there, or counted: a ring that overflows', () => {
    const check = new SequenceCheck(64);
    let submitted = 0;
    for (let i = 0; i < 5; i++) submitted += bench.produce({ count: 200_000, size: 64, flags: NO_WAKEUP });
    bench.ring.consumeRecords(check.onRecord);
    bench.produce({ count: 1, size: 64, flags: NO_WAKEUP }); // its number says how many were lost before it
    bench.ring.consumeRecords(check.onRecord);
    const { produced, dropped } = bench.loaded.bss;
    expect(dropped).toBeGreaterThan(0n);
    expect(submitted + 1).toBe(check.received);
    expect([BigInt(check.received), BigInt(check.missing)]).toEqual([produced, dropped]);
    expect(produced + dropped).toBe(BigInt(MILLION + 1));
  });

  it('is complete: a million records, a producer and a consumer by turns', async () => {
    const check = new SequenceCheck(64);
    const stop = new AbortController();
    const consuming = bench.ring.forEachRecord(check.onRecord, { signal: stop.signal });
    for (let left = MILLION; left > 0; left -= 10_000) {
      bench.produce({ count: 10_000, size: 64 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (bench.ring.fill.bytes > 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await consuming;
    const { produced, dropped } = bench.loaded.bss;
    expect(produced + dropped).toBe(BigInt(MILLION));
    expect(BigInt(check.received)).toBe(produced);
    expect(BigInt(check.received + check.missing)).toBeLessThanOrEqual(BigInt(MILLION)); // drops after the last one show no gap
    expect(bench.ring.consumed).toBe(check.received);
    expect(bench.ring.fill.highWater).toBeGreaterThanOrEqual(10_000 * 72);
  });

  it('goes to one of several loops', async () => {
    const pids: number[] = [];
    const loops = [1, 2, 3].map(async () => {
      for await (const event of bench.ring.events()) pids.push(event.pid);
    });
    for (let i = 0; i < 20; i++) {
      bench.produce({ count: 500, size: 168 });
      await new Promise((resolve) => setImmediate(resolve));
    }
    while (pids.length < 10_000) await new Promise((resolve) => setTimeout(resolve, 1));
    bench.ring.close();
    await Promise.all(loops);
    expect(pids.sort((a, b) => a - b)).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });
});

describeWithKernel('a producer in another process', () => {
  useBench();
  const directory = mkdtempSync(join(tmpdir(), 'tsbpf-feed-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** The path of bench/libbpf.c, compiled; undefined, with the reason said, where that cannot be. */
  const compiled = (): string | undefined => {
    const file = join(directory, 'libbpf-bench');
    try {
      execFileSync('gcc', ['-O2', '-o', file, fileURLToPath(new URL('../../bench/libbpf.c', import.meta.url)), '-lbpf'], {
        stdio: 'pipe',
      });
      return file;
    } catch (error) {
      console.warn(`the test with a producer in another process is skipped: ${(error as Error).message.split('\n')[0]}`);
      return undefined;
    }
  };

  it('at full speed loses nothing that is not counted', { timeout: 60_000 }, async ({ skip }) => {
    const feed = compiled();
    if (feed === undefined) return skip('gcc or libbpf is not here');
    const check = new SequenceCheck(64);
    const stop = new AbortController();
    const consuming = bench.ring.forEachRecord(check.onRecord, { signal: stop.signal });
    const cpu = String(availableParallelism() - 1);
    const child = spawn(feed, ['feed', 'fd:3', '64', '10000', `total=${MILLION}`, cpu], {
      stdio: ['ignore', 'pipe', 'inherit', bench.fd],
    });
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    while (bench.ring.fill.bytes > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    stop.abort();
    await consuming;
    const { records, dropped } = JSON.parse(output);
    bench.produce({ count: 1, size: 64 }); // its number shows what was lost last
    bench.ring.consumeRecords(check.onRecord);
    expect(records + dropped).toBe(MILLION);
    expect([check.received - 1, check.missing]).toEqual([records, dropped]);
    expect([bench.loaded.bss.produced, bench.loaded.bss.dropped]).toEqual([BigInt(records + 1), BigInt(dropped)]);
  });
});

describeWithKernel('waiting for a ring buffer', () => {
  useBench();
  const GENEROUS_MS = 500;
  const after = (ms: number, action: () => void) => setTimeout(action, ms);
  const took = async (work: Promise<unknown>): Promise<number> => {
    const start = performance.now();
    await work;
    return performance.now() - start;
  };

  it('ends when something comes', async () => {
    after(20, () => bench.produce({ count: 3, size: 168 }));
    const pids: number[] = [];
    for await (const { pid } of bench.ring.events()) if (pids.push(pid) === 3) break;
    expect(pids).toEqual([0, 1, 2]);
  });

  it('ends again and again', async () => {
    const iterator = bench.ring.events();
    for (let i = 0; i < 200; i++) {
      const pending = iterator.next();
      if (i % 2) await new Promise((resolve) => setImmediate(resolve));
      bench.produce({ count: 1, size: 168 });
      expect((await pending).value.pid).toBe(i);
    }
  });

  it('ends at once when its signal aborts', async () => {
    for (const wait of [
      (signal: AbortSignal) => bench.ring.events(undefined, { signal }).next(),
      (signal: AbortSignal) => bench.ring.forEach(() => {}, { signal }),
      (signal: AbortSignal) => bench.ring.poll(60_000, () => {}, { signal }),
    ]) {
      const stop = new AbortController();
      const pending = wait(stop.signal);
      await new Promise((resolve) => setTimeout(resolve, 10));
      const ended = took(pending);
      stop.abort();
      expect(await ended).toBeLessThan(GENEROUS_MS);
    }
    expect(await took(bench.ring.events(undefined, { signal: AbortSignal.timeout(20) }).next())).toBeLessThan(20 + GENEROUS_MS);
  });

  it('does not begin when its signal has aborted before', async () => {
    const events = bench.ring.events(undefined, { signal: AbortSignal.abort() });
    expect(await took(events.next())).toBeLessThan(GENEROUS_MS);
    bench.produce({ count: 1, size: 168 });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('ends after its time', async () => {
    const time = await took(bench.ring.poll(50, () => {}));
    expect(time).toBeGreaterThan(40);
    expect(time).toBeLessThan(50 + GENEROUS_MS);
  });

  it('ends when the object is closed', async () => {
    const pending = bench.ring.events().next();
    await new Promise((resolve) => setTimeout(resolve, 10));
    const ended = took(pending);
    bench.loaded.close();
    expect(await ended).toBeLessThan(GENEROUS_MS);
    expect(await pending).toEqual({ done: true, value: undefined });
  });

  it('takes no time of the processor', async () => {
    const stop = new AbortController();
    const pending = bench.ring.events(undefined, { signal: stop.signal }).next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const { user, system } = process.cpuUsage(before);
    stop.abort();
    await pending;
    expect((user + system) / 1e6).toBeLessThan(0.05);
  });
});
