// tsbpf in Node: open, load, attach and read BPF objects. The rooms below are exported on their own: tsbpf/elf, tsbpf/btf, …

/// <reference lib="esnext.disposable" preserve="true" />

export {
  type Links,
  LoadedObject,
  type LoadOptions,
  type LoadPlan,
  type ObjectTypes,
  OpenObject,
  type OpenOptions,
  open,
  type Untyped,
} from './api/index.js';
export * from './errors.js';
export { BpfMap, type EventOptions, RingBuffer, type UpdateMode } from './maps/index.js';
export type { Pin } from './plan/index.js';
