// What checks come to: findings, and the verdicts that follow from them.

import type { CoreExplanation, SourceLine } from '../errors.js';

/** `red`: it cannot work there. `unknown`: what is at hand does not tell. */
export type CheckVerdict = 'ok' | 'unknown' | 'red';

/** What is looked at, in the order in which it is told. */
export const CONCERNS = [
  'type',
  'license',
  'instructions',
  'relocations',
  'helpers',
  'symbols',
  'settings',
  'maps',
  'struct_ops',
  'attach',
] as const;
export type Concern = (typeof CONCERNS)[number];

export interface Finding {
  readonly concern: Concern;
  readonly verdict: 'red' | 'unknown';
  /** When it would be met: a program whose target is missing may load, and fail to attach. */
  readonly stage: 'load' | 'attach';
  readonly what: string;
  readonly remedy?: string | undefined;
  readonly source?: SourceLine | undefined;
  /** The option that the kernel would have to be built with. */
  readonly setting?: string | undefined;
  /** The first kernel that has what is missing. */
  readonly since?: string | undefined;
  /** Of a relocation that failed. */
  readonly explanation?: CoreExplanation | undefined;
}

/** The worst of them. */
export const verdictOf = (findings: readonly Pick<Finding, 'verdict'>[]): CheckVerdict =>
  findings.some(({ verdict }) => verdict === 'red') ? 'red' : findings.length > 0 ? 'unknown' : 'ok';

/** The worst of all verdicts. */
export const worst = (verdicts: readonly CheckVerdict[]): CheckVerdict =>
  verdicts.includes('red') ? 'red' : verdicts.includes('unknown') ? 'unknown' : 'ok';
