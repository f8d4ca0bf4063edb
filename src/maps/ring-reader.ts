// Reading a BPF ring buffer: pure memory. The shell maps it and waits for it; this file knows its layout and its rules.

import { FormatError } from '../errors.js';
import { BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT, BPF_RINGBUF_HDR_SZ } from '../uapi/bpf.js';

/**
 * The kernel's side of a ring buffer.
 * @see kernel/bpf/ringbuf.c: one consumer page, one producer page, then the data, mapped twice in a row so that no record wraps.
 */
export interface RingMemory {
  /** Writable: the consumer position, a 64-bit counter, in its first 8 bytes. */
  readonly consumer: ArrayBuffer;
  /** The producer page followed by twice the data. */
  readonly producer: ArrayBuffer;
  readonly pageSize: number;
  /** Bytes of data; a power of two. */
  readonly size: number;
  /**
   * Plain loads of a header are not ordered before those of its payload by the processor. x86 orders them by itself; arm64
   * does not, and there each header is loaded by Atomics, which is slower.
   */
  readonly weaklyOrdered: boolean;
}

/**
 * After this many records the consumer position is published although more are ready. Publishing is an atomic store of a bigint,
 * several times the cost of reading a record; the kernel needs it only to reuse the room, and to know when to wake us.
 */
const PUBLISH_EVERY = 64;
/** But never is more than this part of the ring kept from the kernel by a reader that takes its time. */
const PUBLISH_PART = 1 / 8;

const BUSY = BPF_RINGBUF_BUSY_BIT | 0;
const DISCARDED = BPF_RINGBUF_DISCARD_BIT;
const LENGTH = 0x3fffffff;

/** Takes one record: `length` bytes at `at` of `bytes`, which view the kernel's memory. */
export type OnRecord = (bytes: Uint8Array, at: number, length: number) => void;

/**
 * A cursor over the records. After `next()` has answered true, the record is `length` bytes at `at` of `view` and `bytes`, and
 * stays there until `next()` or `publish()` is called again.
 */
export class RingReader {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly size: number;
  at = 0;
  length = 0;
  /** Records handed out. */
  delivered = 0;
  /** Records that the program gave up after reserving them. */
  discarded = 0;
  readonly #consumer: BigInt64Array;
  readonly #producer: Int32Array;
  readonly #headers: Int32Array;
  readonly #mask: number;
  readonly #weaklyOrdered: boolean;
  // Positions are 64-bit counters of which only the low halves are kept: their differences never exceed the ring's size.
  /** Up to here records were handed out. */
  #position: number;
  /** The producer's position when it was last looked at. */
  #end: number;
  /** What the kernel was told. */
  #published: number;
  #unpublishedRecords = 0;
  readonly #mostUnpublished: number;

  constructor({ consumer, producer, pageSize, size, weaklyOrdered }: RingMemory) {
    this.#consumer = new BigInt64Array(consumer, 0, 1);
    this.#producer = new Int32Array(producer, 0, 2);
    this.#headers = new Int32Array(producer, pageSize, (2 * size) / 4);
    this.view = new DataView(producer, pageSize, 2 * size);
    this.bytes = new Uint8Array(producer, pageSize, 2 * size);
    this.size = size;
    this.#mask = size - 1;
    this.#mostUnpublished = size * PUBLISH_PART;
    this.#weaklyOrdered = weaklyOrdered;
    this.#position = Number(BigInt.asIntN(32, Atomics.load(this.#consumer, 0)));
    this.#end = this.#position;
    this.#published = this.#position;
  }

