// Objects with externs that are made to hurt, or were changed on their way.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildElf } from '../support/elf-builder.js';
import { type ExternInput, externElf } from '../support/extern-object.js';
import { changed, changesOf, exerciseObject, rangesOf, verdict } from '../support/hostile.js';
import { SEED } from '../support/seed.js';

const RUNS = Number(process.env.TSBPF_RUNS ?? 300);
console.log(`hostile externs: TSBPF_SEED=${SEED} TSBPF_RUNS=${RUNS}`);

const KCONFIG: ExternInput[] = [
  { name: 'CONFIG_HZ', type: 'u32' },
  { name: 'CONFIG_NONE', type: 'char[4]', weak: true },
  { name: 'LINUX_KERNEL_VERSION', type: 'int' },
];
const KSYMS: ExternInput[] = [
  { name: 'bare', type: 'const void', weak: true },
  { name: 'typed', type: 'u64', weak: true },
  { name: 'called', type: 'int (struct *)', weak: true },
];
const bytes = buildElf(
  externElf({ '.kconfig': KCONFIG, '.ksyms': KSYMS }, { calls: ['called'], loads: ['bare', 'typed', 'called', 'CONFIG_HZ'] }),
);

it('the object works as it is', () => {
  expect(verdict(() => exerciseObject(bytes))).toBe('works');
});

it.each(['file', '.BTF', '.symtab', '.strtab', 'headers'])('may be changed in %s', (target) => {
  const ranges = rangesOf(bytes);
  fc.assert(
    fc.property(changesOf([target]), (changes) => void verdict(() => exerciseObject(changed(bytes, ranges, changes)))),
    { seed: SEED, numRuns: RUNS },
  );
});

it.each<[string, string, ExternInput['type']]>([
  ['settings', '.kconfig', 'u64'],
  ['addresses', '.ksyms', 'const void'],
  ['variables', '.ksyms', 'struct *'],
  ['functions', '.ksyms', 'int (struct *)'],
])('%s by the thousand', (_, section, type) => {
  const many = Array.from({ length: 10_000 }, (_, i): ExternInput => ({ name: `CONFIG_${i}`, type, weak: true }));
  const file = buildElf(externElf({ [section]: many }));
  expect(verdict(() => exerciseObject(file))).toBe('works');
});
