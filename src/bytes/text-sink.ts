// Text in the making, as bytes: for output of megabytes, whose names are bytes already and need not become strings on the way.

import { FormatError } from '../errors.js';

export interface SinkOptions {
  /**
   * Takes what is finished, a megabyte at a time; the bytes are used again afterwards. Without it everything is kept, for `text()`.
   */
  readonly write?: (chunk: Uint8Array) => void;
  /** More text than so many bytes is an error: what is described may be far smaller than its description. */
  readonly most?: number;
}

/** As much is written at once: a system call costs as much as printing some hundred lines. */
const CHUNK = 1 << 20;
const FIRST = 1 << 14;
const ZERO = 48;
const MINUS = 45;
const TAB = 9;
/** More digits at once than a number has, or tabs than a line. */
const SHORT = 32;

/** Bytes that grow, or that leave in chunks. */
export class TextSink {
  readonly #write: ((chunk: Uint8Array) => void) | undefined;
  #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;
  #gone = 0;
  #most: number;
  readonly #digits = new Uint8Array(SHORT);

  constructor({ write, most = Number.POSITIVE_INFINITY }: SinkOptions = {}) {
    this.#write = write;
    this.#most = most;
    this.#bytes = new Uint8Array(write ? CHUNK : FIRST);
  }

  /** Bytes so far. */
  get length(): number {
    return this.#gone + this.#at;
  }
  /** From here on, no more than so many bytes. */
  allow(more: number): void {
    this.#most = Math.min(this.#most, this.length + more);
  }

  /** Text that is ASCII. */
  ascii(text: string): void {
    const { length } = text;
    if (this.#at + length > this.#bytes.length) this.#makeRoom(length);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    this.#at = at;
  }
  byte(byte: number): void {
    if (this.#at === this.#bytes.length) this.#makeRoom(1);
    this.#bytes[this.#at++] = byte;
  }
  /** What stands at `start`, up to its NUL, which must be there. */
  cString(table: Uint8Array, start: number): void {
    for (let i = start; ; ) {
      if (this.#at === this.#bytes.length) this.#makeRoom(SHORT);
      const bytes = this.#bytes;
      const end = bytes.length;
      let at = this.#at;
      while (at < end) {
        const byte = table[i++] as number;
        if (byte === 0) {
          this.#at = at;
          return;
        }
        bytes[at++] = byte;
      }
      this.#at = at;
    }
  }
  bytes(part: Uint8Array): void {
    if (this.#at + part.length > this.#bytes.length) this.#makeRoom(part.length);
    this.#bytes.set(part, this.#at);
    this.#at += part.length;
  }
  tabs(count: number): void {
    for (let i = 0; i < count; i++) this.byte(TAB);
  }
  /** A number from 0 to 2^53. */
  unsigned(value: number): void {
    if (this.#at + SHORT > this.#bytes.length) this.#makeRoom(SHORT);
    if (value < 10) {
      this.#bytes[this.#at++] = ZERO + value;
      return;
    }
    const digits = this.#digits;
    let count = 0;
    let rest = value;
    while (rest > 0x7fffffff) {
      const less = Math.floor(rest / 10);
      digits[count++] = rest - less * 10;
      rest = less;
    }
    for (let small = rest | 0; small > 0; ) {
      const less = (small / 10) | 0;
      digits[count++] = small - less * 10;
      small = less;
    }
    let at = this.#at;
    while (count > 0) this.#bytes[at++] = ZERO + (digits[--count] as number);
    this.#at = at;
  }
  /** A number between -2^53 and 2^53. */
  signed(value: number): void {
    if (value < 0) this.byte(MINUS);
    this.unsigned(Math.abs(value));
  }

  /** Hands over what is left. */
  flush(): void {
    if (!this.#write || this.#at === 0) return;
    this.#write(this.#bytes.subarray(0, this.#at));
    this.#gone += this.#at;
    this.#at = 0;
  }
  /** Everything, where nothing was handed over: bytes that are no UTF-8 become U+FFFD. */
  text(): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#at));
  }

  #makeRoom(room: number): void {
    if (this.length + room > this.#most)
      throw new FormatError(`This would take more than ${this.#most} bytes of text`, {
        remedy: 'What is described has parts that stand in it many times over; it was not made by a compiler.',
      });
    this.flush();
    if (this.#at + room <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + room));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}
