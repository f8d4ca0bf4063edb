// What the tests of `check` and `explain` look at: test/cli/why.bpf.c, compiled, and kernels in files.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kernelOf } from './kernels.js';

const SOURCES = join(import.meta.dirname, '../cli');

export interface Folder {
  readonly path: (name: string) => string;
  readonly remove: () => void;
}

/** A folder with kernels of two releases in it. */
export function folderOfKernels(): Folder {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-why-'));
  for (const release of ['5.10', '6.12']) writeFileSync(join(folder, `${release}.btf`), kernelOf(release));
  return { path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Sources are named as they are here, whoever's machine it is. */
export function compileWhy({ path }: Folder, part: number, ...options: string[]): string {
  const object = path(`why${part}.bpf.o`);
  const flags = ['-target', 'bpf', '-mcpu=v2', '-O2', '-g', `-DPART=${part}`, '-fdebug-compilation-dir=.', ...options];
  execFileSync('clang-19', [...flags, '-c', 'why.bpf.c', '-o', object], { cwd: SOURCES, stdio: ['ignore', 'inherit', 'pipe'] });
  return object;
}
