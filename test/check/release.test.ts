// Instructions that only a release tells of, where nobody said which one a kernel is of.

import { expect, it } from 'vitest';
import { open } from '../../src/api/index.js';
import { parseBtf } from '../../src/btf/index.js';
import { type CheckedKernel, checkObject } from '../../src/check/index.js';
import { versionCode } from '../../src/plan/index.js';
import { kernelOf } from '../support/kernels.js';

const { object } = open('fixtures/bench.bpf.o'); // its callbacks need 5.13

const callbacksOn = (release: string, isSaid: boolean) => {
  const version = isSaid ? versionCode(release) : undefined;
  const kernel: CheckedKernel = { name: release, version, btf: parseBtf(kernelOf(release)), modules: [] };
  const { programs } = checkObject(object, kernel);
  return programs
    .flatMap(({ findings }) => findings)
    .filter(({ concern }) => concern === 'instructions')
    .map(({ verdict, what, remedy }) => ({ verdict, what, remedy }));
};

it('a kernel that is said to be too old does not have them', () => {
  expect(callbacksOn('5.10', true)).toMatchObject([
    { verdict: 'red', what: 'The kernel has no addresses of functions (callbacks)' },
  ]);
});

it('one whose types have no helper of that release or later may have them or not', () => {
  expect(callbacksOn('5.10', false)).toEqual([
    {
      verdict: 'unknown',
      what: 'whether the kernel has addresses of functions (callbacks)',
      remedy: 'Say of which release it is: --kernel 6.1=FILE.',
    },
  ]);
});

it('one whose types have a later helper has them', () => {
  expect(callbacksOn('6.1', false)).toEqual([]);
  expect(callbacksOn('6.1', true)).toEqual([]);
});
