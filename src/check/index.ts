// Object + a kernel that is not at hand -> whether it would load there, and why not: as far as types and versions tell. Nothing is
// asked of any kernel.

export * from './built.js';
export * from './check.js';
export * from './finding.js';
export * from './instructions.js';
export * from './kernel.js';
export * from './program.js';
export * from './requirements.js';
export * from './rights.js';
