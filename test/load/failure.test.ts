// What to do about a map that the kernel is too old for.

import { expect, it } from 'vitest';
import { failure, reply } from '../../src/load/index.js';
import type { Attr, Step } from '../../src/plan/index.js';
import { BPF_F_LINK } from '../../src/uapi/bpf.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';

const EINVAL = 22;
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
