// ELF and BTF -> what a BPF object is: programs, maps, data, and what instructions refer to.

export * from './data-sections.js';
export * from './link.js';
export * from './object.js';
export * from './open.js';
export * from './sec-defs.js';
