// What users hold of a ring buffer map: events as they come, by callback or as an async iterable, decoded or raw.

import { UsageError } from '../errors.js';
import type { Decode } from './decode.js';
import type { OnRecord, RingReader } from './ring-reader.js';

/** Waiting, which the shell does. */
export interface Waiter extends Disposable {
  /** Settles with true when there may be something to read, with false after `timeoutMs` or when `signal` aborts. */
  readable(timeoutMs?: number, signal?: AbortSignal): Promise<boolean>;
  /** Settles all that wait now with false. */
  wake(): void;
  /** Lets timers, signals and other I/O of the process have their turn. */
  breathe(): Promise<void>;
}

export interface RingParts {
  readonly name: string;
  readonly reader: RingReader;
  readonly waiter: Waiter;
  /** A decoder for records of the named type; without a name, of the type that the object leaves no doubt about. */
  readonly decoder: (type: string | undefined) => { readonly decode: Decode; readonly size: number };
  readonly close: () => void;
}

export interface RecordOptions {
  readonly signal?: AbortSignal;
}
export interface EventOptions extends RecordOptions {
  /** The records' type in the object's BTF: `event`. May be left out where the object has only one candidate. */
  readonly type?: string;
}

/** After this many events in one go the rest of the process gets a turn: some milliseconds at most. */
const EVENTS_A_TURN = 4096;

/**
 * A ring buffer. Records come in the order in which programs reserved them. However many consumers there are, each record goes
 * to one of them.
 * @typeParam E What its events decode to.
 */
export class RingBuffer<E = unknown> implements Disposable {
  readonly name: string;
  readonly #parts: RingParts;
  #closed = false;
  #highWater = 0;

  constructor(parts: RingParts) {
    this.#parts = parts;
    this.name = parts.name;
  }

