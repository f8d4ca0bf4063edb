// What programs print with bpf_printk: the kernel's trace pipe, and the streams that each program has of its own since Linux 6.17.

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { SyscallError, UnsupportedError } from '../errors.js';
import { RIGHTS } from '../load/index.js';
import { errnoName } from '../uapi/errno.js';
import { bpfCall } from './bpf-call.js';
import { openTracefs } from './tracefs.js';

/** Held open: lines that are read are gone for all other readers. */
export interface TracePipe extends Disposable {
  /** What is there by now; empty when nothing is. @throws {SyscallError} */
  read(): Uint8Array;
}

const ROOM = 64 * 1024;

/** @throws {SyscallError} with the remedy where it cannot be read. */
export function openTracePipe(): TracePipe {
  const tracefs = openTracefs('What programs print is');
  const fd = openPipe(tracefs.path);
  tracefs[Symbol.dispose](); // the open file keeps what it needs
  const into = new Uint8Array(ROOM);
  return {
    read: () => into.subarray(0, readSome(fd, into)),
    [Symbol.dispose]: () => closeSync(fd),
  };

  function openPipe(path: string): number {
    try {
      return openSync(`${path}/trace_pipe`, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      tracefs[Symbol.dispose]();
      const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
      const remedy = errno === 'EBUSY' ? 'Another process reads it, and each line goes to one reader only.' : RIGHTS;
      throw new SyscallError('open', errno, {
        doing: 'Cannot read the trace pipe',
        where: { file: 'tracefs/trace_pipe' },
        remedy,
      });
    }
  }
}

function readSome(fd: number, into: Uint8Array): number {
  try {
    return readSync(fd, into, 0, into.length, null);
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
    if (errno === 'EAGAIN') return 0;
    throw new SyscallError('read', errno, { doing: 'Cannot read the trace pipe' });
  }
}

const STREAM_IDS = { stdout: 1, stderr: 2 } as const;
export type ProgStream = keyof typeof STREAM_IDS;

/**
 * What a program wrote to one of its streams and nobody has read yet. It is gone from the kernel afterwards.
 * @throws {UnsupportedError} before Linux 6.17; {SyscallError}
 */
export function* readProgStream(fd: number, stream: ProgStream): Generator<Uint8Array> {
  for (;;) {
    const attr = { stream_buf: new Uint8Array(ROOM), stream_buf_len: ROOM, stream_id: STREAM_IDS[stream], prog_fd: fd };
    const reply = bpfCall('BPF_PROG_STREAM_READ_BY_FD', attr);
    if (reply.result === 0) return;
    if (reply.result < 0) throw streamError(errnoName(-reply.result), stream);
    yield reply.pointed('stream_buf').subarray(0, reply.result);
  }
}

const streamError = (errno: string, stream: ProgStream): Error =>
  errno === 'EINVAL'
    ? new UnsupportedError('Programs have no streams on this kernel', {
        since: '6.17',
        remedy: 'They came with Linux 6.17. What bpf_printk prints is in the trace pipe: tsbpf prog tracelog.',
      })
    : new SyscallError('bpf(BPF_PROG_STREAM_READ_BY_FD)', errno, {
        doing: `Cannot read the ${stream} of the program`,
        remedy: RIGHTS,
      });
