// What an application uses: open, load, attach, read. Shell: it opens files and talks to the kernel.

export * from './loaded.js';
export * from './open.js';
export * from './plan.js';
export * from './types.js';
