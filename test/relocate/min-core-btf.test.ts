// What cannot be reduced; test/parity/min-core-btf.test.ts has what can.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseBtf } from '../../src/btf/index.js';
import { parseElf } from '../../src/elf/index.js';
import { minCoreBtf } from '../../src/relocate/index.js';

it("a module's types, which continue their kernel's, are an error", () => {
  const base = parseBtf(
    parseElf(readFileSync('fixtures/bootstrap.bpf.o')).sections.find(({ name }) => name === '.BTF')?.data ?? new Uint8Array(),
  );
  const header = Uint8Array.of(0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  expect(() => minCoreBtf(parseBtf(header, base), [])).toThrow(/Types of a module cannot be reduced.*\n.*vmlinux/);
});
