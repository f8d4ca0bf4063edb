// ELF and BTF -> what a BPF object is: programs, maps, data, and what instructions refer to.

export * from './arena.js';
export * from './data-sections.js';
export * from './link.js';
export { PIN_ROOT } from './map-defs.js';
export * from './map-names.js';
export * from './object.js';
export * from './open.js';
export * from './sec-defs.js';
export { autoloadStructOps } from './struct-ops.js';
