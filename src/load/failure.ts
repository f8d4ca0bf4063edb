// A refused step -> the error that says what was being done, and what to do next.

import { textUntilNul } from '../bytes/index.js';
import { SyscallError, VerifierError } from '../errors.js';
import { callName, type Step } from '../plan/index.js';
import { errnoName } from '../uapi/errno.js';
import type { Reply } from './kernel.js';
import { placeInPlan } from './places.js';
import { remedyOf } from './remedies.js';
import { parseVerifierLog } from './verifier-log.js';
import { remedyFor } from './verifier-remedies.js';

/**
 * The error for a reply whose result is negative.
 * @param plan Where the step is from: source lines of a program are found by what its other steps hold.
 */
export function failure(step: Step, { result, out }: Reply, plan: readonly Step[] = [step]): SyscallError {
  const call = callName(step);
  const errno = errnoName(-result);
  const { where = {} } = step;
  const doing = `Cannot do "${step.id}"${step.why === step.id ? '' : ` (${step.why})`}`;
  const log = textUntilNul(out.get('log_buf') ?? new Uint8Array());
  // What was interrupted has a log too, which ends anywhere: its last line is no reason.
  if (step.call === 'bpf' && step.cmd === 'BPF_PROG_LOAD' && log && errno !== 'EAGAIN')
    return refusal(step, plan, { call, errno, doing, log });
  const types = textUntilNul(out.get('btf_log_buf') ?? new Uint8Array()).trimEnd();
  if (types) {
    const remedy = `The kernel says of these types: ${types.split('\n').at(-1)}\n  Compile the object with a current clang -g, and do not change its .BTF afterwards; a newer kernel may also take it.`;
    return new SyscallError(call, errno, { doing, where, remedy });
  }
  const remedy = remedyOf(step, errno, plan);
  return new SyscallError(call, errno, remedy ? { doing, where, remedy } : { doing, where });
}

type Said = Readonly<{ call: string; errno: string; doing: string; log: string }>;

/** What the log says, with the source line of the instruction by the program's own line_info, else by the log. */
function refusal({ id, where = {} }: Step, plan: readonly Step[], { call, errno, doing, log }: Said): VerifierError {
  const { reason, terse, suggestion, insn, insnText, states, path } = parseVerifierLog(log);
  const place = insn === undefined ? undefined : placeInPlan(plan, id, insn);
  const source = place?.source
    ? `${baseName(place.source.file)}:${place.source.line}`
    : /^\S+:\d+(?=: )/.exec(path.at(-1)?.source ?? '')?.[0];
  const acquired = acquiredAt(reason, plan, id);
  const said = reason === '' ? undefined : `The verifier says: ${reason}`;
  const remedies = [said, remedyFor(terse) ?? remedyFor(reason), acquired, suggestion].filter((text) => text !== undefined);
  return new VerifierError(call, errno, log, {
    doing,
    where: source ? { ...where, source } : where,
    ...(remedies.length > 0 && { remedy: remedies.join('\n  ') }),
    refusal: {
      reason,
      insn,
      insnText: insnText ?? place?.insnText,
      source: place?.source,
      context: place?.context ?? [],
      states,
      path,
    },
  });
}

/** Where a reference that leaks comes from: the line that is refused is the end of the program. */
function acquiredAt(reason: string, plan: readonly Step[], id: string): string | undefined {
  const insn = /\balloc_insn=(\d+)/.exec(reason)?.[1];
  const source = insn && placeInPlan(plan, id, Number(insn)).source;
  return source ? `It was acquired at ${baseName(source.file)}:${source.line}: ${source.text.trim()}` : undefined;
}

/** As the kernel's log has it: objects keep the path that the compiler was given. */
const baseName = (path: string): string => path.replace(/^.*\//, '');
