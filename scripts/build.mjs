// src -> dist: a few files instead of hundreds, because Node takes a third of a millisecond for each module that it loads, and a tool
// is to start within a moment. The library's rooms share chunks, so that tsbpf and tsbpf/btf have the same classes. Of the command
// line each verb is one file with everything in it but koffi: what verbs share would bring along what only others need of it.

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
const CLI_BANNER = `/* With commander: MIT, (c) 2011 TJ Holowaychuk <tj@vision-media.ca>, see node_modules/commander/LICENSE. */
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

/** @type {import('esbuild').Plugin} A verb as a program: `verb:btf` runs the command line with what src/cli/btf.ts exports. */
const verbEntries = {
  name: 'verb-entries',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^verb:/ }, ({ path }) => ({ path: path.slice('verb:'.length), namespace: 'verb' }));
    onLoad({ filter: /.*/, namespace: 'verb' }, ({ path: name }) => ({
      contents: `import { main } from './frame.js'; import { ${name}Command } from './${name}.js';
await main({ name: '${name}', command: ${name}Command() });`,
      resolveDir: `${root}src/cli`,
    }));
  },
};

/** @type {import('esbuild').BuildOptions} */
const cli = {
  ...common,
  packages: 'bundle',
  external: ['koffi', '@alexaltea/capstone-js'],
  banner: { js: CLI_BANNER },
  minifyWhitespace: true, // which is read at every start
  splitting: true, // what is imported only when it is needed stays apart
  plugins: [verbEntries],
};

/** src/cli/table.ts says which verbs there are. */
async function verbs() {
  const table = await build({ ...common, entryPoints: ['src/cli/table.ts'], write: false });
  return (await import(`data:text/javascript,${encodeURIComponent(table.outputFiles[0].text)}`)).VERBS;
}

const buildVerb = ({ name }) =>
  build({ ...cli, entryPoints: [{ in: `verb:${name}`, out: `cli/${name}` }], chunkNames: `cli/${name}-[hash]` });

rmSync(`${root}dist`, { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    entryPoints: ['src/node.ts', 'src/browser.ts', ...ROOMS.map((room) => `src/${room}/index.ts`)],
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]', // as deep as src/<room>, so that paths relative to a module hold in both
  }),
  build({ ...common, entryPoints: ['src/cli/main.ts'] }),
  build({ ...cli, entryPoints: ['src/cli/help.ts'], chunkNames: 'cli/help-[hash]' }),
  ...(await verbs()).map(buildVerb),
]);
