// Bytes with a place and an order, C strings, structure layouts as data, and text in bulk.

export * from './json-writer.js';
export * from './nearest.js';
export * from './printable.js';
export * from './region.js';
export * from './string-pool.js';
export * from './struct.js';
export * from './text.js';
export * from './text-sink.js';
