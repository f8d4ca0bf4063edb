// struct_ops against described kernels: where a structure's members go, and types that no kernel has.

import { describe, expect, it } from 'vitest';
import { FormatError, UnsupportedError } from '../../src/errors.js';
import type { BpfObject } from '../../src/object/index.js';
import { emptyMap } from '../../src/object/index.js';
import { resolveStructOps } from '../../src/plan/index.js';
import { btfOf, INT, proto, ptr, struct } from '../support/btf-types.js';
import { programs } from '../support/object-builder.js';

/** `struct ops { int a; void (*f)(int); }`, type 4, with a = 7 and f = p0. */
const local = btfOf([INT, proto(0, 1), ptr(2), struct('ops', 16, ['a', 1, 0], ['f', 3, 64])]);
const image = new Uint8Array(16);
image[0] = 7;
const object: BpfObject = {
  ...programs('struct_ops'),
  btf: local,
  maps: [{ ...emptyMap('mine'), structOps: { type: 4, image, programs: new Map([[1, 'p0']]), link: true } }],
};
const MEMBERS: readonly (readonly [string, number, number])[] = [
  ['f', 3, 0],
  ['other', 1, 8],
  ['a', 1, 12],
];
const kernel = ({ size = 48, at = 32, members = MEMBERS } = {}) =>
  btfOf([
    INT,
    proto(0, 1),
    ptr(2),
    struct('ops', 16, ...members.map(([name, type, offset]): [string, number, number] => [name, type, offset])),
    struct('bpf_struct_ops_ops', size, ['common', 1, 0], ['data', 4, at]),
  ]);
const resolve = (kernelBtf: ReturnType<typeof kernel>) => resolveStructOps(object, { kernelBtf, modules: [] }).get('mine');

describe('a structure', () => {
  it('is laid out as the kernel has it, with descriptors where its functions go', () => {
    const found = resolve(kernel());
    expect(found).toMatchObject({ wrapper: 5, size: 48, type: 4, members: new Map([['p0', 0]]) });
    expect(found?.value.fds).toEqual([{ at: 32, ref: { fd: 'prog p0' } }]);
    expect([...(found?.value.bytes ?? [])].flatMap((byte, i) => (byte ? [[i, byte]] : []))).toEqual([[44, 7]]);
  });

  it('that the kernel lacks, or whose member it lacks, is refused', () => {
    expect(() => resolve(btfOf([INT]))).toThrow(UnsupportedError);
    expect(() => resolve(kernel({ members: [['f', 3, 0]] }))).toThrow(
      'struct ops has no member a in this kernel, and mine sets it',
    );
  });

  it.each([
    ['of gigabytes', { size: 0xffffffff }],
    ['that does not hold its data', { at: 40 }],
    [
      'with a member past its end',
      {
        size: 48,
        members: [
          ['f', 3, 0],
          ['a', 1, 1000],
        ] as const,
      },
    ],
    [
      'with a function past its end',
      {
        size: 48,
        members: [
          ['a', 1, 0],
          ['f', 3, 12],
        ] as const,
      },
    ],
  ])('%s is no kernel’s', (_, described) => {
    expect(() => resolve(kernel(described))).toThrow(FormatError);
  });
});