  /** Bytes that wait to be consumed, headers included. */
  get available(): number {
    return (Atomics.load(this.#producer, 0) - this.#position) >>> 0;
  }

  /**
   * Goes to the next record that is ready; false when there is none. The record before it is consumed.
   * @throws {FormatError} when there is no record where one must be: somebody else who has the ring mapped moved the consumer's position.
   *         All that waited is skipped, so that later records can be read.
   */
  next(): boolean {
    if (this.#advance()) return true;
    // The kernel wakes a reader only for the record at the published position: publish, then look for the last time.
    this.publish();
    return this.#advance();
  }

  #advance(): boolean {
    for (;;) {
      if (this.#position === this.#end && !this.#look()) return false;
      if (this.#unpublishedRecords >= PUBLISH_EVERY || (this.#position - this.#published) >>> 0 >= this.#mostUnpublished)
        this.publish();
      const at = this.#position & this.#mask;
      const header = this.#weaklyOrdered ? Atomics.load(this.#headers, at >>> 2) : (this.#headers[at >>> 2] as number);
      if ((header & BUSY) !== 0) return false; // still being written; what follows it must wait, to keep the order
      const length = header & LENGTH;
      const next = (this.#position + ((length + BPF_RINGBUF_HDR_SZ + 7) & ~7)) | 0;
      if (((this.#end - next) | 0) < 0) throw this.#broken(`A record has ${length} bytes`);
      this.#position = next;
      this.#unpublishedRecords++;
      if ((header & DISCARDED) === 0) {
        this.at = at + BPF_RINGBUF_HDR_SZ;
        this.length = length;
        this.delivered++;
        return true;
      }
      this.discarded++;
    }
  }

  /** Whether the producer has gone further. */
  #look(): boolean {
    this.#end = Atomics.load(this.#producer, 0);
    if ((this.#end - this.#position) >>> 0 > this.size || (this.#position & 7) !== 0)
      throw this.#broken('No record begins there');
    return this.#position !== this.#end;
  }

  #broken(what: string): FormatError {
    const offset = this.#position & this.#mask;
    const waiting = (this.#end - this.#position) >>> 0;
    // All 64 bits: by those that were found there, the kernel could take the ring for full.
    const end = Atomics.load(new BigInt64Array(this.#producer.buffer, this.#producer.byteOffset, 1), 0);
    Atomics.store(this.#consumer, 0, end);
    this.#end = this.#position = this.#published = Number(BigInt.asIntN(32, end));
    this.#unpublishedRecords = 0;
    return new FormatError(`${what}, and ${waiting} wait in a ring of ${this.size}`, {
      where: { section: 'ring buffer', offset },
      remedy: 'What waited is skipped. Only one reader may say how far it is: does another process read the same map?',
    });
  }

  /**
   * Hands over the next records that are ready, one run of them: as many as may go by unpublished, and fewer if something comes in between. Takes half
   * the time of a loop over `next()`, because almost everything stays in registers. Publishes only once in a while, even when
   * there is nothing more: a program need not wake a reader that is still at it, which would take it longer than its record.
   * @returns Their number; 0 when none is ready. Who then waits, publishes first.
   */
  run(onRecord: OnRecord): number {
    if (!this.#advance()) return 0; // which also deals with all that is not a plain record
    const { bytes } = this;
    const headers = this.#headers;
    const mask = this.#mask;
    const weaklyOrdered = this.#weaklyOrdered;
    let { at, length } = this;
    let position = this.#position;
    const publishAt = (this.#published + this.#mostUnpublished) | 0;
    let count = 0;
    try {
      for (;;) {
        count++;
        onRecord(bytes, at, length);
        // The callback may have read on itself, or called stop(). Past the end is only what was no record: #advance refuses what follows.
        if (position !== this.#position || ((this.#end - position) | 0) <= 0) return count;
        if (count === PUBLISH_EVERY || ((position - publishAt) | 0) >= 0) return count;
        at = position & mask;
        length = weaklyOrdered ? Atomics.load(headers, at >>> 2) : (headers[at >>> 2] as number);
        if ((length & ~mask) !== 0) return count; // busy, discarded, or longer than the ring
        at += BPF_RINGBUF_HDR_SZ;
        position = (position + ((length + BPF_RINGBUF_HDR_SZ + 7) & ~7)) | 0;
        this.#position = position;
      }
    } finally {
      this.delivered += count - 1;
      this.#unpublishedRecords += count - 1;
    }
  }

  /** Ends the run that is going on after the record in hand. */
  stop(): void {
    this.#end = this.#position;
  }

  /** Tells the kernel that all records handed out so far are consumed. */
  publish(): void {
    this.#unpublishedRecords = 0;
    if (this.#published === this.#position) return;
    const before = Atomics.load(this.#consumer, 0);
    Atomics.store(this.#consumer, 0, before + BigInt((this.#position - this.#published) >>> 0));
    this.#published = this.#position;
  }
}
