// Objects that are in the kernel, as text and JSON: what bpftool prints of them, from values that somebody else has read.

export * from './btf-value.js';
export * from './dump-map.js';
export * from './dump-prog.js';
export * from './element.js';
export * from './event-pipe.js';
export * from './hexdump.js';
export * from './info.js';
export * from './json.js';
export * from './machine-code.js';
export * from './names.js';
export * from './netlink.js';
export * from './rtnetlink.js';
export * from './show-btf.js';
export * from './show-cgroup.js';
export * from './show-link.js';
export * from './show-map.js';
export * from './show-net.js';
export * from './show-perf.js';
export * from './show-prog.js';
export * from './signature.js';
export * from './stats.js';
export * from './xlated.js';
export * from './xlated-graph.js';
