// What a refusal of an element of a map means, and what to do. The same errno means other things in maps of other types, so
// the rows are by type. As in kernel/bpf and net/core (v6.12).

import { BPF_MAP_TYPE as T } from '../uapi/enums.js';

export type ElementCmd =
  | 'BPF_MAP_LOOKUP_ELEM'
  | 'BPF_MAP_UPDATE_ELEM'
  | 'BPF_MAP_DELETE_ELEM'
  | 'BPF_MAP_GET_NEXT_KEY'
  | 'BPF_MAP_LOOKUP_AND_DELETE_ELEM';

/** What was asked of which map. */
export interface RefusedElement {
  readonly cmd: ElementCmd;
  readonly errno: string;
  /** BPF_MAP_TYPE. */
  readonly type: number;
  readonly maxEntries: number;
  /** Of an update: BPF_ANY and its like. */
  readonly flags: number;
}

interface Row {
  /** Any, if not given; so with `cmd` and `flags`. */
  readonly types?: readonly number[];
  readonly cmd?: ElementCmd;
  /** Some flag was given. */
  readonly flags?: true;
  readonly errno: readonly string[];
  readonly remedy: string | ((refused: RefusedElement) => string);
}

const ARRAYS = [T.BPF_MAP_TYPE_ARRAY, T.BPF_MAP_TYPE_PERCPU_ARRAY];
const MAPS_OF_MAPS = [T.BPF_MAP_TYPE_ARRAY_OF_MAPS, T.BPF_MAP_TYPE_HASH_OF_MAPS];
const QUEUES = [T.BPF_MAP_TYPE_QUEUE, T.BPF_MAP_TYPE_STACK];
const RINGS = [T.BPF_MAP_TYPE_RINGBUF, T.BPF_MAP_TYPE_USER_RINGBUF];
const SOCKMAPS = [T.BPF_MAP_TYPE_SOCKMAP, T.BPF_MAP_TYPE_SOCKHASH];
const DEVMAPS = [T.BPF_MAP_TYPE_DEVMAP, T.BPF_MAP_TYPE_DEVMAP_HASH];
/** Their values are descriptors, and may be set whether they are there or not. */
const DESCRIPTOR_ARRAYS = [
  T.BPF_MAP_TYPE_PROG_ARRAY,
  T.BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  T.BPF_MAP_TYPE_CGROUP_ARRAY,
  T.BPF_MAP_TYPE_ARRAY_OF_MAPS,
];
/** Their keys are places, counted from 0. */
const INDEXED = [
  ...ARRAYS,
  ...DESCRIPTOR_ARRAYS,
  T.BPF_MAP_TYPE_DEVMAP,
  T.BPF_MAP_TYPE_CPUMAP,
  T.BPF_MAP_TYPE_XSKMAP,
  T.BPF_MAP_TYPE_SOCKMAP,
  T.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
  T.BPF_MAP_TYPE_STACK_TRACE,
];

const UPDATE = 'BPF_MAP_UPDATE_ELEM';
const DELETE = 'BPF_MAP_DELETE_ELEM';
const LOOKUP = 'BPF_MAP_LOOKUP_ELEM';
const NEXT = 'BPF_MAP_GET_NEXT_KEY';
const pastEnd = ({ maxEntries }: RefusedElement): string =>
  `The index is past the end: there are ${maxEntries} (max_entries), counted from 0.`;
const full = ({ maxEntries }: RefusedElement): string => `The map is full (max_entries ${maxEntries}).`;
const storage = (key: string): string =>
  `The key is ${key}, a descriptor that this process has open; this number is no such descriptor.`;

/** Later kernels ask for it only when something is made. */
const OLD_RIGHT = 'Before Linux 6.0 it takes CAP_BPF, too.';
const WRITE_ONLY = `The map may only be written to (BPF_F_WRONLY). ${OLD_RIGHT}`;

