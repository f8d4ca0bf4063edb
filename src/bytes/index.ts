// Bytes with a place and an order, C strings, and structure layouts as data.

export * from './nearest.js';
export * from './region.js';
export * from './string-pool.js';
export * from './struct.js';
export * from './text.js';
