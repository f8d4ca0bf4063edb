// A BPF map that reads like a JavaScript Map, with keys and values typed by BTF.

import { hex } from '../bytes/index.js';
import { BpfError, UsageError } from '../errors.js';
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST } from '../uapi/bpf.js';
import { compileDecoder, type Decode } from './decode.js';
import { encoded } from './encode.js';
import type { Shape } from './values.js';

/** Element operations on an open map, which the shell does without going through steps. Buffers have the map's sizes. */
export interface MapOps {
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  lookup(key: Uint8Array, value: Uint8Array): boolean;
  update(key: Uint8Array, value: Uint8Array, flags: number): void;
  delete(key: Uint8Array): boolean;
  /** Writes the key after `key` (the first one after undefined) to `next`; false at the end. A vanished key leads to the first. */
  nextKey(key: Uint8Array | undefined, next: Uint8Array): boolean;
}

/** `create` fails if the key is there, `replace` if it is not. */
export type UpdateMode = 'any' | 'create' | 'replace';
const UPDATE_FLAGS: Readonly<Record<UpdateMode, number>> = { any: BPF_ANY, create: BPF_NOEXIST, replace: BPF_EXIST };

/** How keys or values of one map go to and from bytes; a map without types has plain bytes. */
export interface Codec {
  readonly size: number;
  encode(value: unknown, path: string): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

export function typedCodec(shape: Shape): Codec {
  let decode: Decode | undefined; // compiled when the first value is read
  return {
    size: shape.size,
    encode: (value, path) => encoded(shape, value, path),
    decode: (bytes) => {
      decode ??= compileDecoder(shape);
      return decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), bytes, 0);
    },
  };
}

export const bytesCodec = (size: number): Codec => ({
  size,
  encode: (value, path) => {
    if (!(value instanceof Uint8Array) || value.length !== size)
      throw new UsageError(`${path}: a Uint8Array of ${size} bytes expected`);
    return value;
  },
  decode: (bytes) => bytes.slice(),
});

/** @typeParam K What keys decode to. @typeParam V What values decode to. */
export class BpfMap<K = unknown, V = unknown> {
  readonly name: string;
  readonly #ops: MapOps;
  readonly #key: Codec;
  readonly #value: Codec;

  constructor(name: string, ops: MapOps, key: Codec, value: Codec) {
    this.name = name;
    this.#ops = ops;
    this.#key = key;
    this.#value = value;
  }

  get maxEntries(): number {
    return this.#ops.maxEntries;
  }

  get(key: K): V | undefined {
    return this.#read(this.#encodeKey(key));
  }
  has(key: K): boolean {
    return this.#ops.lookup(this.#encodeKey(key), new Uint8Array(this.#value.size));
  }
  /** @throws {SyscallError} EEXIST or ENOENT as `mode` asks for, E2BIG when the map is full. */
  set(key: K, value: V, mode: UpdateMode = 'any'): this {
    const flags = UPDATE_FLAGS[mode];
    if (flags === undefined) throw new UsageError(`Map ${this.name}: "${mode}" is no way to set; any, create and replace are`);
    this.#ops.update(this.#encodeKey(key), this.#value.encode(value, `value of ${this.name}`), flags);
    return this;
  }
  /** Whether the key was there. */
  delete(key: K): boolean {
    return this.#ops.delete(this.#encodeKey(key));
  }

  /** Keys; see `entries` for what is promised. */
  *keys(): Generator<K> {
    for (const key of this.#rawKeys()) yield this.#key.decode(key) as K;
  }
  *values(): Generator<V> {
    for (const [, value] of this.entries()) yield value;
  }
  /**
   * Entries in the kernel's order. Programs may change the map meanwhile: each key comes at most once, an entry that is there
   * all the time comes, and entries that vanish are left out.
   * @throws {BpfError} when the map changes so fast that the walk gets nowhere.
   */
  *entries(): Generator<[K, V]> {
    for (const key of this.#rawKeys()) {
      const value = this.#read(key);
      if (value !== undefined) yield [this.#key.decode(key) as K, value];
    }
  }
  [Symbol.iterator](): Generator<[K, V]> {
    return this.entries();
  }

  /**
   * The kernel finds "the next key" from the current one, and starts over when that is gone. So the walk stays one key ahead
   * (the loop's body may delete what it was given), and remembers what it has seen; a walk that starts over skips that.
   */
  *#rawKeys(): Generator<Uint8Array> {
    const seen = new Set<string>();
    const mostSteps = 16 * this.#ops.maxEntries + 1024;
    let key = this.#next(undefined);
    for (let steps = 0; key; steps++) {
      if (steps > mostSteps)
        throw new BpfError(`Map ${this.name} changes faster than it can be walked`, {
          remedy: 'Stop what changes it, or try again.',
        });
      const next = this.#next(key);
      const text = hex(key);
      if (!seen.has(text)) {
        seen.add(text);
        yield key;
      }
      key = next;
    }
  }

  #next(key: Uint8Array | undefined): Uint8Array | undefined {
    const next = new Uint8Array(this.#key.size);
    return this.#ops.nextKey(key, next) ? next : undefined;
  }
  #read(key: Uint8Array): V | undefined {
    const value = new Uint8Array(this.#value.size);
    return this.#ops.lookup(key, value) ? (this.#value.decode(value) as V) : undefined;
  }
  #encodeKey(key: K): Uint8Array {
    return this.#key.encode(key, `key of ${this.name}`);
  }
}
