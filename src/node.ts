// tsbpf in Node: open, load, attach and read BPF objects. The rooms below are exported on their own: tsbpf/elf, tsbpf/btf, …

export { type LoadOptions, type Links, LoadedObject, type ObjectTypes, open, OpenObject, type OpenOptions, type Untyped } from './api/index.js';
export * from './errors.js';
export { BpfMap, type EventOptions, RingBuffer, type UpdateMode } from './maps/index.js';
