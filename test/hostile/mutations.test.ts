// Whatever happens to a file on its way here, reading it works or ends in one of our errors, within bounds.
// TSBPF_SEED repeats a run, TSBPF_RUNS makes it longer. Mutations that know what they hit are those of the campaign.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changed, changesOf, exerciseBtf, exerciseObject, rangesOf, verdict } from '../support/hostile.js';
import { SEED } from '../support/seed.js';

const RUNS = Number(process.env.TSBPF_RUNS ?? 200);
console.log(`hostile input: TSBPF_SEED=${SEED} TSBPF_RUNS=${RUNS}`);

const FIXTURES = readdirSync('fixtures').filter((name) => name.endsWith('.bpf.o'));
const VMLINUX = '/sys/kernel/btf/vmlinux';

const counts = new Map<string, number>();
const count = (result: string): void => void counts.set(result, (counts.get(result) ?? 0) + 1);
const check = <T>(arbitrary: fc.Arbitrary<T>, run: (value: T) => void, numRuns = RUNS): void => {
  fc.assert(
    fc.property(arbitrary, (value) => count(verdict(() => run(value)))),
    { seed: SEED, numRuns },
  );
};
const report = (what: string): void => {
  console.log(`${what}: ${[...counts].map(([result, times]) => `${times} ${result}`).join(', ')}`);
  counts.clear();
};
const MINUTES = 60_000;

describe.each(FIXTURES)('%s', (name) => {
  const bytes = new Uint8Array(readFileSync(`fixtures/${name}`));
  const ranges = rangesOf(bytes);

  it('works as it is', () => {
    expect(verdict(() => exerciseObject(bytes))).toBe('works');
  });

  it('may be cut anywhere', { timeout: 60 * MINUTES }, () => {
    check(fc.nat(bytes.length - 1), (length) => exerciseObject(bytes.subarray(0, length)));
    report(`${name}, cut`);
  });

  it('may have any byte flipped', { timeout: 60 * MINUTES }, () => {
    check(fc.record({ at: fc.nat(bytes.length - 1), mask: fc.integer({ min: 1, max: 255 }) }), ({ at, mask }) => {
      const copy = new Uint8Array(bytes);
      copy[at] = (copy[at] as number) ^ mask;
      exerciseObject(copy);
    });
    report(`${name}, one byte`);
  });

  it('may be changed in several places', { timeout: 60 * MINUTES }, () => {
    check(changesOf(['file']), (changes) => exerciseObject(changed(bytes, ranges, changes)));
    report(`${name}, anywhere`);
  });
});

describe("a kernel's BTF", () => {
  const found = existsSync(VMLINUX);
  if (!found) console.log(`skipped: ${VMLINUX} is not there, so no kernel's BTF is mutated`);
  const bytes = found ? new Uint8Array(readFileSync(VMLINUX)) : new Uint8Array();
  const runs = Math.ceil(RUNS / 10);

  it.skipIf(!found)('may be cut anywhere', { timeout: 60 * MINUTES }, () => {
    check(fc.nat(bytes.length - 1), (length) => exerciseBtf(bytes.subarray(0, length), 0, 997), runs);
    report('kernel BTF, cut');
  });

  it.skipIf(!found)('may be changed anywhere', { timeout: 60 * MINUTES }, () => {
    const places = fc.array(fc.record({ at: fc.oneof(fc.nat(64), fc.nat(bytes.length - 1)), value: fc.nat(255) }), {
      minLength: 1,
      maxLength: 8,
    });
    check(
      fc.record({ places, start: fc.nat(996) }),
      (sample) => {
        const before = sample.places.map(({ at }) => bytes[at] as number);
        for (const { at, value } of sample.places) bytes[at] = value;
        try {
          exerciseBtf(bytes, sample.start, 997);
        } finally {
          for (const [i, { at }] of sample.places.entries()) bytes[at] = before[i] as number;
        }
      },
      runs,
    );
    report('kernel BTF, changed');
  });
});
