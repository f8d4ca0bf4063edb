// The kernel's half of a perf ring, in JavaScript: what kernel/events/ring_buffer.c does on memory that a PerfRingReader reads.

import { PerfRingReader } from '../../src/maps/index.js';

const PAGE = 4096;
const HEADER = 8;
const SAMPLE = 9;
const LOST = 2;
const LOST_SIZE = 24;

export class SimulatedPerfRing {
  readonly size: number;
  readonly reader: PerfRingReader;
  readonly #memory: ArrayBuffer;
  readonly #view: DataView;
  #head: bigint;
  #lost = 0n;

  /** @param start Where both positions stand; rings that have run for a while are anywhere in 64 bits. */
  constructor(size: number, start = 0n) {
    this.size = size;
    this.#memory = new ArrayBuffer(PAGE + size);
    this.#view = new DataView(this.#memory);
    this.#head = start;
    this.moveTail(start);
    this.moveHead(start);
    this.reader = new PerfRingReader({ memory: this.#memory, pageSize: PAGE });
  }

  get head(): bigint {
    return this.#head;
  }
  get tail(): bigint {
    return this.#view.getBigUint64(1032, true);
  }
  /** What only the kernel should do. */
  moveHead(to: bigint): void {
    this.#head = to;
    this.#view.setBigUint64(1024, to, true);
  }
  moveTail(to: bigint): void {
    this.#view.setBigUint64(1032, to, true);
  }

  /** All of the data at once. */
  scribble(bytes: Uint8Array): void {
    new Uint8Array(this.#memory).set(bytes, PAGE);
  }

  /** A record of any sort, its header included: `size` is what the header says. Whether there was room. */
  put(type: number, payload: Uint8Array, size = HEADER + payload.length): boolean {
    const room = this.#room();
    const told = this.#lost > 0n ? LOST_SIZE : 0;
    if (HEADER + payload.length + told > room) {
      this.#lost++;
      return false;
    }
    if (told > 0) {
      const lost = new BigUint64Array([77n, this.#lost]);
      this.#lost = 0n;
      this.#write(LOST, new Uint8Array(lost.buffer), LOST_SIZE);
    }
    this.#write(type, payload, size);
    return true;
  }

  /** bpf_perf_event_output() of an event with PERF_SAMPLE_TIME and PERF_SAMPLE_RAW. */
  output(time: bigint, data: Uint8Array): boolean {
    return this.put(SAMPLE, sample(time, data));
  }

  /** @see __perf_output_begin: the last byte is never used, so that a full ring does not look empty. */
  #room(): number {
    return this.size - 1 - Number(this.#head - this.tail);
  }
  #write(type: number, payload: Uint8Array, size: number): void {
    const bytes = new Uint8Array(HEADER + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, type, true);
    view.setUint16(6, size, true);
    bytes.set(payload, HEADER);
    for (const [i, byte] of bytes.entries())
      this.#view.setUint8(PAGE + Number((this.#head + BigInt(i)) & BigInt(this.size - 1)), byte);
    this.moveHead(BigInt.asUintN(64, this.#head + BigInt(bytes.length)));
  }
}

/** What follows the header of a sample; `says` is the size that stands there. */
export function sample(time: bigint, data: Uint8Array, says = paddedTo(data.length)): Uint8Array {
  const bytes = new Uint8Array(8 + 4 + paddedTo(data.length));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, time, true);
  view.setUint32(8, says, true);
  bytes.set(data, 12);
  return bytes;
}

/** Data and the 4 bytes of their size are whole words together. */
export const paddedTo = (length: number): number => Math.ceil((length + 4) / 8) * 8 - 4;
