// What the parts of a C dump share: which types are ordered, which are printed, and how much work it has been.

import type { TextSink } from '../bytes/index.js';
import { FormatError } from '../errors.js';
import { CNames, Texts } from './dump-names.js';
import { CSizes } from './dump-sizes.js';
import type { FlatBtf } from './flat.js';
import type { TypeId } from './types.js';

/** States of `order`. */
export const NOT_ORDERED = 0;
export const ORDERING = 1;
export const ORDERED = 2;
/** States of `emit`. */
export const NOT_EMITTED = 0;
export const EMITTING = 1;
export const EMITTED = 2;

/** Deeper than types of any compiler: a kernel's go 40 deep. It ends circles, before the stack does. */
const MAX_DEPTH = 1000;
/** Steps for each word of BTF. A kernel takes two; what takes a thousand has parts that hold each other many times over. */
const MOST_EFFORT = 1000;
const LEAST_EFFORT = 1_000_000;

/** One dump. Types that were printed for one request are not printed again for the next. */
export class CDump {
  readonly flat: FlatBtf;
  readonly out: TextSink;
  readonly names: CNames;
  readonly sizes: CSizes;
  readonly ordered: Uint8Array;
  readonly emitted: Uint8Array;
  /** Types of which a forward declaration was printed. */
  readonly forwarded: Uint8Array;
  /** What one request needs, each after what it needs itself. */
  readonly queue: TypeId[] = [];
  /** Declarations that are being printed, each with its part of the stack, the outermost type first. */
  readonly stack: TypeId[] = [];
  /** What is on the stack; what lies above is old. Setting an array's length costs more than all the rest of it. */
  top = 0;
  #depth = 0;
  #effort: number;

  constructor(flat: FlatBtf, out: TextSink, texts = new Texts(flat.strings)) {
    const types = flat.at.length;
    this.flat = flat;
    this.out = out;
    this.names = new CNames(flat, texts);
    this.sizes = new CSizes(flat);
    this.ordered = new Uint8Array(types);
    this.emitted = new Uint8Array(types);
    this.forwarded = new Uint8Array(types);
    this.ordered[0] = ORDERED;
    this.emitted[0] = EMITTED;
    this.#effort = Math.max(LEAST_EFFORT, flat.words.length * MOST_EFFORT);
  }

  /** @throws {FormatError} when a type is nested too deep, or all took too long. */
  enter(id: TypeId): void {
    if (++this.#depth > MAX_DEPTH)
      throw new FormatError(`Type ${id} is ${MAX_DEPTH} types deep, perhaps in a circle`, { where: this.flat.btf.where });
    if (--this.#effort < 0)
      throw new FormatError(`Printing these types takes too long: type ${id} is needed over and over`, {
        where: this.flat.btf.where,
        remedy: 'Name the types that you need: root_id N.',
      });
  }
  leave(): void {
    this.#depth--;
  }
}
