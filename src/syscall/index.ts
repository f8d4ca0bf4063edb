// The shell's floor: system calls through koffi, mapped memory, waiting, facts of this machine. The only room that imports koffi.

export * from './bpf-call.js';
export * from './btf-by-id.js';
export * from './elements.js';
export * from './facts.js';
export * from './holders.js';
export * from './interfaces.js';
export * from './kallsyms.js';
export * from './kernel.js';
export * from './kernel-btf.js';
export * from './kernel-config.js';
export * from './kernel-version.js';
export * from './libc.js';
export * from './loaded-links.js';
export * from './loaded-maps.js';
export * from './loaded-progs.js';
export * from './map-ops.js';
export * from './mapping.js';
export * from './objects.js';
export * from './pin-object.js';
export * from './poll.js';
export * from './read-fd.js';
export * from './test-run.js';
export * from './tracefs.js';
