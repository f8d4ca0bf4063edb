// What outlives loading: typed maps, ring buffers, variables; BTF values <-> JavaScript values.

/// <reference lib="esnext.disposable" preserve="true" />

export * from './decode.js';
export * from './encode.js';
export * from './event-type.js';
export * from './perf-buffer.js';
export * from './perf-ring.js';
export * from './ring.js';
export * from './ring-reader.js';
export * from './typed-map.js';
export * from './values.js';
export * from './variables.js';
