import type { Answer } from './ours.mjs';

export interface Difference {
  readonly field: string;
  readonly at?: string;
  readonly theirs: unknown;
  readonly ours: unknown;
}
export function compare(
  theirs: Answer,
  ours: Answer,
): { readonly verdict: string; readonly differences: readonly Difference[]; readonly refusals?: unknown };
