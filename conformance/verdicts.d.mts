import type { Relocated } from './relocated.mjs';

export interface Compared {
  readonly differences: readonly {
    readonly field: string;
    readonly at: string;
    readonly theirs: string;
    readonly ours: string;
  }[];
  readonly counts: Readonly<
    Record<'records' | 'patched' | 'poisoned' | 'skipped' | 'failed' | 'matching' | 'non-matching' | 'lines', number>
  >;
}
export function compareVerdicts(theirs: readonly string[], ours: Relocated): Compared;
