// Fixed-size char arrays -> strings, fast: the names of programs and files in events repeat, so the last ones are remembered.

import { asciiOrUtf8 } from '../bytes/index.js';

const SLOTS = 2048; // a power of two
const LONGEST = 64; // longer texts repeat too seldom to be worth a look

/**
 * Reads texts up to their NUL. A hit costs two passes over the bytes and makes no garbage; strings that repeat are shared.
 */
export function textReader(): (bytes: Uint8Array, start: number, size: number) => string {
  const known: string[] = new Array(SLOTS).fill('');
  return (bytes, start, size) => {
    const limit = start + size;
    let hash = 0;
    let end = start;
    for (; end < limit; end++) {
      const byte = bytes[end] as number;
      if (byte === 0) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (end === start) return '';
    if (end - start > LONGEST) return asciiOrUtf8(bytes, start, end);
    const slot = (hash ^ (hash >>> 11)) & (SLOTS - 1);
    const candidate = known[slot] as string;
    if (isSame(candidate, bytes, start, end)) return candidate;
    const text = asciiOrUtf8(bytes, start, end);
    known[slot] = text;
    return text;
  };
}

/** Only ASCII can be the same: any other text has characters above the bytes that encode it, or fewer of them. */
function isSame(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++)
    if (text.charCodeAt(i) !== bytes[start + i] || (bytes[start + i] as number) > 0x7f) return false;
  return true;
}
