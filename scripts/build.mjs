// src -> dist: a few files instead of ninety, because Node takes a third of a millisecond for each module that it loads, and the
// whole of `tsbpf run` is to start within sixty. Shared code is split into chunks, so that tsbpf and tsbpf/btf share their classes.

import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const ROOMS = ['elf', 'btf', 'insn', 'relocate', 'object', 'plan', 'load', 'maps', 'syscall'];

rmSync(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/node.ts', 'src/browser.ts', 'src/cli/main.ts', ...ROOMS.map((room) => `src/${room}/index.ts`)],
  outbase: 'src',
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]', // as deep as src/<room>, so that paths relative to a module hold in both
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  target: 'node20',
  logLevel: 'warning',
});
