// What a section name says after its first slash.

import { FormatError } from '../errors.js';
import type { BpfFunction, BpfObject } from '../object/index.js';

/** What stands after the first `/` of a section name; undefined where there is none. */
export function targetOf({ section }: Pick<BpfFunction, 'section'>): string | undefined {
  const slash = section.indexOf('/');
  return slash < 0 ? undefined : section.slice(slash + 1);
}

/**
 * `tp/sched/sched_process_exec` -> `sched/sched_process_exec`; undefined for a bare `tp`, which is for its user to attach.
 * @throws {FormatError} when it is not a category and a name.
 */
export function tracepointOf(object: BpfObject, program: BpfFunction): string | undefined {
  const target = targetOf(program);
  if (target === undefined || /^[^/]+\/[^/]+$/.test(target)) return target;
  throw new FormatError(`Section "${program.section}" names no tracepoint`, {
    where: { ...object.where, program: program.name },
    remedy: 'Write SEC("tp/<category>/<name>"), for example SEC("tp/sched/sched_process_exec").',
  });
}
