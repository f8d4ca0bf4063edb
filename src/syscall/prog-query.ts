// BPF_PROG_QUERY: which programs are attached to a cgroup, a device or a network namespace.

import { SyscallError } from '../errors.js';
import type { Attr } from '../plan/index.js';
import { errnoName } from '../uapi/errno.js';
import { type BpfReply, bpfCall } from './bpf-call.js';

/** What is attached in one place by one attach type, in the order in which it runs. */
export interface QueriedProg {
  readonly id: number;
  readonly flags: number;
  /** 0 where there is none, or the kernel does not tell. */
  readonly linkId: number;
  readonly linkFlags: number;
}

/** Lists that the kernel fills beside the ids of programs, a number for each. */
export type QueryList = 'prog_attach_flags' | 'link_ids' | 'link_attach_flags';

/** A thing that programs are attached to: a descriptor of a cgroup or a network namespace, or the number of a device. */
export interface QueryTarget {
  readonly target: number;
  /** A number of enum bpf_attach_type. */
  readonly attachType: number;
  readonly queryFlags?: number;
  readonly lists: readonly QueryList[];
}

/** Programs at first; most places take no more than 64. */
const ROOM = 64;

/**
 * The programs of one attach type.
 * @throws {SyscallError} with the kernel's errno: EINVAL for an attach type that it does not have.
 */
export function queryProgs({ target, attachType, queryFlags = 0, lists }: QueryTarget): QueriedProg[] {
  for (let room = ROOM; ; ) {
    const reply = bpfCall('BPF_PROG_QUERY', {
      target_fd: target,
      attach_type: attachType,
      query_flags: queryFlags,
      prog_cnt: room,
      revision: 0, // the kernel writes it
      ...listsOf(['prog_ids', ...lists], room),
    });
    const count = reply.field('prog_cnt');
    if (reply.result >= 0) return progsOf(reply, Math.min(count, room), reply.field('attach_flags'));
    const errno = errnoName(-reply.result);
    if (errno !== 'ENOSPC' || count <= room) throw new SyscallError('bpf(BPF_PROG_QUERY)', errno);
    room = count;
  }
}

const listsOf = (names: readonly string[], room: number): Attr =>
  Object.fromEntries(names.map((name) => [name, new Uint8Array(4 * room)]));

function progsOf(reply: BpfReply, count: number, sharedFlags: number): QueriedProg[] {
  const numbers = (name: string): ((i: number) => number) => {
    const bytes = reply.pointed(name);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return (i) => (4 * i < bytes.length ? view.getUint32(4 * i, true) : 0);
  };
  const [ids, flags, links, linkFlags] = [
    numbers('prog_ids'),
    numbers('prog_attach_flags'),
    numbers('link_ids'),
    numbers('link_attach_flags'),
  ];
  return Array.from({ length: count }, (_, i) => ({
    id: ids(i),
    flags: flags(i) || sharedFlags,
    linkId: links(i),
    linkFlags: linkFlags(i),
  }));
}
