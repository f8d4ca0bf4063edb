// JSON written piece by piece, as bpftool writes it: one line, or with --pretty its own way to break lines.

import { textUntilNul, utf8Bytes } from './text.js';
import type { TextSink } from './text-sink.js';

const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const SPACE = 32;
const NEWLINE = 10;
const NOT_ASCII = 0x80;
/** The control characters that have a letter. */
const LETTERS: Readonly<Record<number, string>> = { 8: 'b', 9: 't', 10: 'n', 12: 'f', 13: 'r' };

/**
 * Objects and arrays in the order in which they are told. Whoever uses it closes what was opened.
 * @see bpftool src/json_writer.c for where lines break: before each key, and before the end of what is not empty.
 */
export class JsonWriter {
  readonly #out: TextSink;
  readonly #pretty: boolean;
  #depth = 0;
  #comma = false;

  constructor(out: TextSink, { pretty = false }: { readonly pretty?: boolean } = {}) {
    this.#out = out;
    this.#pretty = pretty;
  }

  open(bracket: '{' | '['): void {
    this.value();
    this.#out.ascii(bracket);
    this.#depth++;
    this.#comma = false;
  }
  close(bracket: '}' | ']'): void {
    this.#depth--;
    if (this.#comma) this.#newLine();
    this.#out.ascii(bracket);
    this.#comma = true;
  }
  /** A key that is ASCII and needs no escapes. */
  key(name: string): void {
    this.value();
    this.#newLine();
    this.#comma = false;
    this.#out.byte(QUOTE);
    this.#out.ascii(name);
    this.#out.ascii(this.#pretty ? '": ' : '":');
  }
  /** Call before writing a value to the sink oneself. */
  value(): void {
    if (this.#comma) this.#out.byte(COMMA);
    this.#comma = true;
  }
  number(value: number): void {
    this.value();
    this.#out.signed(value);
  }
  /** `true`, `null`, digits: what needs no quotes. */
  literal(text: string): void {
    this.value();
    this.#out.ascii(text);
  }
  /** What stands at `start`, up to its NUL or the end. JSON is UTF-8: bytes that are not become U+FFFD. */
  string(bytes: Uint8Array, start: number): void {
    this.value();
    this.#out.byte(QUOTE);
    for (let i = start; bytes[i] !== 0 && i < bytes.length; i++) {
      if ((bytes[i] as number) >= NOT_ASCII) {
        for (const byte of utf8Bytes(textUntilNul(bytes.subarray(i)))) this.#char(byte);
        break;
      }
      this.#char(bytes[i] as number);
    }
    this.#out.byte(QUOTE);
  }
  ascii(text: string): void {
    this.value();
    this.#out.byte(QUOTE);
    for (let i = 0; i < text.length; i++) this.#char(text.charCodeAt(i));
    this.#out.byte(QUOTE);
  }
  end(): void {
    this.#out.byte(NEWLINE);
  }

  #char(byte: number): void {
    if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) this.#out.byte(BACKSLASH);
    if (byte >= SPACE) this.#out.byte(byte);
    else this.#out.ascii(LETTERS[byte] ?? `u${byte.toString(16).padStart(4, '0')}`); // bpftool has only those that have a letter
  }
  #newLine(): void {
    if (!this.#pretty) return;
    this.#out.byte(NEWLINE);
    for (let i = 0; i < this.#depth; i++) this.#out.ascii('    ');
  }
}
