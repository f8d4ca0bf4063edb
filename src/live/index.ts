// Objects that are in the kernel, as text and JSON: what bpftool prints of them, from values that somebody else has read.

export * from './btf-value.js';
export * from './dump-map.js';
export * from './dump-prog.js';
export * from './element.js';
export * from './event-pipe.js';
export * from './hexdump.js';
export * from './info.js';
export * from './json.js';
export * from './names.js';
export * from './show-link.js';
export * from './show-map.js';
export * from './show-prog.js';
export * from './signature.js';
export * from './stats.js';
export * from './xlated.js';
