// BTF: the types of an object or a kernel, as an index over its bytes. See Documentation/bpf/btf.rst.

export * from './btf.js';
export * from './build.js';
export * from './dedup.js';
export * from './diff.js';
export * from './dump-c.js';
export * from './dump-raw.js';
export * from './encode.js';
export * from './ext.js';
export * from './ext-records.js';
export * from './fields.js';
export * from './find.js';
export * from './flat.js';
export * from './layout.js';
export * from './lines.js';
export * from './merge.js';
export * from './names.js';
export * from './parse.js';
export * from './resolve.js';
export * from './spell.js';
export * from './types.js';
