// What is known of each way of hooking into the kernel.

import type { BpfAttachType, BpfProgType } from '../uapi/enums.js';
import type { HookPart } from './hook-attach.js';

export interface Hook {
  readonly id: string;
  /** For people: what it is good for. */
  readonly what: string;
  readonly since: string;
  /** Settings of the kernel without which it is not there. */
  readonly config: readonly string[];
  /** Capabilities of which one is needed besides CAP_BPF; CAP_SYS_ADMIN stands for all. */
  readonly needs: 'CAP_PERFMON' | 'CAP_NET_ADMIN' | 'none';
  readonly parts: readonly HookPart[];
}

export type PartRow = readonly [name: string, attachType?: BpfAttachType | undefined, more?: Partial<HookPart>];
/** Parts of one program type: a row for each, with what they have in common. */
export const parts = (type: BpfProgType, common: Partial<HookPart>, ...rows: readonly PartRow[]): HookPart[] =>
  rows.map(([name, attach, more]) => ({ name, type, ...(attach && { attachType: attach }), ...common, ...more }));
