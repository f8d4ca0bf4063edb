// Object + a kernel that is not at hand -> whether it would load there, and why not: as far as types and versions tell. Nothing is
// asked of any kernel.

export * from './assumed.js';
export * from './check.js';
export * from './finding.js';
export * from './instructions.js';
export * from './kernel.js';
export * from './kernel-config.js';
export * from './kernel-symbols.js';
export * from './needs.js';
export * from './open.js';
export * from './program.js';
export * from './requirements.js';
export * from './rights.js';
export { SIGN_ROWS } from './signs.js';
export * from './symbols.js';
export { hookedFunctions } from './targets.js';
