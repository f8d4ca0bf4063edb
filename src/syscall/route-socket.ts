// A socket to rtnetlink, which tells of devices and traffic control. What it says is taken apart in src/live/netlink.ts.

import { region } from '../bytes/index.js';
import { FormatError, SyscallError } from '../errors.js';
import { type NetlinkRecord, parseAnswer } from '../live/index.js';
import { errnoName } from '../uapi/errno.js';
import { AF_NETLINK, MSG_TRUNC, NETLINK_ROUTE, SOCK_CLOEXEC, SOCK_RAW, SOCKADDR_NL } from '../uapi/rtnetlink.js';
import { syscall } from './libc.js';

/** Bytes of a datagram; the kernel fills half of that at most, but for a device with very much to tell. */
const ROOM = 1 << 16;
const EINTR = -4;

/** Open until the end of the block. */
export interface RouteSocket extends Disposable {
  /**
   * All that the kernel answers to a request.
   * @param request Makes it with a number, which the answers bear.
   * @throws {SyscallError} with the kernel's errno; {FormatError} for an answer that cannot be read.
   */
  ask(request: (seq: number) => Uint8Array<ArrayBuffer>): NetlinkRecord[];
}

/** @throws {SyscallError} */
export function routeSocket(): RouteSocket {
  const fd = must('socket(AF_NETLINK)', syscall('socket', AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  let seq = 0;
  return {
    ask: (request) => {
      seq++;
      must('sendto(NETLINK_ROUTE)', send(fd, request(seq)));
      const records: NetlinkRecord[] = [];
      for (;;) {
        const answer = parseAnswer(region(receive(fd), { section: 'an answer of rtnetlink' }), seq);
        records.push(...answer.records);
        if (answer.end === undefined) continue;
        must('recvfrom(NETLINK_ROUTE)', -answer.end);
        return records;
      }
    },
    [Symbol.dispose]: () => {
      syscall('close', fd);
    },
  };
}

/** To the kernel, whose number is 0. */
function send(fd: number, message: Uint8Array<ArrayBuffer>): number {
  const address = new Uint8Array(SOCKADDR_NL.size);
  new DataView(address.buffer).setUint16(SOCKADDR_NL.at.nl_family, AF_NETLINK, true);
  return syscall('sendto', fd, message, message.length, 0, address, address.length);
}

/** The next datagram that comes from the kernel, and from nobody else. */
function receive(fd: number): Uint8Array {
  const datagram = new Uint8Array(new ArrayBuffer(ROOM));
  const sender = new Uint8Array(SOCKADDR_NL.size);
  for (;;) {
    const length = syscall(
      'recvfrom',
      fd,
      datagram,
      ROOM,
      MSG_TRUNC,
      sender,
      new Uint8Array(Uint32Array.of(sender.length).buffer),
    );
    if (length === EINTR) continue;
    must('recvfrom(NETLINK_ROUTE)', length);
    if (new DataView(sender.buffer).getUint32(SOCKADDR_NL.at.nl_pid, true) !== 0) continue;
    if (length > ROOM) throw new FormatError(`An answer of rtnetlink has ${length} bytes; ${ROOM} were expected at most`);
    return datagram.subarray(0, length);
  }
}

function must(call: string, result: number): number {
  if (result < 0) throw new SyscallError(call, errnoName(-result), { doing: 'Cannot ask for network devices' });
  return result;
}
