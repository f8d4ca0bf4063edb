// Object + facts -> a plan: what will be done to the machine, as a value, before any of it is done.

export * from './attach-target.js';
export * from './encode.js';
export * from './explain.js';
export * from './externs.js';
export * from './facts.js';
export * from './features.js';
export * from './fit-maps.js';
export { type HookPart, type HookTargets, type Prepared, QUIET_FUNCTION } from './hook-attach.js';
export * from './hook-probes.js';
export * from './hooks.js';
export * from './kconfig.js';
export * from './kernel-types.js';
export * from './load.js';
export * from './loadable.js';
export { MAP_TYPE_FIELDS } from './maps.js';
export * from './pins.js';
export * from './probe-program.js';
export { LOG_SIZE } from './programs.js';
export * from './relocated.js';
export * from './sanitize-btf.js';
export * from './section-target.js';
export * from './step.js';
export * from './step-ids.js';
export * from './struct-ops.js';
export * from './token.js';
export * from './type-probes.js';
