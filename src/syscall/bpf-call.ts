// One bpf(2) call outside a plan: looking at what is there, and small changes that somebody asked for by name.

import { SyscallError, UsageError } from '../errors.js';
import { type Attr, encodeAttr } from '../plan/index.js';
import { BPF_ATTR } from '../uapi/bpf.js';
import { BPF_CMD, type BpfCmd } from '../uapi/enums.js';
import { errnoName } from '../uapi/errno.js';
import { relocated } from './kernel.js';
import { syscall } from './libc.js';
import { ADMIN_RIGHTS } from './objects.js';

/** What came back: the result, fields that the kernel wrote to, and the data behind pointers. */
export interface BpfReply {
  /** A negated errno when it failed. */
  readonly result: number;
  field(name: string): number;
  /** As `field`, of 64 bits. */
  wide(name: string): bigint;
  pointed(name: string): Uint8Array;
}

/** @throws {UsageError} for a field that the attribute does not have. */
export function bpfCall(cmd: BpfCmd, attr: Attr): BpfReply {
  const layout = BPF_ATTR[cmd];
  if (!layout) throw new UsageError(`The attribute of ${cmd} is not described`);
  const image = relocated(encodeAttr(layout, attr, () => -1));
  const result = syscall('bpf', BPF_CMD[cmd], image.bytes, image.size);
  const view = new DataView(image.bytes.buffer);
  const place = (name: string) => layout.find((field) => field.name === name)?.at ?? 0;
  return {
    result,
    field: (name) => view.getUint32(place(name), true),
    wide: (name) => view.getBigUint64(place(name), true),
    pointed: (name) => {
      const pointer = image.pointers.find(({ field }) => field === name);
      return pointer ? image.bytes.subarray(pointer.offset, pointer.offset + pointer.length) : new Uint8Array();
    },
  };
}

/** As `bpfCall`. @throws {SyscallError} when the kernel refuses. */
export function mustBpf(cmd: BpfCmd, attr: Attr, doing: string, remedies: Readonly<Record<string, string>> = {}): BpfReply {
  const reply = bpfCall(cmd, attr);
  if (reply.result >= 0) return reply;
  const errno = errnoName(-reply.result);
  const remedy = remedies[errno] ?? (errno === 'EPERM' ? ADMIN_RIGHTS : undefined);
  throw new SyscallError(`bpf(${cmd})`, errno, { doing, ...(remedy !== undefined && { remedy }) });
}
