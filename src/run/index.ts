// Running objects: the bundled tools.

export * from './bootstrap.js';
export * from './bundled.js';
export * from './json.js';
