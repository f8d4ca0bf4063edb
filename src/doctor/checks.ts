// What is asked of a machine besides its hooks: a table of checks, each with how it is asked and a judgement over the facts.

import { CONFIGURATION } from './checks-configuration.js';
import { CONFINEMENT } from './checks-confinement.js';
import { MOUNTS } from './checks-mounts.js';
import { RIGHTS_CHECKS } from './checks-rights.js';
import { SYSCTL_CHECKS } from './checks-sysctls.js';
import type { DoctorFacts } from './facts.js';
import type { Finding, Group } from './row.js';

export interface Check {
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  /** How it is found out. */
  readonly asked: string;
  /** Undefined where it says nothing about this machine. */
  readonly judge: (facts: DoctorFacts) => Finding | undefined;
}

export const CHECKS: readonly Check[] = [...RIGHTS_CHECKS, ...CONFINEMENT, ...SYSCTL_CHECKS, ...CONFIGURATION, ...MOUNTS];
