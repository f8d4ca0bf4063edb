// Sizes and places that depend on the machine: ring buffers are a power of two of pages, a perf event array has a slot for each CPU,
// and variables of an arena lie where the kernel lets them.

import { type BpfMapDef, type BpfObject, isArena } from '../object/index.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import type { FeatureName } from './features.js';

/** What of a machine decides about sizes. */
export interface MachineSizes {
  readonly pageSize: number;
  /** Undefined when nobody asked. */
  readonly possibleCpus: number | undefined;
  readonly features?: ReadonlyMap<FeatureName, boolean>;
}

export const RING_BUFFERS: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE.BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE.BPF_MAP_TYPE_USER_RINGBUF,
]);

const isPerCpu = ({ type, maxEntries }: BpfMapDef): boolean =>
  type === BPF_MAP_TYPE.BPF_MAP_TYPE_PERF_EVENT_ARRAY && maxEntries === 0;

/** A perf event array without a size has a slot for each CPU that the machine may ever have. */
export const wantsSlotPerCpu = (map: BpfMapDef): boolean =>
  isPerCpu(map) || (map.inner !== undefined && wantsSlotPerCpu(map.inner));

/** The object with its maps as this machine wants them. */
export const fitMaps = (object: BpfObject, facts: MachineSizes): BpfObject => ({
  ...object,
  maps: object.maps.map((map) => fitted(map, facts)),
});

const fitted = (map: BpfMapDef, facts: MachineSizes): BpfMapDef => ({
  ...map,
  ...(!map.reuse && { maxEntries: fittedMaxEntries(map, facts) }),
  ...(map.data && isArena(map) && { data: { ...map.data, offset: arenaOffset(map, facts) } }),
  ...(map.inner && { inner: fitted(map.inner, facts) }),
});

/** Whether it matters where a kernel lets variables of an arena lie. */
export const hasArenaVariables = (map: BpfMapDef): boolean => map.autocreate && isArena(map) && map.data !== undefined;

/**
 * In the last pages where that can be, so that no variable has the address 0, which programs take for none.
 * @see libbpf bpf_object__relocate, src/libbpf.c
 */
function arenaOffset({ data, maxEntries }: BpfMapDef, { pageSize, features }: MachineSizes): number {
  const pages = maxEntries - Math.ceil((data?.image.length ?? 0) / pageSize);
  return features?.get('ldimm64_full_range') ? Math.max(0, pages * pageSize) : 0;
}

/** @see libbpf adjust_ringbuf_sz and map_set_def_max_entries, src/libbpf.c */
function fittedMaxEntries(map: BpfMapDef, { pageSize, possibleCpus }: MachineSizes): number {
  if (isPerCpu(map)) return possibleCpus ?? 0;
  if (!RING_BUFFERS.has(map.type) || map.maxEntries === 0) return map.maxEntries;
  const pages = map.maxEntries / pageSize;
  if (Number.isInteger(pages) && Number.isInteger(Math.log2(pages))) return map.maxEntries;
  let size = pageSize;
  while (size <= map.maxEntries) size *= 2;
  return size > 0xffffffff ? map.maxEntries : size;
}
