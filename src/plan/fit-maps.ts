// Sizes that depend on the machine: ring buffers are a power of two of pages, and a perf event array has a slot for each CPU.

import type { BpfMapDef, BpfObject } from '../object/index.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';

/** What of a machine decides about sizes. */
export interface MachineSizes {
  readonly pageSize: number;
  /** Undefined when nobody asked. */
  readonly possibleCpus: number | undefined;
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
  maxEntries: fittedMaxEntries(map, facts),
  ...(map.inner && { inner: fitted(map.inner, facts) }),
});

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
