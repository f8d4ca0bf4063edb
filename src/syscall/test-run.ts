// BPF_PROG_TEST_RUN: runs a program once or many times on data that is given to it.

import { SyscallError } from '../errors.js';
import { errnoName } from '../uapi/errno.js';
import { bpfCall } from './bpf-call.js';

export interface TestRun {
  /** A packet, for programs that see packets. */
  readonly dataIn?: Uint8Array;
  readonly dataSizeOut?: number;
  readonly ctxIn?: Uint8Array;
  readonly ctxSizeOut?: number;
  readonly repeat: number;
  /** For programs that take a context and nothing else, once; what they write to it is written there. */
  readonly contextOnly?: boolean;
}
export interface TestRunResult {
  /** As the unsigned number that the kernel gives. */
  readonly retval: number;
  /** Nanoseconds of one run, on average. */
  readonly duration: number;
  readonly dataOut: Uint8Array;
  readonly ctxOut: Uint8Array;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOTSUPP: 'The kernel cannot run programs of this type on request: it takes a socket, XDP, raw tracepoint or syscall program.',
  EINVAL:
    'Packets have at least 14 bytes (data_in); raw tracepoint and syscall programs take no data but a context (ctx_in), and repeat 0 or 1.',
  ENOSPC: 'There is more output than room: say data_size_out.',
};

/** @throws {SyscallError} */
export function testRun(
  fd: number,
  { dataIn, dataSizeOut = 0, ctxIn, ctxSizeOut = 0, repeat, contextOnly = false }: TestRun,
): TestRunResult {
  const reply = bpfCall('BPF_PROG_TEST_RUN', {
    prog_fd: fd,
    retval: 0,
    repeat: contextOnly ? 0 : repeat,
    duration: 0,
    ...(dataIn && {
      data_in: dataIn,
      data_size_in: dataIn.length,
      data_out: new Uint8Array(dataSizeOut),
      data_size_out: dataSizeOut,
    }),
    ...(ctxIn && { ctx_in: ctxIn, ctx_size_in: ctxIn.length }),
    ...(ctxIn && !contextOnly && { ctx_out: new Uint8Array(ctxSizeOut), ctx_size_out: ctxSizeOut }),
  });
  if (reply.result < 0) {
    const errno = errnoName(-reply.result);
    const remedy = REMEDIES[errno];
    throw new SyscallError('bpf(BPF_PROG_TEST_RUN)', errno, {
      doing: 'Cannot run the program',
      ...(remedy !== undefined && { remedy }),
    });
  }
  return {
    retval: reply.field('retval'),
    duration: reply.field('duration'),
    dataOut: reply.pointed('data_out').subarray(0, reply.field('data_size_out')),
    ctxOut: contextOnly ? reply.pointed('ctx_in') : reply.pointed('ctx_out').subarray(0, reply.field('ctx_size_out')),
  };
}
