// Text in binary formats: C strings, hex.

import { FormatError } from '../errors.js';
import type { Region } from './region.js';

const utf8 = new TextDecoder();
const encoder = new TextEncoder();

/** The text up to the first NUL, or all of it. Bytes that are not UTF-8 become U+FFFD. */
export function textUntilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return utf8.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Longer names are no names: the kernel's own limit is 512. It bounds what a hostile table can make us hold. */
export const LONGEST_NAME = 4096;

/**
 * The NUL-terminated string at `offset` of a string table.
 * @throws {FormatError} when it starts past the table, no NUL follows, or it is longer than any name.
 */
export function cString(table: Region, offset: number): string {
  const { bytes, where } = table;
  if (!(offset >= 0 && offset < bytes.length)) {
    throw new FormatError(`Cannot read string ${offset}: the table ends at ${bytes.length}`, { where });
  }
  const end = bytes.indexOf(0, offset);
  if (end < 0) throw new FormatError(`String ${offset} has no end`, { where });
  if (end - offset > LONGEST_NAME)
    throw new FormatError(`String ${offset} has ${end - offset} bytes; a name has at most ${LONGEST_NAME}`, { where });
  return asciiOrUtf8(bytes, offset, end);
}

/** From here on a TextDecoder is faster, which takes the same 80 ns for 8 bytes and for 40; adding characters takes 6 ns each, then more. */
const LONGEST_BY_HAND = 12;

/** Text that is most often ASCII, and often only a few letters. */
export function asciiOrUtf8(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > LONGEST_BY_HAND) return utf8.decode(bytes.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte > 0x7f) return utf8.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** UTF-8 with a closing NUL. */
export function toCString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${text}\0`);
}

export const utf8Bytes = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Joined at once: a text that grows byte by byte takes thirty times its size. */
export const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => DIGITS[byte]).join('');

/** The inverse of `hex`; spaces are skipped. For tests, vectors and tables. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\s+/g, '');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** A line as several, broken at spaces where it is longer than `columns`; each has the indent of the first. */
export function wrapped(text: string, columns: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
