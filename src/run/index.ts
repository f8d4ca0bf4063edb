// Running objects and looking into them: the bundled tools, and what others read of an object.

export * from './bootstrap.js';
export * from './bundled.js';
export * from './check.js';
export * from './check-text.js';
export * from './describe.js';
export * from './doctor.js';
export * from './explain.js';
export * from './explain-json.js';
export * from './explain-text.js';
export * from './extern-text.js';
export { type FeatureOptions, type FeatureReport, probeFeatures } from './feature.js';
export * from './feature-macros.js';
export * from './feature-text.js';
export * from './inspect.js';
export * from './json.js';
export * from './kernels.js';
export * from './listing.js';
export * from './object-text.js';
export * from './open-lines.js';
export * from './page.js';
export * from './paint.js';
export * from './requirements.js';
