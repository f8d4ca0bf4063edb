// Reading perf event arrays, with a program that writes to them.

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PerfRecord } from '../../src/maps/index.js';
import { onlineCpus, openPerfBuffer } from '../../src/syscall/index.js';
import { describeWithCompiler } from '../support/compile.js';
import { describeWithKernel, holdings } from '../support/kernel.js';
import { PerfWriter } from '../support/perf-writer.js';

const ENOENT = -2;
const first = (record: PerfRecord): number | string =>
  record.kind === 'sample' ? Number(new DataView(record.data.slice().buffer).getBigUint64(0, true)) : record.kind;

describeWithCompiler('a perf event array', () => {
  describeWithKernel('in the kernel', () => {
    let writer: PerfWriter;
    beforeAll(() => {
      writer = new PerfWriter();
    });
    afterAll(() => writer?.[Symbol.dispose]());
    const open = (map = 'pipe_a', ...place: Parameters<typeof openPerfBuffer>[1][]) => openPerfBuffer(writer.map(map), ...place);

    it('gives what was written on each CPU, in its order, with growing times', () => {
      using buffer = open();
      using _other = open('pipe_b');
      expect(buffer.cpus).toEqual(onlineCpus());
      for (const cpu of buffer.cpus) expect(writer.write({ cpu, size: 13, count: 100, first: 1000 * cpu })).toBe(0);
      const seen = new Map<number, number[]>();
      const times = new Map<number, bigint>();
      const count = buffer.consume((record, { cpu, index }) => {
        expect(index).toBe(cpu);
        if (record.kind !== 'sample') throw new Error(record.kind);
        expect(record.data.length).toBe(20); // 13, filled up to words
        expect([...record.data.subarray(8)]).toEqual([8, 9, 10, 11, 12, 0, 0, 0, 0, 0, 0, 0]);
        expect(record.time).toBeGreaterThan(times.get(cpu) ?? 0n);
        times.set(cpu, record.time);
        seen.set(cpu, [...(seen.get(cpu) ?? []), first(record) as number]);
      });
      expect(count).toBe(100 * buffer.cpus.length);
      for (const cpu of buffer.cpus) expect(seen.get(cpu)).toEqual(Array.from({ length: 100 }, (_, i) => 1000 * cpu + i));
      expect(buffer.lost).toBe(0n);
    });

    it('gives whole records across the end of the ring, many times over', () => {
      using buffer = open();
      using _other = open('pipe_b');
      let next = 0;
      for (let i = 0; i < 300; i++) {
        for (const size of [8 + ((i * 37) % 4000), 16]) {
          writer.write({ size, first: next });
          const expected = Uint8Array.from({ length: size }, (_, at) => at);
          new DataView(expected.buffer).setBigUint64(0, BigInt(next++), true);
          const seen: Uint8Array[] = [];
          buffer.consume((record) => record.kind === 'sample' && seen.push(record.data.slice(0, size)));
          expect(seen).toEqual([expected]);
        }
      }
    });

    it('counts what found no room, and goes on', () => {
      using buffer = open('pipe_a', { cpu: 0, index: 0 });
      using _other = open('pipe_b');
      writer.write({ size: 1000, count: 500 });
      const before: (number | string)[] = [];
      buffer.consume((record) => before.push(first(record)));
      expect(before).toEqual(Array.from({ length: before.length }, (_, i) => i));
      expect(before.length).toBe(Math.floor((16 * 4096 - 1) / 1024)); // header, time and size take 20 bytes, the data 1004
      expect(buffer.lost).toBe(0n);
      writer.write({ first: 7777 });
      const after: (number | string)[] = [];
      buffer.consume((record) => after.push(first(record)));
      expect(after).toEqual(['lost', 7777]);
      expect(buffer.lost).toBe(BigInt(500 - before.length));
    });

    it('wakes a reader for each record, however they come', async () => {
      using buffer = open();
      using _other = open('pipe_b');
      for (let i = 0; i < 200; i++) {
        const cpu = buffer.cpus[i % buffer.cpus.length] as number;
        // Before the wait, in the same turn after it, and in a later turn: none may be missed.
        const waiting = i % 3 === 0 ? undefined : buffer.readable(5000);
        if (i % 3 === 2) await pause(i % 5);
        writer.write({ first: i, cpu });
        const seen: (number | string)[] = [];
        expect(await (waiting ?? buffer.readable(5000))).toBe(true);
        while (buffer.consume((record) => seen.push(first(record))) === 0) expect(await buffer.readable(5000)).toBe(true);
        expect(seen).toEqual([i]);
      }
    }, 60_000);

    it('wakes for the first record, whenever it comes after opening', async () => {
      for (let i = 0; i < 60; i++) {
        using buffer = open();
        using _other = open('pipe_b');
        const turns = i % 6;
        const waiting = (async () => {
          while (buffer.consume(() => {}) === 0) if (!(await buffer.readable(5000))) return false;
          return true;
        })();
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        writer.write();
        expect(await waiting).toBe(true);
      }
    }, 60_000);

    it('does not wake when there is nothing, and waits without work', async () => {
      using buffer = open();
      await buffer.readable(100); // that all is set up is told as if there were something
      const before = process.cpuUsage();
      expect(await buffer.readable(500)).toBe(false);
      const { user, system } = process.cpuUsage(before);
      expect(user + system).toBeLessThan(100_000);
    });

    it('ends waiting when it is closed, or the signal says so', async () => {
      const buffer = open();
      await buffer.readable(100);
      const stop = new AbortController();
      const waits = [buffer.readable(undefined, stop.signal), buffer.readable()];
      stop.abort();
      expect(await waits[0]).toBe(false);
      buffer.close();
      expect(await waits[1]).toBe(false);
      expect(await buffer.readable()).toBe(false);
      expect(() => buffer.consume(() => {})).toThrow('is closed');
    });

    it('is taken out of the map when it is closed, although the map keeps what is in it', () => {
      expect(writer.write()).toBe(ENOENT);
      {
        using _buffer = open();
        using _other = open('pipe_b');
        expect(writer.write()).toBe(0);
      }
      expect(writer.write()).toBe(ENOENT);
    });

    it('of fewer places than CPUs has rings for as many', () => {
      using buffer = open('pipe_small');
      expect(buffer.cpus).toEqual([0]);
    });

    it.each([
      [{ cpu: 0, index: 256 }, /past the end of the map/],
      [{ cpu: 4000, index: 0 }, /There is no such CPU/],
    ])('that cannot be opened leaves nothing behind: %j', (place, message) => {
      const before = holdings();
      expect(() => open('pipe_a', place)).toThrow(message);
      expect(holdings()).toEqual(before);
    });

    it('leaves nothing behind when it is closed', async () => {
      const use = async () => {
        using buffer = open();
        using _other = open('pipe_b');
        writer.write();
        await buffer.readable(1000);
        buffer.consume(() => {});
      };
      await use();
      const before = holdings();
      await use();
      expect(holdings()).toEqual(before);
    });
  });
});
