// Where everything that is downloaded or built lies, and how it gets there only once.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CACHE = process.env.TSBPF_CACHE ?? join(ROOT, '.cache/conformance');

/** Runs `make` unless it has run to its end before; `mark` is the file that remembers. */
export function once(mark, make) {
  if (existsSync(mark)) return;
  mkdirSync(dirname(mark), { recursive: true });
  make();
  writeFileSync(mark, '');
}

const started = performance.now();
export const seconds = () => Math.round((performance.now() - started) / 1000);

/** What is being done now, for whoever waits. */
export const say = (text) => process.stderr.write(`${String(seconds()).padStart(5)} s  ${text}\n`);
