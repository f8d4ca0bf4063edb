// Elements of any map, as bytes: one by one, or many at once where the kernel has that.

import { SyscallError } from '../errors.js';
import { type Element, isPerCpu, type MapInfo, perCpuStep } from '../live/index.js';
import type { MapOps } from '../maps/index.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { errnoName } from '../uapi/errno.js';
import { bpfCall, mustBpf } from './bpf-call.js';
import { elementRemedy } from './element-remedies.js';
import { possibleCpus } from './facts.js';
import { mapOps } from './map-ops.js';

/** Bytes of a value as user space sees it: that of each CPU, for per-CPU maps. */
export const valueRoom = (info: MapInfo): number =>
  isPerCpu(info.type) ? perCpuStep(info.valueSize) * possibleCpus() : info.valueSize;

export const elementOps = (fd: number, info: MapInfo): MapOps =>
  mapOps(() => fd, {
    name: info.name || `${info.id}`,
    type: info.type,
    keySize: info.keySize,
    valueSize: valueRoom(info),
    maxEntries: info.maxEntries,
  });

/** The same value for every CPU. */
export function forEachCpu(info: MapInfo, value: Uint8Array): Uint8Array {
  if (!isPerCpu(info.type)) return value;
  const room = new Uint8Array(valueRoom(info));
  for (let at = 0; at < room.length; at += perCpuStep(info.valueSize)) room.set(value, at);
  return room;
}

const T = BPF_MAP_TYPE;
/** Types that give many elements for one call. */
const BATCHED: ReadonlySet<number> = new Set([
  T.BPF_MAP_TYPE_HASH,
  T.BPF_MAP_TYPE_ARRAY,
  T.BPF_MAP_TYPE_PERCPU_HASH,
  T.BPF_MAP_TYPE_PERCPU_ARRAY,
  T.BPF_MAP_TYPE_LRU_HASH,
  T.BPF_MAP_TYPE_LRU_PERCPU_HASH,
  T.BPF_MAP_TYPE_LPM_TRIE,
  T.BPF_MAP_TYPE_ARRAY_OF_MAPS,
  T.BPF_MAP_TYPE_HASH_OF_MAPS,
]);
const FIRST_BATCH = 1024;
/** Bytes of keys and values for one call, at most at first. */
const BATCH_BYTES = 1 << 22;

/** A map that changes under the walk may send it back to the start: then this many times its elements are enough. */
const MOST_TURNS = 4;
const mostSteps = ({ maxEntries }: MapInfo): number => MOST_TURNS * maxEntries + FIRST_BATCH;

/**
 * All elements, in the kernel's order. What programs change meanwhile may come twice, or not at all.
 * @throws {SyscallError}
 */
export function* elements(fd: number, info: MapInfo): Generator<Element> {
  if (info.keySize === 0) return; // queues and rings cannot be walked
  const left = BATCHED.has(info.type) && info.maxEntries > 1 ? yield* batches(fd, info) : { after: undefined };
  if (left) yield* oneByOne(fd, info, left.after);
}

/** Room for a cursor: a bucket or an index takes 4 bytes, others a key. */
const cursorRoom = ({ keySize }: MapInfo): Uint8Array => new Uint8Array(Math.max(4, keySize));

/**
 * @returns Undefined at the end of the map; the last key where the kernel would not go on: older ones have no such call for some types,
 *          and give up where elements are missing (EINTR) or somebody else is at work (EBUSY).
 */
function* batches(fd: number, info: MapInfo): Generator<Element, { readonly after: Uint8Array | undefined } | undefined> {
  const room = valueRoom(info);
  let capacity = Math.max(1, Math.min(info.maxEntries, FIRST_BATCH, Math.floor(BATCH_BYTES / (info.keySize + room))));
  let cursor: Uint8Array | undefined;
  let after: Uint8Array | undefined;
  for (let steps = 0; steps <= mostSteps(info); ) {
    const reply = bpfCall('BPF_MAP_LOOKUP_BATCH', {
      ...(cursor && { in_batch: cursor }),
      out_batch: cursorRoom(info),
      keys: new Uint8Array(capacity * info.keySize),
      values: new Uint8Array(capacity * room),
      count: capacity,
      map_fd: fd,
    });
    const errno = reply.result < 0 ? errnoName(-reply.result) : undefined;
    if (errno === 'ENOSPC' && capacity <= info.maxEntries) {
      capacity *= 2; // a bucket of the hash table does not fit
      continue;
    }
    if (errno !== undefined && errno !== 'ENOENT') return { after };
    const [keys, values, count] = [reply.pointed('keys'), reply.pointed('values'), reply.field('count')];
    for (let i = 0; i < count; i++) {
      const key = keys.slice(i * info.keySize, (i + 1) * info.keySize);
      yield { key, value: values.slice(i * room, (i + 1) * room) };
      after = key;
    }
    if (errno === 'ENOENT') return undefined;
    steps += count;
    cursor = reply.pointed('out_batch').slice();
  }
  return undefined;
}

function* oneByOne(fd: number, info: MapInfo, after: Uint8Array | undefined): Generator<Element> {
  const ops = elementOps(fd, info);
  let key = after;
  for (let steps = 0; steps <= mostSteps(info); steps++) {
    const next = new Uint8Array(info.keySize);
    if (!ops.nextKey(key, next)) return;
    yield { key: next, value: lookedUp(ops, next) };
    key = next;
  }
}

/** Words of strerror for what a lookup comes to. */
const MESSAGES: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  ENOTSUPP: 'Unknown error 524',
  EOPNOTSUPP: 'Operation not supported',
  EPERM: 'Operation not permitted',
  EINVAL: 'Invalid argument',
  ENOSPC: 'No space left on device',
  EBADF: 'Bad file descriptor',
};

function lookedUp(ops: MapOps, key: Uint8Array): Element['value'] {
  const value = new Uint8Array(ops.valueSize);
  try {
    return ops.lookup(key, value) ? value : { errno: 'ENOENT', message: MESSAGES.ENOENT as string };
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return { errno: error.errno, message: MESSAGES[error.errno] ?? error.errno };
  }
}

/** Takes the next value of a queue or stack away; undefined when there is none. @throws {SyscallError} */
export function popElement(fd: number, info: MapInfo): Uint8Array | undefined {
  const reply = bpfCall('BPF_MAP_LOOKUP_AND_DELETE_ELEM', {
    map_fd: fd,
    value: new Uint8Array(valueRoom(info)),
  });
  if (reply.result >= 0) return reply.pointed('value').slice();
  const errno = errnoName(-reply.result);
  if (errno === 'ENOENT') return undefined;
  const cmd = 'BPF_MAP_LOOKUP_AND_DELETE_ELEM';
  const remedy = elementRemedy({ cmd, errno, flags: 0, type: info.type, maxEntries: info.maxEntries });
  throw new SyscallError(`bpf(${cmd})`, errno, {
    doing: `Cannot pop from map ${info.name || info.id}`,
    ...(remedy && { remedy }),
  });
}

/** @throws {SyscallError} */
export function freezeMap(fd: number): void {
  mustBpf('BPF_MAP_FREEZE', { map_fd: fd }, 'Cannot freeze the map', {
    EBUSY: 'Somebody has it mapped for writing, or it is frozen already.',
    EPERM: 'It is frozen already, or may only be read. It takes CAP_BPF, too.',
  });
}
