// What a probe's refusal says of the kernel, and what it does not.

import { expect, test } from 'vitest';
import { type Kernel, reply } from '../../src/load/index.js';
import { probe } from '../../src/syscall/index.js';

const ERRNO = { EINVAL: 22, EPERM: 1, EMFILE: 24, ENOMEM: 12 } as const;

const refusing = (errno: number): Kernel => ({ run: () => reply(-errno), close: () => {}, unmap: () => {} });

test.each([
  ['EINVAL', false],
  ['EPERM', undefined],
  ['EMFILE', undefined],
  ['ENOMEM', undefined],
] as const)('%s: %s', (name, found) => {
  expect(probe('btf_float', refusing(ERRNO[name]))).toBe(found);
});
