// CO-RE relocation: access strings, candidates, matching, values, patching. A function of an object and a kernel's BTF.

export * from './candidates.js';
export * from './compatible.js';
export * from './declare.js';
export * from './effort.js';
export * from './explain.js';
export * from './kinds.js';
export * from './match.js';
export * from './members.js';
export * from './min-core-btf.js';
export * from './patch.js';
export * from './relocate.js';
export * from './spec.js';
export * from './suggest.js';
export * from './value.js';
