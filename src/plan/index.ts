// Object + facts -> a plan: what will be done to the machine, as a value, before any of it is done.

export * from './attach-target.js';
export * from './encode.js';
export * from './explain.js';
export * from './externs.js';
export * from './facts.js';
export * from './features.js';
export * from './fit-maps.js';
export * from './kconfig.js';
export * from './kernel-types.js';
export * from './load.js';
export * from './loadable.js';
export { MAP_TYPE_FIELDS, planMap } from './maps.js';
export * from './pins.js';
export { LOG_SIZE, MAP_POISON, planProgram } from './programs.js';
export * from './relocated.js';
export * from './sanitize-btf.js';
export * from './section-target.js';
export * from './step.js';
export * from './step-ids.js';
export * from './struct-ops.js';
export * from './token.js';
export * from './version.js';
