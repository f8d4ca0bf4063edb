// Whatever happens to a file on its way to the linker, linking works or ends in one of our errors, within bounds; and what it makes
// can be linked again. TSBPF_SEED repeats a run, TSBPF_RUNS makes it longer.

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dedupBtf, encodeBtf, parseBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { linkObjects } from '../../src/linker/index.js';
import { btfOf, INT, ptr, struct } from '../support/btf-types.js';
import { changed, changesOf, rangesOf, verdict } from '../support/hostile.js';
import { DECLARES, DEFINES } from '../support/linkable.js';
import { SEED } from '../support/seed.js';

const RUNS = Number(process.env.TSBPF_RUNS ?? 100);
console.log(`hostile input: TSBPF_SEED=${SEED} TSBPF_RUNS=${RUNS}`);

const TARGETS = ['.BTF', '.BTF.ext', '.symtab', '.strtab', '.maps', 'headers', 'file'];
const elf = (bytes: Uint8Array) => parseElf(region(bytes, { file: 'hostile.bpf.o' }));

/** Alone, after another file, and before it. */
function exercise(bytes: Uint8Array, other: Uint8Array): void {
  const hostile = elf(bytes);
  const first = linkObjects([hostile]);
  linkObjects([elf(first)]);
  linkObjects([elf(other), hostile]);
  linkObjects([hostile, elf(other)]);
}

const OBJECTS: [name: string, bytes: Uint8Array, other: Uint8Array][] = [
  ...readdirSync('fixtures')
    .filter((name) => name.endsWith('.bpf.o'))
    .map((name): [string, Uint8Array, Uint8Array] => [name, new Uint8Array(readFileSync(`fixtures/${name}`)), DEFINES]),
  ['a definition', DEFINES, DECLARES],
  ['a declaration', DECLARES, DEFINES],
];

describe.each(OBJECTS)('%s', (name, bytes, other) => {
  const ranges = rangesOf(bytes);
  const counts = new Map<string, number>();
  const check = <T>(arbitrary: fc.Arbitrary<T>, run: (value: T) => void): void =>
    fc.assert(
      fc.property(arbitrary, (value) => {
        const result = verdict(() => run(value));
        counts.set(result, (counts.get(result) ?? 0) + 1);
      }),
      { seed: SEED, numRuns: RUNS },
    );

  it('works as it is', () => {
    expect(verdict(() => exercise(bytes, other))).toBe('works');
  });

  it('may be cut, or changed anywhere', { timeout: 3_600_000 }, () => {
    check(fc.nat(bytes.length - 1), (length) => exercise(bytes.subarray(0, length), other));
    for (const section of TARGETS) check(changesOf([section]), (changes) => exercise(changed(bytes, ranges, changes), other));
    console.log(`${name}: ${[...counts].map(([result, times]) => `${times} ${result}`).join(', ')}`);
  });
});

describe('types made to be slow', () => {
  it('a chain of pointers as long as a file', () => {
    const btf = btfOf([INT, ...Array.from({ length: 100_000 }, (_, i) => ptr(i + 1))]);
    expect(verdict(() => dedupBtf(btf))).toBe('works');
  });

  it('a pointer to itself', () => {
    expect(verdict(() => dedupBtf(btfOf([ptr(1)])))).toBe('ERR_TSBPF_FORMAT');
  });

  it('many structs of one name that differ only behind pointers', () => {
    const types = Array.from({ length: 4000 }, (_, i) => [
      struct(`only${i}`, 8, ['a', 0, 0]),
      ptr(i * 3 + 1),
      struct('same', 8, ['p', i * 3 + 2, 0]),
    ]).flat();
    expect(verdict(() => dedupBtf(btfOf(types)))).toBe('ERR_TSBPF_UNSUPPORTED');
  });

  it('structs that hold the next one twice', () => {
    const depth = 400;
    const once = (base: number) =>
      Array.from({ length: depth }, (_, i) => {
        const next = i === depth - 1 ? base : base + i + 1;
        return struct(`s${i}`, 16, ['a', next, 0], ['b', next, 8]);
      });
    const { btf } = dedupBtf(parseBtf(encodeBtf([...once(1), ...once(depth + 1)])));
    expect(btf.length).toBe(depth + 1);
  });
});
