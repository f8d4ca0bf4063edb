// Element operations on a map, without steps: one attribute and its key and value lie in one buffer that is used again and again.

import { SyscallError } from '../errors.js';
import type { MapOps } from '../maps/index.js';
import { BPF_CMD } from '../uapi/enums.js';
import { errnoName } from '../uapi/errno.js';
import { elementRemedy } from './element-remedies.js';
import { addressOf, syscall } from './libc.js';

const ATTR_SIZE = 32; // map_fd, key, value or next_key, flags
/** The kernel wants zeros after the last field that a command knows, so each is told only so much of the attribute. */
const SIZES = { BPF_MAP_LOOKUP_ELEM: 32, BPF_MAP_UPDATE_ELEM: 32, BPF_MAP_DELETE_ELEM: 16, BPF_MAP_GET_NEXT_KEY: 24 } as const;
type Cmd = keyof typeof SIZES;
const align8 = (n: number) => Math.ceil(n / 8) * 8;
const ENOENT = 2;

/** @param fd Asked for at each call, because the number of a descriptor that was closed soon belongs to another. */
export function mapOps(
  fd: () => number,
  sizes: {
    readonly name: string;
    readonly type: number;
    readonly keySize: number;
    readonly valueSize: number;
    readonly maxEntries: number;
  },
): MapOps {
  const { keySize, valueSize } = sizes;
  const keyAt = ATTR_SIZE;
  const valueAt = keyAt + align8(keySize);
  const bytes = new Uint8Array(new ArrayBuffer(valueAt + align8(Math.max(keySize, valueSize))));
  const view = new DataView(bytes.buffer);
  const base = addressOf(bytes);
  view.setBigUint64(16, base + BigInt(valueAt), true);
  const keyAddress = base + BigInt(keyAt);

  const call = (cmd: Cmd, key: Uint8Array | undefined, flags = 0): number => {
    view.setInt32(0, fd(), true);
    view.setBigUint64(8, key && keySize > 0 ? keyAddress : 0n, true); // queues have no keys, and want no pointer to one
    view.setUint32(24, flags, true);
    if (key) bytes.set(key, keyAt);
    return syscall('bpf', BPF_CMD[cmd], bytes, SIZES[cmd]);
  };
  const failed = (cmd: Cmd, errno: string, doing: string, flags = 0): SyscallError => {
    const remedy = elementRemedy({ cmd, errno, flags, type: sizes.type, maxEntries: sizes.maxEntries });
    return new SyscallError(`bpf(${cmd})`, errno, { doing, where: { map: sizes.name }, ...(remedy && { remedy }) });
  };
  const found = (cmd: Cmd, result: number): boolean => {
    if (result >= 0) return true;
    if (result === -ENOENT) return false;
    throw failed(cmd, errnoName(-result), `Cannot use map ${sizes.name}`);
  };
  return {
    ...sizes,
    lookup: (key, value) => {
      if (!found('BPF_MAP_LOOKUP_ELEM', call('BPF_MAP_LOOKUP_ELEM', key))) return false;
      value.set(bytes.subarray(valueAt, valueAt + valueSize));
      return true;
    },
    update: (key, value, flags) => {
      bytes.set(value, valueAt);
      const result = call('BPF_MAP_UPDATE_ELEM', key, flags);
      if (result >= 0) return;
      throw failed('BPF_MAP_UPDATE_ELEM', errnoName(-result), `Cannot set an element of map ${sizes.name}`, flags);
    },
    delete: (key) => found('BPF_MAP_DELETE_ELEM', call('BPF_MAP_DELETE_ELEM', key)),
    nextKey: (key, next) => {
      if (!found('BPF_MAP_GET_NEXT_KEY', call('BPF_MAP_GET_NEXT_KEY', key))) return false;
      next.set(bytes.subarray(valueAt, valueAt + keySize));
      return true;
    },
  };
}
