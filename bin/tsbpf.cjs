#!/usr/bin/env node
// Starts the command line. A package comes compiled; a fresh checkout is compiled here, once. It is CommonJS, as is what it starts:
// scripts/common-js.mjs says why.

const { existsSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
const main = join(root, 'dist/cli/main.cjs');
if (!existsSync(main)) {
  if (!existsSync(join(root, 'node_modules/esbuild'))) {
    console.error(`tsbpf: this checkout has no dependencies yet. Run: cd ${root} && npm ci`);
    process.exit(1);
  }
  const { spawnSync } = require('node:child_process');
  const { status } = spawnSync(process.execPath, [join(root, 'scripts/build.mjs')], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) process.exit(1);
}
require(main);
