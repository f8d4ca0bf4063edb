// Running objects and looking into them: the bundled tools, and what others read of an object.

export * from './bootstrap.js';
export * from './bundled.js';
export * from './describe.js';
export * from './doctor.js';
export * from './feature.js';
export * from './inspect.js';
export * from './json.js';
export * from './listing.js';
export * from './object-text.js';
export * from './page.js';
