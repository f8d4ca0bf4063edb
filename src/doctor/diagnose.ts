// Facts -> the report: a row for each check, a row for each hook, and how many are of which state.

import { CHECKS } from './checks.js';
import type { DoctorFacts } from './facts.js';
import { type HookRow, hookRows } from './hooks.js';
import type { Row, State } from './row.js';

export type { Check } from './checks.js';
export { CHECKS } from './checks.js';
export type { HookRow } from './hooks.js';

export interface Diagnosis {
  readonly rows: readonly Row[];
  readonly hooks: readonly HookRow[];
  readonly count: Readonly<Record<State, number>>;
}

/** Judges what a machine says. Pure. */
export function diagnose(facts: DoctorFacts): Diagnosis {
  const rows = CHECKS.flatMap(({ id, group, title, judge }): Row[] => {
    const finding = judge(facts);
    return finding ? [{ id, group, title, ...finding }] : [];
  });
  const hooks = hookRows(facts);
  const count = { ok: 0, warning: 0, problem: 0, unknown: 0 };
  for (const { state } of [...rows, ...hooks]) count[state]++;
  return { rows, hooks, count };
}
