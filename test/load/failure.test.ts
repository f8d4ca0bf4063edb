// What to do about a map that the kernel is too old for, and about a verifier that was interrupted.

import { expect, it } from 'vitest';
import { utf8Bytes } from '../../src/bytes/index.js';
import { VerifierError } from '../../src/errors.js';
import { failure, reply } from '../../src/load/index.js';
import type { Attr, Step } from '../../src/plan/index.js';
import { BPF_F_LINK } from '../../src/uapi/bpf.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';

const [EINVAL, EAGAIN] = [22, 11];
const create = (attr: Attr): Step => ({
  id: 'map m',
  why: 'a map',
  makes: 'fd',
  call: 'bpf',
  cmd: 'BPF_MAP_CREATE',
  attr,
});

it.each<[string, Attr, RegExp]>([
  ['an arena', { map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARENA }, /Arenas came with Linux 6\.9\.$/],
  [
    'struct_ops as a link',
    { map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_STRUCT_OPS, map_flags: BPF_F_LINK },
    /before 6\.4.*\.struct_ops"/,
  ],
  ['struct_ops without', { map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_STRUCT_OPS }, /older than the map type: [^.]*\.$/],
  ['a hash', { map_type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH }, /older than the map type: [^.]*\.$/],
])('%s', (_, attr, remedy) => {
  expect(failure(create(attr), reply(-EINVAL)).remedy).toMatch(remedy);
});

it('a verifier that was interrupted refused nothing, whatever its log has come to', () => {
  const load: Step = { id: 'prog p', why: 'a program', makes: 'fd', call: 'bpf', cmd: 'BPF_PROG_LOAD', attr: {} };
  const log = utf8Bytes('0: R1=ctx() R10=fp0\n; int x; @ a.c:3\n0: (b7) r0 = 0\0');
  const error = failure(load, { result: -EAGAIN, out: new Map([['log_buf', log]]) });
  expect(error).not.toBeInstanceOf(VerifierError);
  expect(error).toMatchObject({ errno: 'EAGAIN', where: {}, remedy: expect.stringMatching(/says nothing of the program/) });
});
