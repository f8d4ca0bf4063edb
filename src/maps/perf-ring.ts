// Reading the ring of a perf event, into which bpf_perf_event_output() writes: pure memory. The shell maps it and waits for it; this
// file knows its layout, and what its records hold.

import { FormatError } from '../errors.js';
import { PERF_EVENT_HDR_SZ, PERF_MMAP_PAGE, PERF_RECORD } from '../uapi/perf-event.js';

/**
 * What perf_event_open(2) maps: a page with the positions, then the data.
 * @see kernel/events/ring_buffer.c
 */
export interface PerfRingMemory {
  /** Writable, because a reader says there how far it is. */
  readonly memory: ArrayBuffer;
  /** Where the data begins. From there to the end there is a power of two of bytes. */
  readonly pageSize: number;
}

/** A reader that takes its time tells the kernel how far it is whenever so much of the ring is read. */
const PUBLISH_PART = 1 / 8;
const ALIGNED = 7;

/**
 * A cursor over records. After `next()` has answered true, the record is `length` bytes at `at` of `view` and `bytes`, its header
 * included, and stays there until `next()` or `publish()` is called again.
 */
export class PerfRingReader {
  /** Of the ring itself, or of a copy: a record may run over the end of the data, and then goes on at its start. */
  view: DataView;
  bytes: Uint8Array;
  /** Bytes of data. */
  readonly size: number;
  at = 0;
  length = 0;
  /** Of the record: one of PERF_RECORD. */
  type = 0;
  readonly #ring: Uint8Array;
  readonly #ringView: DataView;
  #copy = new Uint8Array();
  readonly #head: Int32Array;
  readonly #tail: BigInt64Array;
  readonly #mask: number;
  readonly #mostUnpublished: number;
  // Positions are 64-bit counters of which only the low halves are kept: their differences never exceed the ring's size.
  /** Up to here records were handed out. */
  #position: number;
  /** The kernel's position when it was last looked at. */
  #end: number;
  #published: number;

  constructor({ memory, pageSize }: PerfRingMemory) {
    this.size = memory.byteLength - pageSize;
    this.#head = new Int32Array(memory, PERF_MMAP_PAGE.data_head, 1);
    this.#tail = new BigInt64Array(memory, PERF_MMAP_PAGE.data_tail, 1);
    this.#ring = new Uint8Array(memory, pageSize, this.size);
    this.#ringView = new DataView(memory, pageSize, this.size);
    this.view = this.#ringView;
    this.bytes = this.#ring;
    this.#mask = this.size - 1;
    this.#mostUnpublished = this.size * PUBLISH_PART;
    this.#position = Number(BigInt.asIntN(32, Atomics.load(this.#tail, 0)));
    this.#end = this.#position;
    this.#published = this.#position;
  }