/** The first that fits tells. */
const ROWS: readonly Row[] = [
  {
    types: [...DESCRIPTOR_ARRAYS, T.BPF_MAP_TYPE_BLOOM_FILTER],
    cmd: UPDATE,
    flags: true,
    errno: ['EINVAL'],
    remedy: 'Maps of this type take no flag but any.',
  },
  {
    types: QUEUES,
    cmd: UPDATE,
    flags: true,
    errno: ['EINVAL'],
    remedy: 'A queue or stack takes any, or exist, which makes room by dropping what is oldest.',
  },

  {
    types: [T.BPF_MAP_TYPE_PROG_ARRAY],
    cmd: UPDATE,
    errno: ['EINVAL'],
    remedy:
      'The programs of one array are alike: this one is of another type or attach type than the first that was put in, or than the program that uses the array (map show: owner_prog_type), or only one of the two is compiled (jited) or takes XDP fragments.',
  },
  {
    types: [T.BPF_MAP_TYPE_PROG_ARRAY],
    cmd: UPDATE,
    errno: ['EBUSY'],
    remedy: 'A freplace program is attached to it, and what is replaced cannot be in an array.',
  },
  {
    types: MAPS_OF_MAPS,
    cmd: UPDATE,
    errno: ['EINVAL'],
    remedy:
      'The maps in it are like the one that it was made with: this one has another type, key or value size, flags or special fields (a lock, a timer), or, of arrays made without BPF_F_INNER_MAP, another max_entries.',
  },
  {
    types: [...SOCKMAPS, T.BPF_MAP_TYPE_XSKMAP, T.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY],
    cmd: UPDATE,
    errno: ['ENOTSOCK', 'EBADF'],
    remedy: 'The value is a socket, a descriptor that this process has open; this number is no such descriptor.',
  },
  {
    types: SOCKMAPS,
    cmd: UPDATE,
    errno: ['EOPNOTSUPP'],
    remedy:
      'It takes TCP sockets that are connected or listening, UDP sockets that are bound, and streams of AF_UNIX and AF_VSOCK that are connected.',
  },
  { types: [T.BPF_MAP_TYPE_XSKMAP], cmd: UPDATE, errno: ['EOPNOTSUPP'], remedy: 'It takes sockets of AF_XDP only.' },
  {
    types: [T.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY],
    cmd: UPDATE,
    errno: ['EINVAL', 'ENOTSUPP'],
    remedy: 'It takes TCP sockets that listen and UDP sockets that are bound, both with SO_REUSEPORT set before.',
  },
  {
    types: [T.BPF_MAP_TYPE_CGROUP_ARRAY],
    cmd: UPDATE,
    errno: ['EBADF'],
    remedy:
      'The value is a folder of the cgroup2 file system, a descriptor that this process has open; this number is no such descriptor.',
  },
  {
    types: [T.BPF_MAP_TYPE_PERF_EVENT_ARRAY],
    cmd: UPDATE,
    errno: ['EBADF'],
    remedy: 'The value is a perf event, a descriptor that this process has open; this number is no such descriptor.',
  },
  {
    types: DEVMAPS,
    cmd: UPDATE,
    errno: ['EINVAL'],
    remedy:
      'The value is the number of a network device in this network namespace (ip link), and, if it has 8 bytes, an XDP program made for devmap behind it, or 0.',
  },
  { types: [T.BPF_MAP_TYPE_CPUMAP], cmd: UPDATE, errno: ['ENODEV'], remedy: 'This machine has no CPU of that number.' },
  {
    types: [T.BPF_MAP_TYPE_CPUMAP],
    cmd: UPDATE,
    errno: ['EOVERFLOW'],
    remedy: 'The value is how many packets may wait for the CPU: 16384 at most.',
  },
  {
    types: [T.BPF_MAP_TYPE_STACK_TRACE],
    cmd: UPDATE,
    errno: ['EINVAL'],
    remedy: 'Only programs put stacks in; user space looks at them and deletes them.',
  },

  { types: [T.BPF_MAP_TYPE_TASK_STORAGE], errno: ['EBADF'], remedy: storage('a pidfd') },
  { types: [T.BPF_MAP_TYPE_SK_STORAGE], errno: ['EBADF', 'ENOTSOCK'], remedy: storage('a socket') },
  { types: [T.BPF_MAP_TYPE_INODE_STORAGE], errno: ['EBADF'], remedy: storage('a file') },
  { types: [T.BPF_MAP_TYPE_CGRP_STORAGE], errno: ['EBADF'], remedy: storage('a folder of the cgroup2 file system') },

  {
    types: ARRAYS,
    cmd: DELETE,
    errno: ['EINVAL'],
    remedy: 'An array has all its elements for good; set them to zero instead (update).',
  },
  {
    types: QUEUES,
    errno: ['EINVAL'],
    remedy: 'A queue or stack has no keys: its next value is looked at (peek) and taken away (pop).',
  },
  { types: [T.BPF_MAP_TYPE_SOCKMAP], cmd: DELETE, errno: ['EINVAL'], remedy: 'There is no socket at that index.' },
  {
    types: [T.BPF_MAP_TYPE_DEVMAP, T.BPF_MAP_TYPE_CPUMAP, T.BPF_MAP_TYPE_XSKMAP],
    cmd: DELETE,
    errno: ['EINVAL'],
    remedy: pastEnd,
  },
  {
    types: [T.BPF_MAP_TYPE_LPM_TRIE],
    errno: ['EINVAL'],
    remedy: 'A key starts with 4 bytes that say how many bits of the others count: no more than there are.',
  },
  { types: [T.BPF_MAP_TYPE_LPM_TRIE], cmd: UPDATE, errno: ['ENOSPC'], remedy: full },
  {
    types: [T.BPF_MAP_TYPE_BLOOM_FILTER],
    errno: ['EOPNOTSUPP'],
    remedy: 'A bloom filter only tells whether a value may be in it: nothing is listed or taken away.',
  },
  {
    types: [...SOCKMAPS, T.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY],
    cmd: LOOKUP,
    errno: ['ENOSPC'],
    remedy: 'User space sees the cookies of the sockets, if the values of the map have 8 bytes (value_size).',
  },
  { types: RINGS, errno: ['ENOTSUPP'], remedy: 'A ring has no elements: its records go through mapped memory, in their order.' },
  {
    cmd: LOOKUP,
    errno: ['ENOTSUPP', 'EOPNOTSUPP'],
    remedy: 'What is in maps of this type cannot be looked at: it is for programs only.',
  },
  { cmd: NEXT, errno: ['ENOTSUPP'], remedy: 'Keys of maps of this type cannot be walked.' },

  {
    types: ARRAYS,
    cmd: UPDATE,
    errno: ['EEXIST'],
    remedy: 'An array has all its elements from the start, so noexist is never true.',
  },
  {
    types: [T.BPF_MAP_TYPE_DEVMAP, T.BPF_MAP_TYPE_CPUMAP],
    cmd: UPDATE,
    errno: ['EEXIST'],
    remedy: 'Maps of this type do not take noexist.',
  },
  { cmd: UPDATE, errno: ['EEXIST'], remedy: 'The key is already there.' },
  { cmd: UPDATE, flags: true, errno: ['ENOENT'], remedy: 'The key is not there.' },
  { types: INDEXED, errno: ['E2BIG'], remedy: pastEnd },
  { errno: ['E2BIG'], remedy: full },
  {
    cmd: 'BPF_MAP_LOOKUP_AND_DELETE_ELEM',
    errno: ['ENOTSUPP', 'EFAULT'],
    remedy: 'Queues and stacks can be popped from; elements of a map with keys are looked up and deleted.',
  },
  { cmd: LOOKUP, errno: ['EPERM'], remedy: WRITE_ONLY },
  { cmd: NEXT, errno: ['EPERM'], remedy: WRITE_ONLY },
  {
    errno: ['EPERM'],
    remedy: `The map is frozen (map show), or may only be read: programs can change it, user space cannot. ${OLD_RIGHT}`,
  },
];

/** Undefined where nothing better is known than the errno. */
export function elementRemedy(refused: RefusedElement): string | undefined {
  const { cmd, errno, type, flags } = refused;
  const row = ROWS.find(
    (candidate) =>
      candidate.errno.includes(errno) &&
      (candidate.cmd === undefined || candidate.cmd === cmd) &&
      (candidate.types === undefined || candidate.types.includes(type)) &&
      (candidate.flags === undefined || flags !== 0),
  );
  return typeof row?.remedy === 'function' ? row.remedy(refused) : row?.remedy;
}
