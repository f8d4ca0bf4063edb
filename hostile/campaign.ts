// What a campaign is: cases, each of which follows from numbers that only look random.

import type { Random } from './random.js';

export interface Campaign {
  /** A number for what is mutated: a replay on other seeds is no replay. */
  readonly digest: string;
  /** The next case. */
  readonly draw: (random: Random) => Drawn;
}

export interface Drawn {
  /** The row of the table that it counts in. */
  readonly name: string;
  /** What was done to the seed. */
  readonly notes: readonly string[];
  /** Kept when it fails. */
  readonly input: Uint8Array;
  /** @returns The code of the first error, or `works`. @throws {Failed} */
  readonly run: () => string;
}

/** A number for bytes. */
export function digestOf(what: string, parts: Iterable<Uint8Array>): string {
  let hash = 0x811c9dc5;
  for (const bytes of parts) for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${what}, ${hash.toString(16).padStart(8, '0')}`;
}