  /** Capacity in bytes. */
  get size(): number {
    return this.#parts.reader.size;
  }
  /** Bytes that wait to be read now, the 8-byte headers included; and the most that any look at the ring has found. */
  get fill(): { readonly bytes: number; readonly highWater: number } {
    const bytes = this.#look();
    return { bytes, highWater: this.#highWater };
  }
  /** Records that programs reserved and gave up again. They take room and are not delivered. */
  get discarded(): number {
    return this.#parts.reader.discarded;
  }
  /** Records delivered so far. */
  get consumed(): number {
    return this.#parts.reader.delivered;
  }

  /**
   * Hands all records that are ready to `onEvent`, decoded, and returns their number. Does not wait. If the callback throws,
   * its record counts as consumed.
   */
  consume(onEvent: (event: E) => void, type?: string): number {
    const decode = this.#decoder(type);
    return this.consumeRecords((bytes, at, length) => onEvent(decode(bytes, at, length) as E));
  }

  /**
   * The same without decoding: a record is `length` bytes at `at` of `bytes`, which view the kernel's memory and are good until
   * the callback returns. The fastest way to read a ring.
   */
  consumeRecords(onRecord: OnRecord): number {
    const reader = this.#reader();
    this.#look();
    let count = 0;
    try {
      for (let run = 1; run > 0 && !this.#closed; count += run) run = reader.run(onRecord);
    } finally {
      reader.publish();
    }
    return count;
  }

  /**
   * Waits at most `timeoutMs` for records, then consumes as `consume` does; 0 when none came, or `signal` aborted. As in
   * epoll_wait(2), a negative time is forever; so is Infinity.
   */
  async poll(timeoutMs: number, onEvent: (event: E) => void, { type, signal }: EventOptions = {}): Promise<number> {
    if (Number.isNaN(timeoutMs)) throw new UsageError(`poll of ${this.name}: the time is not a number`);
    const before = this.consume(onEvent, type);
    const timeout = timeoutMs < 0 || timeoutMs === Number.POSITIVE_INFINITY ? undefined : timeoutMs;
    if (before > 0 || signal?.aborted || !(await this.#wait(timeout, signal)) || this.#closed) return before;
    return this.consume(onEvent, type);
  }

  /** Calls `onEvent` for each event until `signal` aborts or the ring is closed. */
  async forEach(onEvent: (event: E) => void, { type, signal }: EventOptions = {}): Promise<void> {
    const decode = this.#decoder(type);
    await this.forEachRecord((bytes, at, length) => onEvent(decode(bytes, at, length) as E), signal ? { signal } : {});
  }

  /** `forEach` without decoding; see `consumeRecords`. */
  async forEachRecord(onRecord: OnRecord, { signal }: RecordOptions = {}): Promise<void> {
    const reader = this.#reader();
    // The callback itself may abort. A listener tells: asking the signal for each record costs more than the record.
    let aborted = signal?.aborted ?? false;
    const abort = () => {
      aborted = true;
      reader.stop();
    };
    signal?.addEventListener('abort', abort);
    try {
      while (!aborted && !this.#closed) {
        this.#look();
        let turn = 0;
        for (let run = 1; run > 0 && turn < EVENTS_A_TURN && !aborted && !this.#closed; turn += run) run = reader.run(onRecord);
        await (turn > 0 ? this.#parts.waiter.breathe() : this.#wait(undefined, signal));
      }
    } finally {
      reader.publish();
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Events as they come, until `signal` aborts, the loop is left, or the ring is closed. A pending `next()` settles then.
   * @param type The records' type, if the object has more than one candidate; or all options, as `forEach` takes them.
   */
  events(type?: string | EventOptions, options: RecordOptions = {}): AsyncIterableIterator<E> {
    const named: EventOptions = typeof type === 'object' ? type : { ...options, ...(type !== undefined && { type }) };
    const { reader } = this.#parts;
    const decode = this.#decoder(named.type);
    return this.#iterate(() => decode(reader.bytes, reader.at, reader.length) as E, named.signal);
  }

  /**
   * Records as views of the kernel's memory, each good until the next turn of the loop, or until another consumer takes a record;
   * `slice()` keeps one.
   */
  records({ signal }: RecordOptions = {}): AsyncIterableIterator<Uint8Array> {
    const reader = this.#reader();
    return this.#iterate(() => reader.bytes.subarray(reader.at, reader.at + reader.length), signal);
  }

  /** A hand-made iterator, because `return()` of an async generator waits for a pending `next()`, which may never come. */
  #iterate<T>(read: () => T, signal: AbortSignal | undefined): AsyncIterableIterator<T> {
    const { reader, waiter } = this.#parts;
    const done = { done: true, value: undefined } as const;
    let finished = false;
    let turn = 0;
    const stopped = () => finished || this.#closed || signal?.aborted;
    const next = async (): Promise<IteratorResult<T>> => {
      while (!stopped()) {
        if (turn === 0) this.#look();
        if (turn < EVENTS_A_TURN && reader.next()) {
          turn++;
          return { done: false, value: read() };
        }
        const isTired = turn === EVENTS_A_TURN;
        turn = 0;
        await (isTired ? waiter.breathe() : this.#wait(undefined, signal));
      }
      if (!this.#closed) reader.publish();
      return done;
    };
    return {
      next,
      return: async () => {
        finished = true;
        waiter.wake();
        if (!this.#closed) reader.publish();
        return done;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /**
   * Waits until there may be something to read. The kernel wakes a reader only for the record at the published position: so
   * everything is published, and then looked at once more, because a record may have come in between.
   */
  async #wait(timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<boolean> {
    const { reader, waiter } = this.#parts;
    reader.publish();
    if (reader.available === 0) return waiter.readable(timeoutMs, signal);
    await waiter.breathe();
    return true;
  }

  #reader(): RingReader {
    if (this.#closed) throw new UsageError(`Ring buffer ${this.name} is closed`);
    return this.#parts.reader;
  }

  #look(): number {
    const bytes = this.#closed ? 0 : this.#parts.reader.available;
    if (bytes > this.#highWater) this.#highWater = bytes;
    return bytes;
  }

  /** @throws from what it returns, {UsageError} when a record is shorter than the type. */
  #decoder(type: string | undefined): (bytes: Uint8Array, at: number, length: number) => unknown {
    const { view } = this.#reader();
    const { decode, size } = this.#parts.decoder(type);
    return (bytes, at, length) => {
      if (length < size)
        throw new UsageError(`A record of ${length} bytes came through ${this.name}, but its type has ${size}`, {
          remedy: 'Name the right type: events("…").',
        });
      return decode(view, bytes, at);
    };
  }

  /** Ends all waiting and iterating, and unmaps the ring. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts.reader.stop();
    this.#parts.waiter[Symbol.dispose]();
    this.#parts.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }
}
