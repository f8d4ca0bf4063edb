// Texts in the order of their bytes, as C's strcmp has it: many of them at once, four bytes at a time.

import type { Texts } from './dump-names.js';

/** By a text's number, its place among all texts in the order of their bytes. */
export function placesOf(texts: Texts, strings: Uint8Array): Uint32Array {
  const starts = new Uint32Array(texts.count);
  const ids = new Uint32Array(texts.count);
  for (let id = 0; id < ids.length; id++) {
    starts[id] = texts.offset(id);
    ids[id] = id;
  }
  sortTexts(ids, starts, strings, 0);
  const places = new Uint32Array(texts.count);
  for (let place = 0; place < ids.length; place++) places[ids[place] as number] = place;
  return places;
}

/** A key of 32 bits and a position are a number that is exact, and numbers are sorted without asking back. */
const MOST_POSITIONS = 2 ** 20;

/** The positions of 32-bit keys in the order of the keys; of equal ones, the first first. */
export function positionsBy(keys: Uint32Array): Uint32Array {
  if (keys.length > MOST_POSITIONS)
    return Uint32Array.from(keys, (_, i) => i).sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b);
  const numbers = new Float64Array(keys.length);
  for (let i = 0; i < keys.length; i++) numbers[i] = (keys[i] as number) * MOST_POSITIONS + i;
  numbers.sort();
  const positions = new Uint32Array(keys.length);
  for (let i = 0; i < keys.length; i++) positions[i] = (numbers[i] as number) % MOST_POSITIONS;
  return positions;
}

/** So few are sorted faster one by one. */
const FEW = 64;

/** Sorts texts, which start at `starts` by id and are the same up to `from`, four bytes at a time. No two of them are the same. */
function sortTexts(ids: Uint32Array, starts: Uint32Array, strings: Uint8Array, from: number): void {
  const keys = new Uint32Array(ids.length);
  for (let i = 0; i < ids.length; i++) keys[i] = fourBytes(strings, (starts[ids[i] as number] as number) + from);
  const positions = positionsBy(keys);
  const before = ids.slice();
  for (let start = 0, end = 0; start < ids.length; start = end) {
    const key = keys[positions[start] as number] as number;
    for (end = start; end < ids.length && keys[positions[end] as number] === key; end++)
      ids[end] = before[positions[end] as number] as number;
    if (end - start > FEW) sortTexts(ids.subarray(start, end), starts, strings, from + 4);
    else if (end - start > 1) insertTexts(ids, start, end, starts, strings, from + 4);
  }
}

/** Sorts what stands from `first` to `end`. */
function insertTexts(ids: Uint32Array, first: number, end: number, starts: Uint32Array, strings: Uint8Array, from: number): void {
  for (let i = first + 1; i < end; i++) {
    const id = ids[i] as number;
    const start = (starts[id] as number) + from;
    let at = i;
    for (; at > first; at--) {
      const before = ids[at - 1] as number;
      if (compareText(strings, (starts[before] as number) + from, start) < 0) break;
      ids[at] = before;
    }
    ids[at] = id;
  }
}

/** The first of them counts most; those behind the end are 0. */
function fourBytes(strings: Uint8Array, start: number): number {
  let bytes = 0;
  let at = start;
  for (let i = 0; i < 4; i++) {
    const byte = strings[at] as number;
    if (byte !== 0) at++;
    bytes = bytes * 0x100 + byte;
  }
  return bytes;
}

/** As strcmp does. */
export function compareText(strings: Uint8Array, a: number, b: number): number {
  for (let i = 0; ; i++) {
    const difference = (strings[a + i] as number) - (strings[b + i] as number);
    if (difference !== 0 || strings[a + i] === 0) return difference;
  }
}
