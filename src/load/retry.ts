// When a failed call is tried again, and how. This is the whole policy.

import { MAP_TYPE_FIELDS, type Step } from '../plan/index.js';
import { errnoName } from '../uapi/errno.js';
import type { Reply } from './kernel.js';

export interface Retry {
  readonly step: Step;
  readonly why: string;
}

/** A signal interrupted the verifier; libbpf gives it as many chances. */
const INTERRUPTED_TRIES = 5;
const FIRST_LOG = 1 << 20;
const LARGEST_LOG = 0x3fffffff; // UINT_MAX >> 2: no kernel takes more

/**
 * Programs are loaded without a log, which is faster; one that is refused is loaded again with it, and with a larger one
 * as long as the log does not fit. A step that names another call for kernels which refuse this one is done by that.
 */
export function retryOf(step: Step, { result }: Reply, tries: number): Retry | undefined {
  const errno = errnoName(-result);
  if (step.otherwise?.errno === errno) return instead(step, step.otherwise);
  if (step.call === 'bpf' && step.cmd === 'BPF_MAP_CREATE') return withoutTypes(step);
  if (step.call !== 'bpf' || step.cmd !== 'BPF_PROG_LOAD') return undefined;
  if (errno === 'EAGAIN' && tries < INTERRUPTED_TRIES) return { step, why: 'a signal interrupted the verifier' };
  const size = Number(step.attr.log_size ?? 0);
  if (size === 0) return withLog(step, FIRST_LOG, 'to get the verifier log');
  if (errno === 'ENOSPC' && size < LARGEST_LOG)
    return withLog(step, Math.min(size * 8, LARGEST_LOG), `the log does not fit ${size} bytes`);
  return undefined;
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

const withLog = (step: Step & { call: 'bpf' }, size: number, why: string): Retry => ({
  step: { ...step, attr: { ...step.attr, log_level: 1, log_size: size, log_buf: new Uint8Array(size) } },
  why,
});
