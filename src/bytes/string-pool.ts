// Strings that are written: a string table in the making, with each string once.

import { utf8Bytes } from './text.js';

// One character per byte, whatever the bytes are: only keys of a map are made with it.
const keyDecoder = new TextDecoder('latin1');
const LONGEST_BY_HAND = 12;

function keyOf(text: Uint8Array): string {
  if (text.length > LONGEST_BY_HAND) return keyDecoder.decode(text);
  let key = '';
  for (const byte of text) key += byte < 0x80 ? String.fromCharCode(byte) : keyDecoder.decode(Uint8Array.of(byte));
  return key;
}

/** NUL-terminated strings in the order in which they were added, the empty one first. Compared byte by byte, so nothing is lost. */
export class StringPool {
  readonly #known = new Map<string, number>([['', 0]]);
  #bytes = new Uint8Array(256);
  #length = 1;

  /** Of all strings with their NULs, in bytes. */
  get length(): number {
    return this.#length;
  }
  /** A view of what is there so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Where a string stands, which is added if it is new. @param text Without its NUL, and without any in it. */
  add(text: Uint8Array): number {
    const key = keyOf(text);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const offset = this.#length;
    this.#reserve(offset + text.length + 1);
    this.#bytes.set(text, offset);
    this.#length = offset + text.length + 1;
    this.#known.set(key, offset);
    return offset;
  }
  addText(text: string): number {
    return this.add(utf8Bytes(text));
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(length, this.#bytes.length * 2));
    larger.set(this.bytes);
    this.#bytes = larger;
  }
}
