// Making one map outside an object.

import { drive, execute } from '../load/index.js';
import { planLimits, type Step, stepIds } from '../plan/index.js';
import { probe } from './facts.js';
import { realKernel } from './kernel.js';
import type { Descriptor } from './objects.js';

/** Fields of the attribute of BPF_MAP_CREATE. */
export interface NewMap {
  readonly map_type: number;
  /** The kernel keeps its first 15 letters. */
  readonly map_name: string;
  readonly key_size?: number;
  readonly value_size?: number;
  readonly max_entries?: number;
  readonly map_flags?: number;
  /** What the maps in it are like. */
  readonly inner_map_fd?: number;
  /** The device that it is for. */
  readonly map_ifindex?: number;
}

/** @throws {SyscallError} */
export function createMap(attr: NewMap): Descriptor {
  const id = stepIds.map(attr.map_name);
  const counted = probe('memcg_account', realKernel);
  const limits = planLimits({ features: new Map(counted === undefined ? [] : [['memcg_account', counted]]) });
  const map: Step = { id, why: id, makes: 'fd', call: 'bpf', cmd: 'BPF_MAP_CREATE', attr: { ...attr } };
  const made = drive(execute([...limits, map], realKernel));
  return { fd: made.get({ fd: id }), [Symbol.dispose]: () => made[Symbol.dispose]() };
}
