// Types of objects in the words of bpftool: the kernel's names without their prefix, in small letters.

import { BPF_ATTACH_TYPE, BPF_FUNC, BPF_LINK_TYPE, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../uapi/enums.js';

const namesOf = (values: Readonly<Record<string, number>>, prefix: RegExp): ReadonlyMap<number, string> =>
  new Map(
    Object.entries(values).map(([name, value]) => [
      value,
      name
        .replace(prefix, '')
        .replace(/_DEPRECATED$/, '')
        .toLowerCase(),
    ]),
  );

const MAP_TYPES = namesOf(BPF_MAP_TYPE, /^BPF_MAP_TYPE_/);
const PROG_TYPES = namesOf(BPF_PROG_TYPE, /^BPF_PROG_TYPE_/);
const LINK_TYPES = namesOf(BPF_LINK_TYPE, /^BPF_LINK_TYPE_/);
const ATTACH_TYPES = namesOf(BPF_ATTACH_TYPE, /^BPF_/);

/** Each gives the number itself for a type that came after us. */
export const mapTypeName = (type: number): string | number => MAP_TYPES.get(type) ?? type;
/** A map type by its name, which must be whole; undefined for what is none. */
export const mapTypeOf = (name: string): number | undefined =>
  [...MAP_TYPES].find(([type, known]) => known === name && type !== BPF_MAP_TYPE.BPF_MAP_TYPE_UNSPEC)?.[0];
export const MAP_TYPE_NAMES: readonly string[] = [...MAP_TYPES.values()].filter((name) => name !== 'unspec');
export const progTypeName = (type: number): string | number => PROG_TYPES.get(type) ?? type;
export const linkTypeName = (type: number): string | number => LINK_TYPES.get(type) ?? type;
export const attachTypeName = (type: number): string | number => ATTACH_TYPES.get(type) ?? type;

/** All that are known here, by the groups of `bpftool feature list_builtins` and in its order. */
export const BUILTINS = {
  prog_types: [...PROG_TYPES.values()],
  map_types: [...MAP_TYPES.values()],
  attach_types: [...ATTACH_TYPES.values()],
  link_types: [...LINK_TYPES.values()],
  helpers: [...namesOf(BPF_FUNC, /^BPF_FUNC_/).values()].map((name) => `bpf_${name}`),
} as const;

const PER_CPU: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE.BPF_MAP_TYPE_PERCPU_HASH,
  BPF_MAP_TYPE.BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE.BPF_MAP_TYPE_LRU_PERCPU_HASH,
  BPF_MAP_TYPE.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED,
]);
/** Whether an element has a value for each CPU. */
export const isPerCpu = (type: number): boolean => PER_CPU.has(type);

const OF_MAPS: ReadonlySet<number> = new Set([BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY_OF_MAPS, BPF_MAP_TYPE.BPF_MAP_TYPE_HASH_OF_MAPS]);
export const isMapOfMaps = (type: number): boolean => OF_MAPS.has(type);
export const isMapOfProgs = (type: number): boolean => type === BPF_MAP_TYPE.BPF_MAP_TYPE_PROG_ARRAY;

/** Bytes from the value of one CPU to that of the next. */
export const perCpuStep = (valueSize: number): number => Math.ceil(valueSize / 8) * 8;

const INDEXED: ReadonlySet<number> = new Set([
  BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE.BPF_MAP_TYPE_PERCPU_ARRAY,
  BPF_MAP_TYPE.BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE.BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE.BPF_MAP_TYPE_CGROUP_ARRAY,
  BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY_OF_MAPS,
]);
/** Whether keys are places, counted from 0. */
export const isIndexed = (type: number): boolean => INDEXED.has(type);
