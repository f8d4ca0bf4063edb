// When a failed call is tried again, and how. This is the whole policy.

import { textUntilNul } from '../bytes/index.js';
import { LOG_SIZE, MAP_TYPE_FIELDS, type Step } from '../plan/index.js';
import { errnoName } from '../uapi/errno.js';
import type { Reply } from './kernel.js';

export interface Retry {
  readonly step: Step;
  readonly why: string;
}

/**
 * Even with signals held back, something may interrupt the verifier: being stopped, a debugger. libbpf tries 5 times and holds nothing
 * back; cilium/ebpf holds SIGPROF back and tries as often as this.
 */
const INTERRUPTED_TRIES = 30;
const LARGEST_LOG = 0x3fffffff; // UINT_MAX >> 2: no kernel takes more
/** A log of level 2 is ten times as long: it is asked for in place of one that is no longer than this. */
const SHORT_LOG = 1 << 16;

/**
 * A load that a signal interrupted is made again while signals wait.
 * Programs are loaded without a log, which is faster; one that is refused is loaded again with it, and with a larger one
 * as long as the log does not fit. Before Linux 5.18 a log has the states of registers only at level 2. A step that names another
 * call for kernels which refuse this one is done by that.
 */
export function retryOf(step: Step, { result, out }: Reply, tries: number): Retry | undefined {
  const errno = errnoName(-result);
  if (step.otherwise?.errno === errno) return instead(step, step.otherwise);
  if (step.call === 'bpf' && step.cmd === 'BPF_MAP_CREATE') return withoutTypes(step);
  if (step.call === 'bpf' && step.cmd === 'BPF_BTF_LOAD') return withBtfLog(step);
  if (step.call !== 'bpf' || step.cmd !== 'BPF_PROG_LOAD') return undefined;
  if (errno === 'EAGAIN') return tries < INTERRUPTED_TRIES ? undisturbed(step) : undefined;
  const size = Number(step.attr.log_size ?? 0);
  if (size === 0) return withLog(step, LOG_SIZE, 'to get the verifier log');
  if (errno === 'ENOSPC' && size < LARGEST_LOG)
    return withLog(step, Math.min(largerThan(size, out), LARGEST_LOG), `the log does not fit ${size} bytes`);
  if (step.attr.log_level === 1 && lacksStates(out.get('log_buf')))
    return withLog(step, size, 'to get a log with the states of registers', 2);
  return undefined;
}

/** What was interrupted is no refusal, and there is no log to ask for. The step stays undisturbed when it is tried for its log. */
const undisturbed = (step: Step): Retry => ({
  step: { ...step, undisturbed: true },
  why: 'a signal interrupted the verifier; signals wait from here on',
});

/** Types that are of use but not needed are done without, whatever the kernel has against them. */
function withBtfLog(step: Step & { call: 'bpf' }): Retry | undefined {
  if (step.optional || step.attr.btf_log_buf) return undefined;
  const log = { btf_log_level: 1, btf_log_size: LOG_SIZE, btf_log_buf: new Uint8Array(LOG_SIZE) };
  return { step: { ...step, attr: { ...step.attr, ...log } }, why: 'to get the log of what it has against the types' };
}

/** What the log takes, which kernels say since 6.4; others are asked for more, because each try may take seconds. */
function largerThan(size: number, out: Reply['out']): number {
  const told = out.get('log_true_size');
  const trueSize = told ? new DataView(told.buffer, told.byteOffset).getUint32(0, true) : 0;
  return trueSize > size ? trueSize : size * 8;
}

/** Whether the log has instructions, but begins without the state before the first, as those of newer kernels do. */
function lacksStates(bytes: Uint8Array | undefined): boolean {
  if (!bytes || bytes.indexOf(0) > SHORT_LOG) return false;
  const log = textUntilNul(bytes);
  return /^0: \([0-9a-f]{2}\) /m.test(log) && !/^0: (?:frame\d+: )?R\d+/m.test(log);
}

function instead({ id, why, where, makes, optional }: Step, otherwise: NonNullable<Step['otherwise']>): Retry {
  const head = { id, why, ...(where && { where }), ...(makes && { makes }), ...(optional && { optional }) };
  return { step: { ...head, ...otherwise.call }, why: otherwise.why };
}

/** Not every kernel takes types for every type of map; the map works without. */
function withoutTypes(step: Step & { call: 'bpf' }): Retry | undefined {
  if (!step.attr.btf_key_type_id && !step.attr.btf_value_type_id) return undefined;
  const attr = Object.fromEntries(Object.entries(step.attr).filter(([field]) => !MAP_TYPE_FIELDS.includes(field)));
  return { step: { ...step, attr }, why: 'without the types of its keys and values' };
}

const withLog = (step: Step & { call: 'bpf' }, size: number, why: string, level = Number(step.attr.log_level ?? 1)): Retry => ({
  step: { ...step, attr: { ...step.attr, log_level: level, log_size: size, log_buf: new Uint8Array(size), log_true_size: 0 } },
  why,
});
