// The shell's floor: system calls through koffi, mapped memory, waiting, facts of this machine. The only room that imports koffi.

export * from './ask.js';
export * from './capabilities.js';
export * from './doctor-facts.js';
export * from './facts.js';
export * from './kallsyms.js';
export * from './kernel.js';
export * from './kernel-btf.js';
export * from './kernel-config.js';
export * from './kernel-version.js';
export * from './libc.js';
export * from './loaded-btf.js';
export * from './map-ops.js';
export * from './mapping.js';
export * from './poll.js';
export * from './read-fd.js';
export * from './tracefs.js';
