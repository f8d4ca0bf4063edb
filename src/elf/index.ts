// ELF: bytes <-> header, sections, symbols, relocations. See System V gABI, chapters 4 and 5.

export * from './parse.js';
export * from './write.js';
