// What a load comes to on one machine, before its first step is done.

import type { BpfObject } from '../object/index.js';
import type { KernelFacts, Step } from '../plan/index.js';
import type { Fixup } from '../relocate/index.js';

export interface LoadPlan {
  /** As the file has it. */
  readonly original: BpfObject;
  /** Relocated, with its maps as this machine wants them. */
  readonly object: BpfObject;
  readonly facts: KernelFacts;
  readonly fixups: readonly Fixup[];
  readonly steps: readonly Step[];
}
