// A row of the report.

/**
 * `problem`: something is refused or broken that could be had. `warning`: something is missing or unusual, and most things work all
 * the same. `unknown`: it could not be found out.
 */
export type State = 'ok' | 'warning' | 'problem' | 'unknown';

export interface Finding {
  readonly state: State;
  /** What was found, in a few words. */
  readonly found: string;
  /** The file or call that told it. */
  readonly where?: string;
  readonly means?: string;
  /** A command, or what else mends it. */
  readonly mend?: string;
}

export interface Row extends Finding {
  readonly id: string;
  readonly group: Group;
  readonly title: string;
}

export const GROUPS = ['kernel', 'rights', 'confinement', 'sysctls', 'configuration', 'types', 'mounts', 'hooks'] as const;
export type Group = (typeof GROUPS)[number];
