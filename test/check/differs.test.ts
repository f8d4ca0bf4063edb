// What a kernel has otherwise than an object needs it is not said to be missing.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseBtf } from '../../src/btf/index.js';
import { checkObject } from '../../src/check/index.js';
import { parseElf } from '../../src/elf/index.js';
import { openObject } from '../../src/object/index.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { kernelOf } from '../support/kernels.js';

describeWithCompiler('a field', () => {
  test.each([
    [
      'kind',
      'CO-RE relocation <byte_off> struct task_struct___mine.pid.deep has no answer in this kernel: its member pid is of an incompatible kind (INT, not STRUCT)',
    ],
    [
      'size',
      'CO-RE relocation <byte_off> struct task_struct___short.pid has no answer in this kernel: the field has 4 bytes in the kernel and has 2 bytes in the object; only unsigned integers and pointers can be loaded in another size',
    ],
  ])('of another %s', (program, what) => {
    const path = compilePart(join(import.meta.dirname, 'differs.bpf.c'), 0);
    const kernel = { name: '6.12', version: undefined, btf: parseBtf(kernelOf('6.12')), modules: [] };
    const { programs } = checkObject(openObject(parseElf(readFileSync(path))), {
      ...kernel,
      kconfig: undefined,
      symbols: undefined,
    });
    const found = programs.find((one) => one.program === program)?.findings.filter(({ concern }) => concern === 'relocations');
    expect(found).toMatchObject([{ verdict: 'red', what }]);
  });
});
