// What users hold of a perf event array: the rings of its CPUs, read one after the other.

import { UsageError } from '../errors.js';
import { type PerfRecord, type PerfRingReader, perfRecord } from './perf-ring.js';
import type { Waiter } from './ring.js';

/** The ring of one CPU, and the place of the map that programs find it by: the number of the CPU, most often. */
export interface PerfRing {
  readonly cpu: number;
  readonly index: number;
  readonly reader: PerfRingReader;
}

export interface PerfBufferParts {
  readonly name: string;
  readonly rings: readonly PerfRing[];
  /** Wakes for any of the rings. */
  readonly waiter: Waiter;
  readonly close: () => void;
}

/** After this many records of a ring it is the next one's turn, so that a busy CPU does not keep others waiting. */
const RECORDS_A_TURN = 4096;

/**
 * A perf buffer. Each CPU has its own ring: records of one CPU come in order, those of several need not. Records that found no room
 * are counted by the kernel, and told of by a record of their own before the next that found some.
 */
export class PerfBuffer implements Disposable {
  readonly name: string;
  readonly #parts: PerfBufferParts;
  #closed = false;
  #lost = 0n;

  constructor(parts: PerfBufferParts) {
    this.#parts = parts;
    this.name = parts.name;
  }

  get cpus(): readonly number[] {
    return this.#parts.rings.map(({ cpu }) => cpu);
  }
  /** Records that found no room, as far as records told of them. */
  get lost(): bigint {
    return this.#lost;
  }

  /**
   * Hands over the records that are ready, some thousands of each ring at most, and returns their number. Does not wait. Data of a
   * record is good until the callback returns; if it throws, its record counts as consumed.
   * @throws {FormatError} when a ring does not hold records; {UsageError} after `close`.
   */
  consume(onRecord: (record: PerfRecord, ring: PerfRing) => void): number {
    if (this.#closed) throw new UsageError(`Perf buffer ${this.name} is closed`);
    let count = 0;
    for (const ring of this.#parts.rings) {
      const { reader } = ring;
      try {
        for (let turn = 0; turn < RECORDS_A_TURN && !this.#closed && reader.next(); turn++, count++) {
          const record = perfRecord(reader);
          if (record.kind === 'lost') this.#lost += record.lost;
          onRecord(record, ring);
        }
      } finally {
        if (!this.#closed) reader.publish();
      }
    }
    return count;
  }

  /** Settles with true when there may be something to consume, with false after `timeoutMs`, at `signal`'s end or the buffer's. */
  async readable(timeoutMs?: number, signal?: AbortSignal): Promise<boolean> {
    return !this.#closed && this.#parts.waiter.readable(timeoutMs, signal);
  }

  /** Ends all waiting, takes the rings out of the map and unmaps them. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.waiter[Symbol.dispose]();
    this.#parts.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}
