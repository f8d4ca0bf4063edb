// Object + facts -> a plan: what will be done to the machine, as a value, before any of it is done.

export * from './encode.js';
export * from './facts.js';
export * from './features.js';
export * from './fit-maps.js';
export * from './load.js';
export * from './loadable.js';
export * from './step.js';
