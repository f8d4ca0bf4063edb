// Refusals of elements, one of each kind, made by the kernel: what is said of them is meant for that type of map.

import { closeSync, openSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { SyscallError } from '../../src/errors.js';
import { drive, execute } from '../../src/load/index.js';
import { type ElementCmd, elementRemedy } from '../../src/syscall/element-remedies.js';
import { createMap, type Descriptor, elementOps, freezeMap, mapInfo, popElement, realKernel } from '../../src/syscall/index.js';
import { BPF_F_NO_PREALLOC, BPF_NOEXIST } from '../../src/uapi/bpf.js';
import { BPF_MAP_TYPE, BPF_PROG_TYPE } from '../../src/uapi/enums.js';
import { describeWithKernel } from '../support/kernel.js';

type Type = keyof typeof BPF_MAP_TYPE extends infer N ? (N extends `BPF_MAP_TYPE_${infer Name}` ? Name : never) : never;
const bytes = (...words: readonly number[]) => new Uint8Array(Uint32Array.from(words).buffer);

function made(
  type: Type,
  { key = 4, value = 4, flags = 0, inner }: Partial<Record<'key' | 'value' | 'flags' | 'inner', number>> = {},
) {
  const map = createMap({
    map_name: 'refusing',
    map_type: BPF_MAP_TYPE[`BPF_MAP_TYPE_${type}`],
    key_size: key,
    value_size: value,
    max_entries: type === 'RINGBUF' ? 4096 : 1,
    map_flags: flags,
    ...(inner !== undefined && { inner_map_fd: inner }),
  });
  const info = mapInfo(map.fd);
  return { ...map, info, ops: elementOps(map.fd, info) };
}
type Made = ReturnType<typeof made>;

function prog(type: keyof typeof BPF_PROG_TYPE): Descriptor {
  const insns = Buffer.from('b7000000000000009500000000000000', 'hex'); // r0 = 0; exit
  const attr = { prog_type: BPF_PROG_TYPE[type], insn_cnt: 2, insns, license: 'GPL' };
  const session = drive(
    execute([{ id: 'prog p', why: 'a test', makes: 'fd', call: 'bpf', cmd: 'BPF_PROG_LOAD', attr }], realKernel),
  );
  return { fd: session.get({ fd: 'prog p' }), [Symbol.dispose]: () => session[Symbol.dispose]() };
}

const BPF_F_WRONLY = 0x10;
/** A folder: no socket, no cgroup, no perf event. */
const folder = openSync('/', 'r');
afterAll(() => closeSync(folder));
const CLOSED = 1_000_000;

const CASES: readonly (readonly [what: string, errno: string, remedy: RegExp, refused: () => void])[] = [
  ['an array, past its end', 'E2BIG', /past the end.*max_entries 1|there are 1 /, () => set('ARRAY', 1)],
  ['a hash that is full', 'E2BIG', /^The map is full \(max_entries 1\)/, () => set('HASH', 0, 1)],
  [
    'a queue that is full',
    'E2BIG',
    /^The map is full/,
    () => using(made('QUEUE', { key: 0 }), ({ ops }) => twice(() => ops.update(bytes(), bytes(1), 0))),
  ],
  [
    'a trie that is full',
    'ENOSPC',
    /^The map is full/,
    () => using(trie(), ({ ops }) => [1, 2].map((n) => ops.update(bytes(32, n), bytes(1), 0))),
  ],
  [
    'a trie, by a prefix too long',
    'EINVAL',
    /how many bits/,
    () => using(trie(), ({ ops }) => ops.update(bytes(33, 1), bytes(1), 0)),
  ],
  ['an array, deleted from', 'EINVAL', /set them to zero/, () => using(made('ARRAY'), ({ ops }) => ops.delete(bytes(0)))],
  [
    'an array, noexist',
    'EEXIST',
    /noexist is never true/,
    () => using(made('ARRAY'), ({ ops }) => ops.update(bytes(0), bytes(0), BPF_NOEXIST)),
  ],
  [
    'a queue, noexist',
    'EINVAL',
    /takes any, or exist/,
    () => using(made('QUEUE', { key: 0 }), ({ ops }) => ops.update(bytes(), bytes(0), BPF_NOEXIST)),
  ],
  ['a queue, walked', 'EINVAL', /peek.*pop/, () => using(made('QUEUE', { key: 0 }), ({ ops }) => ops.nextKey(bytes(), bytes()))],
  ['an array, popped from', 'EFAULT', /Queues and stacks/, () => using(made('ARRAY'), ({ fd, info }) => popElement(fd, info))],
  ['a socket map, what is no socket', 'ENOTSOCK', /^The value is a socket/, () => setToFolder('SOCKMAP')],
  [
    'a socket map, what is not open',
    'EBADF',
    /^The value is a socket/,
    () => using(made('SOCKHASH'), ({ ops }) => ops.update(bytes(0), bytes(CLOSED), 0)),
  ],
  [
    'a socket map, an element that is not there',
    'EINVAL',
    /no socket at that index/,
    () => using(made('SOCKMAP'), ({ ops }) => ops.delete(bytes(0))),
  ],
  ['a socket map, looked at', 'ENOSPC', /cookies/, () => using(made('SOCKMAP'), ({ ops }) => ops.lookup(bytes(0), bytes(0)))],
  ['an array of cgroups, what is none', 'EBADF', /cgroup2/, () => setToFolder('CGROUP_ARRAY')],
  ['an array of perf events, what is none', 'EBADF', /a perf event/, () => setToFolder('PERF_EVENT_ARRAY')],
  [
    'a map of devices, what is none',
    'EINVAL',
    /network device/,
    () => using(made('DEVMAP'), ({ ops }) => ops.update(bytes(0), bytes(0x7fffffff), 0)),
  ],
  [
    'a ring',
    'ENOTSUPP',
    /has no elements/,
    () => using(made('RINGBUF', { key: 0, value: 0 }), ({ ops }) => ops.lookup(bytes(), bytes())),
  ],
  [
    'a frozen map',
    'EPERM',
    /frozen/,
    () =>
      using(made('ARRAY'), (map) => {
        freezeMap(map.fd);
        map.ops.update(bytes(0), bytes(0), 0);
      }),
  ],
  [
    'a map to write to',
    'EPERM',
    /BPF_F_WRONLY/,
    () => using(made('ARRAY', { flags: BPF_F_WRONLY }), ({ ops }) => ops.lookup(bytes(0), bytes(0))),
  ],
  [
    'an array of programs, one of another type',
    'EINVAL',
    /another type/,
    () => {
      using array = made('PROG_ARRAY');
      using first = prog('BPF_PROG_TYPE_SOCKET_FILTER');
      using second = prog('BPF_PROG_TYPE_XDP');
      array.ops.update(bytes(0), bytes(first.fd), 0);
      array.ops.update(bytes(0), bytes(second.fd), 0);
    },
  ],
  [
    'an array of programs, noexist',
    'EINVAL',
    /no flag but any/,
    () => using(made('PROG_ARRAY'), ({ ops }) => ops.update(bytes(0), bytes(0), BPF_NOEXIST)),
  ],
  [
    'a map of maps, one unlike the first',
    'EINVAL',
    /another type, key or value size/,
    () => {
      using like = made('ARRAY');
      using outer = made('ARRAY_OF_MAPS', { inner: like.fd });
      using other = made('ARRAY', { value: 8 });
      outer.ops.update(bytes(0), bytes(other.fd), 0);
    },
  ],
];

const trie = () => made('LPM_TRIE', { key: 8, flags: BPF_F_NO_PREALLOC });
function using(map: Made, act: (map: Made) => void): void {
  try {
    act(map);
  } finally {
    map[Symbol.dispose]();
  }
}
const twice = (act: () => void) => [act, act].forEach((again) => void again());
/** Sets elements with these keys to 0. */
const set = (type: Type, ...keys: readonly number[]) =>
  using(made(type), ({ ops }) => keys.forEach((key) => void ops.update(bytes(key), bytes(0), 0)));

const setToFolder = (type: Type) => using(made(type), ({ ops }) => ops.update(bytes(0), bytes(folder), 0));

describeWithKernel('an element that is refused', () => {
  it.each(CASES)('%s: %s', (_, errno, remedy, refused) => {
    let error: unknown;
    try {
      refused();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ name: 'SyscallError', errno });
    expect((error as SyscallError).remedy).toMatch(remedy);
  });
});

describe('a key of storage', () => {
  it.each([
    ['TASK', 'a pidfd'],
    ['SK', 'a socket'],
    ['INODE', 'a file'],
    ['CGRP', 'a folder of the cgroup2 file system'],
  ] as const)('of %s is %s', (of, what) => {
    const cmds: readonly ElementCmd[] = ['BPF_MAP_LOOKUP_ELEM', 'BPF_MAP_UPDATE_ELEM', 'BPF_MAP_DELETE_ELEM'];
    for (const cmd of cmds)
      expect(
        elementRemedy({ cmd, errno: 'EBADF', type: BPF_MAP_TYPE[`BPF_MAP_TYPE_${of}_STORAGE`], maxEntries: 0, flags: 0 }),
      ).toContain(`The key is ${what}`);
  });
});
