// tsbpf where there is no kernel: everything that is a function of bytes.

/// <reference lib="esnext.disposable" preserve="true" />

export { planAttach } from './attach/index.js';
export * from './btf/index.js';
export * from './bytes/index.js';
export * from './check/index.js';
export * from './elf/index.js';
export * from './errors.js';
export * from './insn/index.js';
export * from './linker/index.js';
export * from './load/index.js';
export * from './maps/index.js';
export * from './object/index.js';
export * from './plan/index.js';
export * from './relocate/index.js';
