// BPF instructions: slots <-> values, and their text. See Documentation/bpf/standardization/instruction-set.rst.

export * from './cfg.js';
export * from './disasm.js';
export * from './insn.js';
export * from './reach.js';
