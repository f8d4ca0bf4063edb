// The tables of src/uapi/since.ts against what they must be: numbers are given in the order of releases, and this kernel has what came
// before it.

import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Btf, findType } from '../../src/btf/index.js';
import { versionCode } from '../../src/plan/index.js';
import { kernelVersion, readBtf } from '../../src/syscall/index.js';
import { BPF_ATTACH_TYPE, BPF_FUNC, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../../src/uapi/enums.js';
import { ATTACH_TYPE_SINCE, HELPER_SINCE, MAP_TYPE_SINCE, PROG_TYPE_SINCE } from '../../src/uapi/since.js';

const TABLES: readonly [string, Readonly<Record<string, number>>, Readonly<Record<string, string>>][] = [
  ['bpf_prog_type', BPF_PROG_TYPE, PROG_TYPE_SINCE],
  ['bpf_map_type', BPF_MAP_TYPE, MAP_TYPE_SINCE],
  ['bpf_attach_type', BPF_ATTACH_TYPE, ATTACH_TYPE_SINCE],
  ['bpf_func_id', BPF_FUNC, HELPER_SINCE],
];
const RUNNING = '/sys/kernel/btf/vmlinux';

const numbersIn = (btf: Btf, name: string): Set<number> => {
  const id = findType(btf, name, 'ENUM');
  const type = id === undefined ? undefined : btf.type(id);
  return new Set(type?.kind === 'ENUM' ? type.values.map(({ value }) => Number(value)) : []);
};

describe.each(TABLES)('%s', (name, numbers, since) => {
  test('a larger number came with the same release or a later one', () => {
    const rows = Object.entries(numbers).filter(([member]) => since[member] !== undefined);
    expect(rows.length).toBeGreaterThan(20);
    for (const [i, [member]] of rows.entries()) {
      const [before] = rows[i - 1] ?? [member];
      expect(versionCode(since[member] as string), `${before} before ${member}`).toBeGreaterThanOrEqual(
        versionCode(since[before] as string),
      );
    }
  });

  test.skipIf(!existsSync(RUNNING))('this kernel has what came with it or before', () => {
    const there = numbersIn(readBtf(RUNNING), name);
    const older = Object.entries(numbers).filter(([member]) => versionCode(since[member] ?? '999.0') <= kernelVersion());
    expect(older.filter(([, number]) => !there.has(number))).toEqual([]);
  });
});