  /**
   * Goes to the next record; false when there is none. The record before it is consumed.
   * @throws {FormatError} when there is no record where one must be: somebody else who has the ring mapped wrote to it. All that
   *         waited is skipped, so that later records can be read.
   */
  next(): boolean {
    if (this.#position === this.#end) {
      this.publish();
      // Ordered before all loads that follow, so that what the kernel wrote before it moved its position is seen.
      this.#end = Atomics.load(this.#head, 0);
      if (this.#position === this.#end) return false;
    } else if ((this.#position - this.#published) >>> 0 >= this.#mostUnpublished) this.publish();
    const waiting = (this.#end - this.#position) >>> 0;
    if (waiting > this.size) throw this.#broken(`${waiting} bytes are said to wait in a ring of ${this.size}`);
    if ((this.#position & ALIGNED) !== 0) throw this.#broken('A record begins between two words');
    const at = this.#position & this.#mask;
    // struct perf_event_header. Records are whole 8-byte words, so a header never runs over the end.
    this.type = this.#ringView.getUint32(at, true);
    const length = this.#ringView.getUint16(at + 6, true);
    if (length < PERF_EVENT_HDR_SZ || (length & ALIGNED) !== 0 || length > waiting)
      throw this.#broken(`A record has ${length} bytes, and ${waiting} wait`);
    this.#place(at, length);
    this.#position = (this.#position + length) | 0;
    return true;
  }

  #place(at: number, length: number): void {
    this.length = length;
    const first = this.size - at;
    if (length <= first) [this.bytes, this.view, this.at] = [this.#ring, this.#ringView, at];
    else {
      if (this.#copy.length < length) this.#copy = new Uint8Array(length);
      this.#copy.set(this.#ring.subarray(at));
      this.#copy.set(this.#ring.subarray(0, length - first), first);
      [this.bytes, this.view, this.at] = [this.#copy, new DataView(this.#copy.buffer), 0];
    }
  }

  #broken(what: string): FormatError {
    const offset = this.#position & this.#mask;
    this.#position = this.#end;
    this.publish();
    return new FormatError(what, {
      where: { section: 'perf ring', offset },
      remedy: 'What waited is skipped. Only the kernel writes to the data of a perf ring: does something else have it mapped?',
    });
  }

  /** Tells the kernel that all records handed out so far are consumed: it may use their room again. */
  publish(): void {
    if (this.#published === this.#position) return;
    const before = Atomics.load(this.#tail, 0);
    Atomics.store(this.#tail, 0, before + BigInt((this.#position - this.#published) >>> 0));
    this.#published = this.#position;
  }
}

/** `type` and `size` are those of the header. */
export type PerfRecord = { readonly type: number; readonly size: number } & (
  | {
      readonly kind: 'sample';
      /** Nanoseconds of the clock of perf, sched_clock(): near the time since boot, and not the same on every CPU. */
      readonly time: bigint;
      /**
       * What the program wrote, and after it up to 7 bytes of anything: the kernel counts whole words, and does not say how many bytes
       * of them were written. A view of the ring, good until the reader goes on.
       */
      readonly data: Uint8Array;
    }
  | {
      readonly kind: 'lost';
      /** Of the perf event. */
      readonly id: bigint;
      /** Records for which there was no room since the last one. */
      readonly lost: bigint;
    }
  | { readonly kind: 'other' }
);

const TIME_AT = PERF_EVENT_HDR_SZ;
const RAW_SIZE_AT = TIME_AT + 8;
const RAW_AT = RAW_SIZE_AT + 4;
const LOST_SIZE = PERF_EVENT_HDR_SZ + 16;

/**
 * The record that a reader stands at, of an event with PERF_SAMPLE_TIME and PERF_SAMPLE_RAW.
 * @throws {FormatError} when its parts do not fit into it.
 */
export function perfRecord({ type, view, bytes, at, length: size }: PerfRingReader): PerfRecord {
  if (type === PERF_RECORD.PERF_RECORD_SAMPLE) {
    const room = size - RAW_AT;
    const raw = room < 0 ? undefined : view.getUint32(at + RAW_SIZE_AT, true);
    if (raw === undefined || raw > room) throw tooShort('sample', size, raw);
    return {
      type,
      size,
      kind: 'sample',
      time: view.getBigUint64(at + TIME_AT, true),
      data: bytes.subarray(at + RAW_AT, at + RAW_AT + raw),
    };
  }
  if (type === PERF_RECORD.PERF_RECORD_LOST) {
    if (size < LOST_SIZE) throw tooShort('count of what was lost', size);
    const [id, lost] = [view.getBigUint64(at + PERF_EVENT_HDR_SZ, true), view.getBigUint64(at + PERF_EVENT_HDR_SZ + 8, true)];
    return { type, size, kind: 'lost', id, lost };
  }
  return { type, size, kind: 'other' };
}

const tooShort = (what: string, size: number, raw?: number): FormatError =>
  new FormatError(`A ${what} does not fit into its record of ${size} bytes${raw === undefined ? '' : `: it says ${raw}`}`, {
    where: { section: 'perf ring' },
  });
