// BPF_PROG_TEST_RUN: runs a program once or many times on data that is given to it.

import { SyscallError } from '../errors.js';
import { BPF_PROG_TYPE } from '../uapi/enums.js';
import { errnoName } from '../uapi/errno.js';
import { bpfCall } from './bpf-call.js';
import { whileSignalsWait } from './signal-mask.js';

export interface TestRun {
  /** BPF_PROG_TYPE */
  readonly type: number;
  /** A packet, for programs that see packets. */
  readonly dataIn?: Uint8Array;
  readonly dataSizeOut?: number;
  readonly ctxIn?: Uint8Array;
  readonly ctxSizeOut?: number;
  /** Programs that take a context and nothing else are run once, whatever is said here; what they write to it is written there. */
  readonly repeat: number;
}
export interface TestRunResult {
  /** As the unsigned number that the kernel gives. */
  readonly retval: number;
  /** Nanoseconds of one run, on average. */
  readonly duration: number;
  readonly dataOut: Uint8Array;
  readonly ctxOut: Uint8Array;
}

const T = BPF_PROG_TYPE;
/** Types that take no data, and are run once. */
const CONTEXT_ONLY: ReadonlySet<number> = new Set([
  T.BPF_PROG_TYPE_SYSCALL,
  T.BPF_PROG_TYPE_RAW_TRACEPOINT,
  T.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
]);
const ETH_HLEN = 14;

/** What a refusal means for a program of this type: as in net/bpf/test_run.c (v6.12). */
function remedyFor(errno: string, { type, dataIn, ctxIn }: TestRun): string | undefined {
  switch (errno) {
    case 'ENOTSUPP':
      return 'The kernel cannot run programs of this type on request: it takes a socket, XDP, raw tracepoint or syscall program.';
    case 'ENOSPC':
      return 'There is more output than room: say data_size_out.';
    case 'ENOMEM':
      return type === T.BPF_PROG_TYPE_XDP ? `The packet is too long: ${XDP_MOST}.` : undefined;
    case 'EINVAL':
      return invalid(type, dataIn?.length ?? 0, ctxIn !== undefined);
    default:
      return undefined;
  }
}

const XDP_MOST = 'one for XDP has a page and 17 fragments of a page at most (73152 bytes, with pages of 4096)';
const MOST = 'must fit a page with what the kernel keeps beside it (3712 bytes at most, with pages of 4096)';

function invalid(type: number, length: number, hasContext: boolean): string {
  const context = hasContext ? ' Or ctx_in has more than the kernel takes from it.' : '';
  if (CONTEXT_ONLY.has(type) || type === T.BPF_PROG_TYPE_SK_LOOKUP)
    return length > 0
      ? 'Programs of this type take no packet (data_in) but a context (ctx_in).'
      : 'The context (ctx_in) has too few bytes for what the program reads of it, or too many.';
  if (length < ETH_HLEN) return `A packet (data_in) has ${ETH_HLEN} bytes at least, those of the Ethernet header.`;
  if (type === T.BPF_PROG_TYPE_XDP)
    return `Programs for a device, a devmap or a cpumap cannot be run on request, and before Linux 5.18 the packet must fit a page.${context}`;
  return `A packet (data_in) has ${ETH_HLEN} bytes at least, 34 for netfilter, and ${MOST}.${context}`;
}

/**
 * Runs a program. Signals wait meanwhile, but for those that end the process: the kernel gives up between two runs when there is one, and
 * to run the program again would count its first runs twice.
 * @throws {SyscallError}
 */
export function testRun(fd: number, asked: TestRun): TestRunResult {
  const { type, dataIn, dataSizeOut = 0, ctxIn, ctxSizeOut = 0, repeat } = asked;
  const contextOnly = CONTEXT_ONLY.has(type);
  const attr = {
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
  };
  const reply = whileSignalsWait(() => bpfCall('BPF_PROG_TEST_RUN', attr));
  if (reply.result < 0) {
    const errno = errnoName(-reply.result);
    const remedy = remedyFor(errno, asked);
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
