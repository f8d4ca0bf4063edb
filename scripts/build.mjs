// src -> dist: a few files instead of hundreds, because Node takes a third of a millisecond for each module that it loads, and the
// whole of `tsbpf run` is to start within sixty. The library's rooms share chunks, so that tsbpf and tsbpf/btf have the same
// classes; the command line has chunks of its own, one for each verb and a few that verbs share; and `tsbpf run`, which many start
// often, is one file with everything in it but koffi.

import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const ROOMS = [
  'bytes',
  'elf',
  'btf',
  'insn',
  'relocate',
  'object',
  'linker',
  'plan',
  'attach',
  'check',
  'load',
  'maps',
  'doctor',
  'syscall',
];

const DISPOSE = "Symbol.dispose ??= Symbol.for('Symbol.dispose');";
/** commander is CommonJS, and wants its licence to go with it. */
const RUN_BANNER = `/* With commander: MIT, (c) 2011 TJ Holowaychuk <tj@vision-media.ca>, see node_modules/commander/LICENSE. */
import { createRequire as requireFrom } from 'node:module';
const require = requireFrom(import.meta.url);
${DISPOSE}`;

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  outbase: 'src',
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  target: 'node20',
  // Node 20.0 to 20.4 have no Symbol.dispose yet; a method of that name would be called "undefined" there.
  banner: { js: DISPOSE },
  logLevel: 'warning',
};

rmSync(`${root}dist`, { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    entryPoints: ['src/node.ts', 'src/browser.ts', ...ROOMS.map((room) => `src/${room}/index.ts`)],
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]', // as deep as src/<room>, so that paths relative to a module hold in both
  }),
  build({ ...common, entryPoints: ['src/cli/main.ts'], splitting: true, chunkNames: 'verbs/[name]-[hash]' }),
  build({ ...common, entryPoints: ['src/cli/run-main.ts'], packages: 'bundle', external: ['koffi'], banner: { js: RUN_BANNER } }),
]);
