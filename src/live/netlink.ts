// Netlink messages: bytes in, records out. What comes from a socket is checked here once, and a length that leads outside is an error.

import { type Region, slice } from '../bytes/index.js';
import { FormatError } from '../errors.js';
import {
  NLA_TYPE_MASK,
  NLATTR,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_ALIGNTO,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSGHDR,
} from '../uapi/rtnetlink.js';

/** A message that is about something: `type` is its RTM_NEW…, `body` what follows the header. */
export interface NetlinkRecord {
  readonly type: number;
  readonly body: Region;
}

/** What one datagram answers. */
export interface NetlinkAnswer {
  readonly records: readonly NetlinkRecord[];
  /** Set when nothing follows: 0, or the errno of what went wrong. */
  readonly end?: number;
}

const aligned = (length: number): number => Math.ceil(length / NLMSG_ALIGNTO) * NLMSG_ALIGNTO;

/** A request for all that there is of a kind. @param body What follows the header: `struct ifinfomsg`. */
export function dumpRequest(type: number, seq: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(NLMSGHDR.size + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(NLMSGHDR.at.nlmsg_len, bytes.length, true);
  view.setUint16(NLMSGHDR.at.nlmsg_type, type, true);
  view.setUint16(NLMSGHDR.at.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP, true);
  view.setUint32(NLMSGHDR.at.nlmsg_seq, seq, true);
  bytes.set(body, NLMSGHDR.size);
  return bytes;
}

/**
 * The messages of one datagram that answer a request; those with another number belong to somebody else.
 * @throws {FormatError} when a length leads outside.
 */
export function parseAnswer(datagram: Region, seq: number): NetlinkAnswer {
  const records: NetlinkRecord[] = [];
  for (let at = 0; at < datagram.bytes.length; ) {
    const header = NLMSGHDR.read(slice(datagram, at, NLMSGHDR.size, 'the header of a netlink message'), 0);
    const { nlmsg_len: length, nlmsg_type: type } = header;
    if (length < NLMSGHDR.size) throw tooShort('netlink message', length, NLMSGHDR.size, datagram, at);
    const body = slice(slice(datagram, at, length, 'a netlink message'), NLMSGHDR.size, length - NLMSGHDR.size, 'its body');
    at += aligned(length);
    if (header.nlmsg_seq !== seq) continue;
    if (type === NLMSG_ERROR || type === NLMSG_DONE) return { records, end: errnoOf(body) };
    records.push({ type, body });
  }
  return { records };
}

/** Both start with a negated errno, which old kernels leave out of NLMSG_DONE. */
function errnoOf(body: Region): number {
  return body.bytes.length === 0 ? 0 : 0 - slice(body, 0, 4, 'an error number').view.getInt32(0, true);
}

/** By type, what attributes hold; of several of one type the last. */
export type Attributes = ReadonlyMap<number, Region>;

/**
 * The attributes from byte `start` to the end.
 * @throws {FormatError} when a length leads outside.
 */
export function parseAttributes(from: Region, start = 0): Attributes {
  return new Map(attributeList(from, start));
}

/** As `parseAttributes`, with all of one type, in their order. */
export function attributeList(from: Region, start = 0): (readonly [type: number, value: Region])[] {
  const found: (readonly [number, Region])[] = [];
  for (let at = start; at < from.bytes.length; ) {
    const header = NLATTR.read(slice(from, at, NLATTR.size, 'the header of a netlink attribute'), 0);
    const { nla_len: length } = header;
    if (length < NLATTR.size) throw tooShort('netlink attribute', length, NLATTR.size, from, at);
    const whole = slice(from, at, length, 'a netlink attribute');
    found.push([header.nla_type & NLA_TYPE_MASK, slice(whole, NLATTR.size, length - NLATTR.size, 'its value')]);
    at += aligned(length);
  }
  return found;
}

const tooShort = (what: string, length: number, least: number, from: Region, at: number): FormatError =>
  new FormatError(`A ${what} says that it has ${length} bytes; its header alone has ${least}`, {
    where: { ...from.where, offset: at },
  });
