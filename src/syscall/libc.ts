// The foreign function shim: system calls by number, addresses of buffers, buffers over addresses. koffi is loaded on first use,
// so that everything that needs no kernel works where koffi does not.

import { createRequire } from 'node:module';
import { UnsupportedError } from '../errors.js';
import { type Arch, SYSCALLS, type Syscall } from '../uapi/syscalls.js';

type Argument = number | bigint | Uint8Array;
type Koffi = typeof import('koffi');

interface Libc {
  readonly koffi: Koffi;
  readonly call: (
    number: number,
    a: number | bigint,
    b: number | bigint,
    c: number | bigint,
    d: number | bigint,
    e: number | bigint,
    f: number | bigint,
  ) => number;
  readonly numbers: Readonly<Record<Syscall, number>>;
}

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded) return loaded;
  if (process.platform !== 'linux') {
    throw new UnsupportedError(`BPF programs are loaded into a Linux kernel, and this is ${process.platform}`, {
      remedy:
        'Reading objects, BTF, relocations and plans works here: give plan() its facts, { facts: describeFacts({ kernelBtf }) } of tsbpf/plan. Loading and attaching needs Linux.',
    });
  }
  const numbers = SYSCALLS[process.arch as Arch];
  if (!numbers) throw new UnsupportedError(`System call numbers of ${process.arch} are not known; x64 and arm64 are`);
  const koffi = createRequire(import.meta.url)('koffi') as Koffi;
  // The C library is already part of this process, whichever it is, glibc or musl.
  const call = koffi.load(null).func('syscall', 'int64', ['int64', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64']);
  loaded = { koffi, call, numbers };
  return loaded;
}

const held: { args: readonly Argument[] } = { args: [] };

/**
 * Makes a system call.
 * @param args Up to six numbers; a buffer stands for its address. The caller keeps buffers alive, and so do we, during the call.
 * @returns    What the kernel returned; a negated errno when it failed.
 */
export function syscall(name: Syscall, ...args: readonly Argument[]): number {
  const { koffi, call, numbers } = libc();
  held.args = args; // nothing may be collected between asking for its address and the call
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args.map((arg) => (arg instanceof Uint8Array ? koffi.address(arg) : arg));
  const result = call(numbers[name], a, b, c, d, e, f);
  held.args = [];
  return result === -1 ? -koffi.errno() : Number(result);
}

/** Where a buffer lies. Only buffers of their own ArrayBuffer stay there; small ones made without one may be moved. */
export const addressOf = (bytes: Uint8Array): bigint => BigInt(libc().koffi.address(bytes));

/** An ArrayBuffer over memory that the caller answers for: it must stay mapped for as long as the buffer lives. */
export const bufferAt = (address: number, length: number): ArrayBuffer => libc().koffi.view(address, length);

/** libuv watching a descriptor, on the event loop's own epoll. */
export const pollHandle = (fd: number, onReadable: () => void) => libc().koffi.node.poll(fd, { readable: true }, onReadable);

let size: number | undefined;
export function pageSize(): number {
  size ??= libc().koffi.load(null).func('getpagesize', 'int', [])() as number;
  return size;
}
