// Fixed-size char arrays -> strings, fast: the names of programs and files in events repeat, so the last ones are remembered.

import { asciiOrUtf8 } from '../bytes/index.js';

const SLOTS = 4096; // a power of two
/** Longer texts repeat too seldom to be worth a look. */
const LONGEST_WORDS = 16;
const LOW_BITS = 0x01010101;
const HIGH_BITS = 0x80808080 | 0;

type ReadText = (view: DataView, bytes: Uint8Array, start: number, size: number) => string;

/**
 * Reads texts up to their NUL, four bytes at a time. One that is known by its bytes costs no garbage, and strings that repeat
 * are shared.
 */
export function textReader(): ReadText {
  const texts: string[] = new Array(SLOTS).fill('');
  const known = new Int32Array(SLOTS * LONGEST_WORDS); // the bytes of each text, padded with zeros
  const current = new Int32Array(LONGEST_WORDS);

  return (view, bytes, start, size) => {
    const limit = start + size;
    let hash = 0;
    for (let i = 0; i < LONGEST_WORDS; i++) {
      const at = start + 4 * i;
      const word = wordAt(view, at, limit);
      // The lowest bit that is set belongs to the first zero byte.
      const zeros = (word - LOW_BITS) & ~word & HIGH_BITS;
      if (zeros === 0) {
        current[i] = word;
        hash = Math.imul(hash ^ word, 0x9e3779b1);
        hash ^= hash >>> 15;
        continue;
      }
      const nul = zeros & -zeros;
      const last = word & ((nul >>> 7) - 1);
      const end = at + ((31 - Math.clz32(nul)) >> 3);
      if (end === start) return '';
      current[i] = last;
      hash = Math.imul(hash ^ last, 0x9e3779b1);
      const slot = (hash >>> 15) & (SLOTS - 1);
      if (texts[slot] !== '' && isSame(known, slot * LONGEST_WORDS, current, i)) return texts[slot] as string;
      const text = asciiOrUtf8(bytes, start, end);
      for (let j = 0; j <= i; j++) known[slot * LONGEST_WORDS + j] = current[j] as number; // faster than set() for so few
      texts[slot] = text;
      return text;
    }
    const nul = bytes.subarray(start, limit).indexOf(0);
    return asciiOrUtf8(bytes, start, nul < 0 ? limit : start + nul);
  };
}

/** Four bytes; zeros stand for those from `limit` on. */
function wordAt(view: DataView, at: number, limit: number): number {
  if (at + 4 <= limit) return view.getInt32(at, true);
  let word = 0;
  for (let i = limit - 1; i >= at; i--) word = (word << 8) | view.getUint8(i);
  return word;
}

function isSame(known: Int32Array, from: number, current: Int32Array, last: number): boolean {
  for (let i = 0; i <= last; i++) if (known[from + i] !== current[i]) return false;
  return true;
}
