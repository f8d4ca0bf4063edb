#!/usr/bin/env node
// Starts the command line. A package comes compiled; a fresh checkout is compiled here, once.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(main)) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  if (!existsSync(`${root}node_modules/esbuild`)) {
    console.error(`tsbpf: this checkout has no dependencies yet. Run: cd ${root} && npm ci`);
    process.exit(1);
  }
  const { spawnSync } = await import('node:child_process');
  const { status } = spawnSync(process.execPath, [`${root}scripts/build.mjs`], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(1);
}
await import(main.href);
