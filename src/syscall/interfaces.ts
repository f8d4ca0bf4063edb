// Names of network devices, for objects that belong to one. Asked of the kernel: /sys/class/net is that of the network namespace in which
// /sys was mounted, which need not be that of this process.

import { statSync } from 'node:fs';
import { textUntilNul, utf8Bytes } from '../bytes/index.js';
import { SyscallError } from '../errors.js';
import type { Device } from '../live/index.js';
import { errnoName } from '../uapi/errno.js';
import { AF_UNIX, IFNAMSIZ, IFREQ, SIOCGIFINDEX, SIOCGIFNAME, SOCK_DGRAM } from '../uapi/ifreq.js';
import { SOCK_CLOEXEC } from '../uapi/rtnetlink.js';
import { syscall } from './libc.js';

/** The device of this network namespace with a number; undefined when there is none. @throws {SyscallError} */
export function interfaceName(ifindex: number): string | undefined {
  if (ifindex === 0) return undefined;
  const request = new Uint8Array(new ArrayBuffer(IFREQ.size));
  new DataView(request.buffer).setInt32(IFREQ.ifr_ifindex, ifindex, true);
  if (!asked(SIOCGIFNAME, request)) return undefined;
  return textUntilNul(request.subarray(IFREQ.ifr_name, IFREQ.ifr_name + IFNAMSIZ));
}

/** The number of a device by its name; undefined when there is none. @throws {SyscallError} */
export function interfaceIndex(name: string): number | undefined {
  const bytes = utf8Bytes(name);
  if (bytes.length >= IFNAMSIZ) return undefined;
  const request = new Uint8Array(new ArrayBuffer(IFREQ.size));
  request.set(bytes, IFREQ.ifr_name);
  if (!asked(SIOCGIFINDEX, request)) return undefined;
  return new DataView(request.buffer).getInt32(IFREQ.ifr_ifindex, true);
}

/** As `interfaceName`, of a device that may be in another namespace: then nothing is known of it here. */
export function deviceName({ ifindex, netnsDev, netnsIno }: Device): string | undefined {
  if (ifindex === 0) return undefined;
  const here = statSync('/proc/thread-self/ns/net', { bigint: true, throwIfNoEntry: false });
  return here && here.dev === netnsDev && here.ino === netnsIno ? interfaceName(ifindex) : undefined;
}

/** Whether there is such a device; then the answer is in the request. Any socket will do, and every kernel has those of AF_UNIX. */
function asked(request: number, ifreq: Uint8Array): boolean {
  const fd = must('socket(AF_UNIX)', syscall('socket', AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const result = syscall('ioctl', fd, request, ifreq);
    if (result < 0 && errnoName(-result) === 'ENODEV') return false;
    must(request === SIOCGIFNAME ? 'ioctl(SIOCGIFNAME)' : 'ioctl(SIOCGIFINDEX)', result);
    return true;
  } finally {
    syscall('close', fd);
  }
}

function must(call: string, result: number): number {
  if (result < 0) throw new SyscallError(call, errnoName(-result), { doing: 'Cannot ask for a network device' });
  return result;
}
