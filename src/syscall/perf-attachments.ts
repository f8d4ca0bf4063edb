// Programs on perf events and raw tracepoints, found by asking of every descriptor of every process what it is.

import { closeSync, openSync, readdirSync } from 'node:fs';
import { textUntilNul } from '../bytes/index.js';
import { SyscallError } from '../errors.js';
import type { PerfAttachment } from '../live/index.js';
import { errnoName } from '../uapi/errno.js';
import { bpfCall } from './bpf-call.js';

/** A path at most. */
const LONGEST_NAME = 4096;

/**
 * In the order of processes and descriptors. Processes that go away meanwhile are left out.
 * @throws {SyscallError} without the right, or on a kernel before 4.18.
 */
export function perfAttachments(): PerfAttachment[] {
  mustAnswer();
  return numbersIn('/proc').flatMap((pid) => numbersIn(`/proc/${pid}/fd`).flatMap((fd) => attachmentAt(pid, fd) ?? []));
}

/** Of the entries of a folder, those that are numbers; none where it cannot be read. */
function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

const query = (pid: number, fd: number) =>
  bpfCall('BPF_TASK_FD_QUERY', {
    pid,
    fd,
    buf_len: LONGEST_NAME,
    buf: new Uint8Array(LONGEST_NAME),
    probe_addr: 0, // the kernel writes it, and what stands before it
  });

/** Undefined for what is no attachment, or is gone. */
function attachmentAt(pid: number, fd: number): PerfAttachment | undefined {
  const reply = query(pid, fd);
  if (reply.result < 0) return undefined;
  return {
    pid,
    fd,
    progId: reply.field('prog_id'),
    type: reply.field('fd_type'),
    name: textUntilNul(reply.pointed('buf')),
    offset: reply.wide('probe_offset'),
    address: reply.wide('probe_addr'),
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  EPERM: 'Run as root: it takes CAP_SYS_ADMIN.',
  EINVAL: 'Kernels tell it since Linux 4.18.',
};

/** Asks of a folder, which is certainly no attachment: a kernel that answers says ENOTSUPP. */
function mustAnswer(): void {
  const folder = openSync('/', 'r');
  try {
    const errno = errnoName(-query(process.pid, folder).result);
    if (errno === 'ENOTSUPP' || errno === 'EOPNOTSUPP') return;
    const remedy = REMEDIES[errno];
    throw new SyscallError('bpf(BPF_TASK_FD_QUERY)', errno, {
      doing: 'Cannot ask what descriptors of processes are attached to',
      ...(remedy !== undefined && { remedy }),
    });
  } finally {
    closeSync(folder);
  }
}
