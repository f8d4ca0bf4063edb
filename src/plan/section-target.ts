// What a section name says after its first slash.

import type { BpfFunction } from '../object/index.js';

/** What stands after the first `/` of a section name; undefined where there is none. */
export function targetOf({ section }: Pick<BpfFunction, 'section'>): string | undefined {
  const slash = section.indexOf('/');
  return slash < 0 ? undefined : section.slice(slash + 1);
}

/** `tp/sched/sched_process_exec` -> `sched/sched_process_exec`; undefined where there are not a category and a name. */
export function tracepointOf(program: Pick<BpfFunction, 'section'>): string | undefined {
  const target = targetOf(program);
  return target !== undefined && /^[^/]+\/[^/]+$/.test(target) ? target : undefined;
}
