import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BpfError, UsageError } from '../../src/errors.js';
import { BpfMap, bytesCodec, type MapOps, typedCodec } from '../../src/maps/index.js';

/** A hash map as the kernel has it: the next key is found from the current one, and a key that is gone leads to the first. */
class FakeMap implements MapOps {
  readonly keySize = 4;
  readonly valueSize = 8;
  readonly maxEntries: number;
  readonly updates: number[] = [];
  #entries: (readonly [key: string, value: Uint8Array])[] = [];
  /** Done before each search for the next key: other programs at work. */
  meanwhile: () => void = () => {};

  constructor(maxEntries = 64) {
    this.maxEntries = maxEntries;
  }
  #index(key: Uint8Array): number {
    return this.#entries.findIndex(([known]) => known === String(key));
  }
  lookup(key: Uint8Array, value: Uint8Array): boolean {
    const found = this.#entries[this.#index(key)];
    if (found) value.set(found[1]);
    return found !== undefined;
  }
  update(key: Uint8Array, value: Uint8Array, flags: number): void {
    this.updates.push(flags);
    const index = this.#index(key);
    if (index >= 0) this.#entries[index] = [String(key), value.slice()];
    else this.#entries.unshift([String(key), value.slice()]); // as a bucket's list grows: at its head
  }
  delete(key: Uint8Array): boolean {
    const index = this.#index(key);
    if (index >= 0) this.#entries.splice(index, 1);
    return index >= 0;
  }
  nextKey(key: Uint8Array | undefined, next: Uint8Array): boolean {
    this.meanwhile();
    const found = this.#entries[key ? this.#index(key) + 1 : 0]; // a key that is gone has index -1
    if (found) next.set(Uint8Array.from(found[0].split(',').map(Number)));
    return found !== undefined;
  }
}

const U32 = typedCodec({ kind: 'int', size: 4, signed: false });
const U64 = typedCodec({ kind: 'bigint', size: 8, signed: false });
function make(count = 0): { readonly ops: FakeMap; readonly map: BpfMap<number, bigint> } {
  const ops = new FakeMap();
  const map = new BpfMap<number, bigint>('starts', ops, U32, U64);
  for (let i = 0; i < count; i++) map.set(i, BigInt(i) * 10n);
  return { ops, map };
}
const sorted = (keys: Iterable<number>): number[] => [...keys].sort((a, b) => a - b);

describe('BpfMap', () => {
  it('reads like a Map', () => {
    const { map } = make();
    expect(map.get(1)).toBeUndefined();
    expect(map.has(1)).toBe(false);
    expect(map.set(1, 10n).set(2, 20n)).toBe(map);
    expect(map.get(2)).toBe(20n);
    expect(map.has(1)).toBe(true);
    expect([...map].sort()).toEqual([
      [1, 10n],
      [2, 20n],
    ]);
    expect(sorted(map.keys())).toEqual([1, 2]);
    expect([...map.values()].sort()).toEqual([10n, 20n]);
    expect(map.delete(1)).toBe(true);
    expect(map.delete(1)).toBe(false);
    expect([map.name, map.maxEntries]).toEqual(['starts', 64]);
  });

  it('passes the kernel its update flags', () => {
    const { map, ops } = make();
    map.set(1, 1n).set(1, 1n, 'any').set(1, 1n, 'create').set(1, 1n, 'replace');
    expect(ops.updates).toEqual([0, 0, 1, 2]);
  });

  it('names the map in what it refuses', () => {
    const { map } = make();
    expect(() => map.get(-1)).toThrow(new UsageError('key of starts: -1 does not fit an unsigned integer of 32 bits'));
    expect(() => map.set(1, -1n)).toThrow('value of starts: -1 does not fit');
    expect(() => map.get('1' as unknown as number)).toThrow('key of starts: an integer of 32 bits expected, not "1"');
  });

  it('has plain bytes where there are no types', () => {
    const map = new BpfMap<Uint8Array, Uint8Array>('raw', new FakeMap(), bytesCodec(4), bytesCodec(8));
    const value = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    map.set(Uint8Array.of(0, 0, 0, 1), value);
    expect([...map]).toEqual([[Uint8Array.of(0, 0, 0, 1), value]]);
    expect(() => map.get(Uint8Array.of(1))).toThrow('key of raw: a Uint8Array of 4 bytes expected');
    expect(() => map.set(Uint8Array.of(0, 0, 0, 1), new Uint8Array(9))).toThrow('value of raw: a Uint8Array of 8 bytes expected');
  });
});

describe('walking a map that changes', () => {
  it('may delete the entry it was given', () => {
    const { map } = make(20);
    for (const [key] of map) expect(map.delete(key)).toBe(true);
    expect([...map]).toEqual([]);
  });

  it('leaves out what vanishes before it is reached, the very next key too', () => {
    const { map } = make(20); // the walk goes 19, 18, …
    const seen: number[] = [];
    for (const key of map.keys()) {
      seen.push(key);
      if (key % 2 === 1) map.delete(key - 2);
    }
    expect(seen).toEqual([...new Set(seen)]);
    expect(sorted(seen).filter((key) => key % 2 === 0)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  });

  it('gives entries only while they have a value', () => {
    const { map } = make(4);
    const entries: [number, bigint][] = [];
    for (const entry of map.entries()) {
      entries.push(entry);
      if (entry[0] === 3) map.delete(2); // already fetched as the next key
    }
    expect(entries).toEqual([
      [3, 30n],
      [1, 10n],
      [0, 0n],
    ]);
  });

  it('gives each key once, although the walk starts over', () => {
    const { map, ops } = make(20);
    let turn = 0;
    ops.meanwhile = () => {
      if (++turn % 5 === 0) map.delete(turn % 3 === 0 ? 18 - turn / 5 : 19 - turn / 5);
      if (turn % 4 === 0) map.set(100 + turn, 0n);
    };
    const seen = [...map.keys()];
    expect(seen).toEqual([...new Set(seen)]);
  });

  it('gives every entry that is there all the time, whatever happens to the others', () => {
    const aChange = fc.record({ key: fc.integer({ min: 100, max: 110 }), add: fc.boolean() });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 12 }),
        fc.array(fc.array(aChange, { maxLength: 3 }), { maxLength: 40 }),
        (count, changes) => {
          const { map, ops } = make();
          for (let i = 0; i < count; i++) {
            map.set(i, 0n);
            map.set(100 + (i % 11), 0n);
          }
          let turn = 0;
          ops.meanwhile = () => {
            for (const { key, add } of changes[turn++] ?? []) {
              if (add) map.set(key, 0n);
              else map.delete(key);
            }
          };
          const seen = [...map.keys()];
          expect(seen).toEqual([...new Set(seen)]);
          expect(sorted(seen.filter((key) => key < 100))).toEqual(Array.from({ length: count }, (_, i) => i));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gives up when the map changes faster than it can be walked', () => {
    const { map, ops } = make(3);
    // Whenever a key is asked for that comes after another, that other is gone: the walk never gets past the first.
    let fresh = 1000;
    ops.meanwhile = () => {
      for (let key = fresh - 1; key < fresh + 1; key++) map.delete(key);
      map.set(fresh++, 0n);
    };
    expect(() => [...map.keys()]).toThrow(BpfError);
    expect(() => [...map.keys()]).toThrow('Map starts changes faster than it can be walked');
  });
});
