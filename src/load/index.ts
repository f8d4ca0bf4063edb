// Steps -> a session that owns what they made, through whichever Kernel is given.

/// <reference lib="esnext.disposable" preserve="true" />

export * from './execute.js';
export * from './failure.js';
export * from './kernel.js';
export * from './kernels.js';
export * from './places.js';
export { RIGHTS } from './remedies.js';
export * from './retry.js';
export * from './session.js';
export * from './show.js';
export * from './verifier-frame.js';
export * from './verifier-log.js';
export * from './verifier-remedies.js';
export * from './verifier-sections.js';
