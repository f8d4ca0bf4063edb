// src -> dist: a few files instead of hundreds, because Node takes a third of a millisecond for each module that it loads, and a tool
// is to start within a moment. The library's rooms share chunks, so that tsbpf and tsbpf/btf have the same classes. Of the command
// line each verb is one file with everything in it but koffi: what verbs share would bring along what only others need of it. And it is
// CommonJS (common-js.mjs says why).

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { commonJs } from './common-js.mjs';

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
/** commander wants its licence to go with it. */
const CLI_BANNER = `/* With commander: MIT, (c) 2011 TJ Holowaychuk <tj@vision-media.ca>, see node_modules/commander/LICENSE. */
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
main({ name: '${name}', command: ${name}Command() });`,
      resolveDir: `${root}src/cli`,
    }));
  },
};

/** @type {import('esbuild').Plugin} commander can start programs as subcommands. There are none, and what starts them takes 2 ms to load. */
const noPrograms = {
  name: 'no-programs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/commander/') ? { path, namespace: 'no-programs' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'no-programs' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** @type {import('esbuild').BuildOptions} */
const cli = {
  ...common,
  packages: 'bundle',
  external: ['koffi', '@alexaltea/capstone-js'],
  outExtension: { '.js': '.cjs' },
  banner: { js: CLI_BANNER },
  minifyWhitespace: true, // which is read at every start
  splitting: true, // what is imported only when it is needed stays apart
  plugins: [verbEntries, noPrograms],
  write: false,
};

/** @param {import('esbuild').BuildOptions} options */
async function buildCli(options) {
  const { outputFiles } = await build({ ...cli, ...options });
  for (const { path, text } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, commonJs(text, basename(path)));
  }
}

/** src/cli/table.ts says which verbs there are. */
async function verbs() {
  const table = await build({ ...common, entryPoints: ['src/cli/table.ts'], write: false });
  return (await import(`data:text/javascript,${encodeURIComponent(table.outputFiles[0].text)}`)).VERBS;
}

const buildVerb = ({ name }) =>
  buildCli({ entryPoints: [{ in: `verb:${name}`, out: `cli/${name}` }], chunkNames: `cli/${name}-[hash]` });

rmSync(`${root}dist`, { recursive: true, force: true });
await Promise.all([
  build({
    ...common,
    entryPoints: ['src/node.ts', 'src/browser.ts', ...ROOMS.map((room) => `src/${room}/index.ts`)],
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]', // as deep as src/<room>, so that paths relative to a module hold in both
  }),
  buildCli({ entryPoints: ['src/cli/main.ts'] }),
  buildCli({ entryPoints: ['src/cli/help.ts'], chunkNames: 'cli/help-[hash]' }),
  ...(await verbs()).map(buildVerb),
]);
