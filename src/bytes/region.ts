// A region: bytes, the order in which their numbers are stored, and the name that errors give them.

import { FormatError, type Where } from '../errors.js';

export interface Region {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly littleEndian: boolean;
  readonly where: Where;
}

/**
 * Views all of `bytes`; nothing is copied. `where` names the file or section in errors. A Buffer becomes a plain Uint8Array,
 * because its `slice` shares memory where that of a Uint8Array copies.
 */
export const region = (bytes: Uint8Array, where: Where = {}, littleEndian = true): Region => ({
  bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  littleEndian,
  where,
});

/** A region as it is; bytes as a region without a name. */
export const asRegion = (input: Region | Uint8Array): Region => (input instanceof Uint8Array ? region(input) : input);

const CUT_OFF = 'It ends too early, or says a wrong size: was it cut off, or changed by a tool? Build or copy it again.';

/**
 * A part of a region, as a region.
 * @param what What is being read, for the error: `section headers`.
 * @throws {FormatError} when the part does not lie inside.
 */
export function slice(from: Region, start: number, length: number, what: string, where: Where = {}): Region {
  if (!(start >= 0 && length >= 0 && start + length <= from.bytes.length)) {
    throw new FormatError(`Cannot read ${what}: ${length} bytes at ${start}, but there are ${from.bytes.length}`, {
      where: { ...from.where, ...where },
      remedy: CUT_OFF,
    });
  }
  return region(from.bytes.subarray(start, start + length), { ...from.where, ...where }, from.littleEndian);
}

/** The same bytes under another byte order. */
export const withOrder = (from: Region, littleEndian: boolean): Region => ({ ...from, littleEndian });

/** Whether nothing but zeros is there; by whole words, because a .bss may be large. */
export function isZero(bytes: Uint8Array): boolean {
  const start = -bytes.byteOffset & 3; // where words begin
  const count = Math.max(0, (bytes.length - start) >> 2);
  const words = count > 0 ? new Uint32Array(bytes.buffer, bytes.byteOffset + start, count) : [];
  for (let i = 0; i < count; i++) if (words[i] !== 0) return false;
  const isZeroByte = (byte: number) => byte === 0;
  return bytes.subarray(0, start).every(isZeroByte) && bytes.subarray(start + 4 * count).every(isZeroByte);
}
