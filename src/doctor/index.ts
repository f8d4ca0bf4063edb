// Why BPF does or does not work on a machine: judgements over facts. Pure, so that a machine can be described in place of being at hand.

export * from './diagnose.js';
export * from './facts.js';
export * from './row.js';
