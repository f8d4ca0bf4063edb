// The kernel's half of a ring buffer, in JavaScript: what kernel/bpf/ringbuf.c does on memory that a RingReader reads.

import { RingReader, type Waiter } from '../../src/maps/index.js';

const PAGE = 4096;
const HEADER = 8;
const BUSY = 0x80000000;
const DISCARD = 0x40000000;

/** A record that a program has reserved and not yet given back. */
export interface Reserved {
  readonly position: bigint;
  readonly length: number;
}

export class SimulatedRing {
  readonly size: number;
  readonly reader: RingReader;
  readonly #consumer = new ArrayBuffer(PAGE);
  readonly #producer: ArrayBuffer;
  readonly #view: DataView;
  #position: bigint;
  /** Records that found no room. */
  dropped = 0;

  /** @param start Where both positions stand; rings that have run for a while are anywhere in 64 bits. */
  constructor(size: number, start = 0n, weaklyOrdered = false) {
    this.size = size;
    this.#producer = new ArrayBuffer(PAGE + 2 * size);
    this.#view = new DataView(this.#producer);
    this.#position = start;
    new DataView(this.#consumer).setBigUint64(0, start, true);
    this.#publishProducer();
    this.reader = new RingReader({ consumer: this.#consumer, producer: this.#producer, pageSize: PAGE, size, weaklyOrdered });
  }

  /** Another reader, which finds the consumer's position where somebody else has moved it. */
  readerFrom(position: bigint): RingReader {
    new DataView(this.#consumer).setBigUint64(0, BigInt.asUintN(64, position), true);
    const { size } = this;
    return new RingReader({ consumer: this.#consumer, producer: this.#producer, pageSize: PAGE, size, weaklyOrdered: false });
  }

  /** As the kernel reads it: all 64 bits. */
  get consumerPosition(): bigint {
    return new DataView(this.#consumer).getBigUint64(0, true);
  }
  get producerPosition(): bigint {
    return this.#position;
  }

  /** @see __bpf_ringbuf_reserve */
  reserve(length: number): Reserved | undefined {
    const room = BigInt(Math.ceil((length + HEADER) / 8) * 8);
    if (this.#position + room - this.consumerPosition > BigInt(this.size - 1)) {
      this.dropped++;
      return undefined;
    }
    const reserved = { position: this.#position, length };
    this.#header(reserved, (length | BUSY) >>> 0);
    this.#position += room;
    this.#publishProducer();
    return reserved;
  }

  /** @see bpf_ringbuf_commit. What is written is in both mappings, as the same pages are. */
  commit(reserved: Reserved, payload: Uint8Array): void {
    for (let i = 0; i < reserved.length; i++) this.#setByte(this.#at(reserved) + HEADER + i, payload[i] as number);
    this.#header(reserved, reserved.length);
  }
  discard(reserved: Reserved): void {
    this.#header(reserved, reserved.length | DISCARD);
  }
  /** Reserve and commit; whether there was room. */
  put(payload: Uint8Array): boolean {
    const reserved = this.reserve(payload.length);
    if (reserved) this.commit(reserved, payload);
    return reserved !== undefined;
  }

  #at({ position }: Reserved): number {
    return Number(position & BigInt(this.size - 1));
  }
  #setByte(at: number, byte: number): void {
    for (const copy of [0, this.size]) this.#view.setUint8(PAGE + copy + (at % this.size), byte);
  }
  #header(reserved: Reserved, word: number): void {
    for (const copy of [0, this.size]) this.#view.setUint32(PAGE + copy + this.#at(reserved), word, true);
  }
  #publishProducer(): void {
    this.#view.setBigUint64(0, this.#position, true);
  }
}

/** A Waiter that waits until the test says that there is something to read. */
export class FakeWaiter implements Waiter {
  breaths = 0;
  disposed = false;
  readonly #waiting = new Set<(readable: boolean) => void>();

  get waits(): number {
    return this.#waiting.size;
  }
  readable(timeoutMs?: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve(false);
      const settle = (readable: boolean) => {
        this.#waiting.delete(settle);
        resolve(readable);
      };
      this.#waiting.add(settle);
      if (timeoutMs !== undefined) setTimeout(() => settle(false), timeoutMs);
      signal?.addEventListener('abort', () => settle(false), { once: true });
    });
  }
  /** There is something to read. */
  notify(): void {
    for (const settle of [...this.#waiting]) settle(true);
  }
  wake(): void {
    for (const settle of [...this.#waiting]) settle(false);
  }
  async breathe(): Promise<void> {
    this.breaths++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  [Symbol.dispose](): void {
    this.disposed = true;
    this.wake();
  }
}
