// The real Kernel: a step's attributes become one buffer, and the buffer becomes a system call.

import { toCString } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import { type Kernel, type Memory, type Reply, reply } from '../load/index.js';
import { type Attr, type AttrImage, encodeAttr, type FdRef, type Step } from '../plan/index.js';
import type { AttrLayout } from '../uapi/attr.js';
import { BPF_ATTR } from '../uapi/bpf.js';
import { BPF_CMD } from '../uapi/enums.js';
import { PERF_ATTR_SIZE_VER0, PERF_EVENT_ATTR, PERF_EVENT_IOC } from '../uapi/perf-event.js';
import { RLIMIT } from '../uapi/resource.js';
import type { Arch } from '../uapi/syscalls.js';
import { addressOf, bufferAt, syscall } from './libc.js';
import { type Mapping, mapShared, owned, unmap } from './mapping.js';
import { whileSignalsWait } from './signal-mask.js';

/** Fields through which the kernel answers: in them, or in what they point to. */
const OUTPUTS: ReadonlySet<string> = new Set(['log_buf', 'log_true_size', 'btf_log_buf']);

/** Descriptors 0 to 2 are never kept: attributes read 0 as "none". Node holds them open, so the kernel never hands them out. */
export const realKernel: Kernel = {
  run: (step, fds) => {
    const call = () => run(step, (ref) => fds.get(ref));
    return step.undisturbed ? whileSignalsWait(call) : call();
  },
  close: (fd) => {
    syscall('close', fd);
  },
  unmap: ({ address, length }) => {
    const shown = views.get(address);
    views.delete(address);
    if (shown) shown.close();
    else unmap(address, length);
  },
};

/** Views of memory that steps mapped, by address. They may live longer than it does. */
const views = new Map<number, Mapping>();

/** The memory that a step mapped. */
export function memoryOf({ address, length }: Memory): ArrayBuffer {
  const view = views.get(address) ?? owned(address, length);
  views.set(address, view);
  return view.buffer;
}

const F_DUPFD_CLOEXEC = 1030;
/** Attributes read 0 as none, so no descriptor of ours is one of the first three. */
const FIRST_FD = 3;
const AT_FDCWD = -100;
const AT_REMOVEDIR = 0x200;
const O_CLOEXEC = 0o2000000;
const O_DIRECTORY: Readonly<Record<Arch, number>> = { x64: 0o200000, arm64: 0o40000 };

function run(step: Step, resolve: (ref: FdRef) => number): Reply {
  switch (step.call) {
    case 'bpf': {
      const layout = BPF_ATTR[step.cmd];
      if (!layout) throw new UsageError(`The attribute of ${step.cmd} is not described`);
      const image = relocated(encodeAttr(layout, step.attr, resolve));
      const result = syscall('bpf', BPF_CMD[step.cmd], image.bytes, image.size);
      return { result, out: outputs(layout, step.attr, image) };
    }
    case 'perf_event_open': {
      const image = relocated(encodeAttr(PERF_EVENT_ATTR, step.attr, resolve, PERF_ATTR_SIZE_VER0));
      return reply(syscall('perf_event_open', image.bytes, step.pid, step.cpu, -1, step.flags));
    }
    case 'ioctl':
      return reply(
        syscall(
          'ioctl',
          resolve(step.on),
          PERF_EVENT_IOC[step.request],
          typeof step.arg === 'number' ? step.arg : resolve(step.arg),
        ),
      );
    case 'close':
      return reply(syscall('close', resolve(step.on)));
    case 'fcntl':
      return reply(syscall('fcntl', step.from, F_DUPFD_CLOEXEC, FIRST_FD));
    case 'mmap': {
      const address = mapShared(resolve(step.on), step.length, step.address);
      if (address >= 0 && step.contents)
        new Uint8Array(bufferAt(address + (step.contentsAt ?? 0), step.contents.length)).set(step.contents);
      return reply(address);
    }
    case 'open':
      return reply(syscall('openat', AT_FDCWD, toCString(step.path), O_DIRECTORY[process.arch as Arch] | O_CLOEXEC, 0));
    case 'mkdir':
      return reply(syscall('mkdirat', AT_FDCWD, toCString(step.path), step.mode));
    case 'unlink':
      return reply(syscall('unlinkat', AT_FDCWD, toCString(step.path), 0));
    case 'rmdir':
      return reply(syscall('unlinkat', AT_FDCWD, toCString(step.path), AT_REMOVEDIR));
    case 'mount':
      return reply(syscall('mount', toCString(step.type), toCString(step.target), toCString(step.type), 0, 0));
    case 'prlimit64': {
      const limit = new Uint8Array(BigUint64Array.of(step.limit, step.limit).buffer);
      return reply(syscall('prlimit64', 0, RLIMIT[step.resource], limit, 0));
    }
  }
}

/** Offsets inside the image become addresses. */
export function relocated(image: AttrImage): AttrImage {
  const view = new DataView(image.bytes.buffer);
  const base = addressOf(image.bytes);
  for (const { at, offset } of image.pointers) view.setBigUint64(at, base + BigInt(offset), true);
  return image;
}

function outputs(layout: AttrLayout, attr: Attr, { bytes, pointers }: AttrImage): Reply['out'] {
  const asked = layout.filter(({ name }) => OUTPUTS.has(name) && attr[name] !== undefined);
  return new Map(
    asked.map(({ name, at, size }) => {
      const { offset, length } = pointers.find(({ field }) => field === name) ?? { offset: at, length: size };
      return [name, bytes.subarray(offset, offset + length)];
    }),
  );
}
