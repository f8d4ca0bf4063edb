// Objects that a test compiles for itself, with the compiler that the fixtures are made with.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe } from 'vitest';

const reason =
  spawnSync('clang-19', ['--version']).status !== 0
    ? 'no clang-19 (apt-get install clang-19)'
    : existsSync('/usr/include/bpf/bpf_helpers.h')
      ? undefined
      : 'no bpf_helpers.h (apt-get install libbpf-dev)';

/** `describe` for tests that compile: skipped, with the reason, where that is not possible. */
export function describeWithCompiler(name: string, tests: () => void): void {
  if (reason === undefined) return void describe(name, tests);
  console.warn(`tests that compile are skipped: ${reason}`);
  describe.skip(`${name} (${reason})`, tests);
}

let folder: string | undefined;
function compiledTo(): string {
  if (folder !== undefined) return folder;
  const made = mkdtempSync(join(tmpdir(), 'tsbpf-compiled-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  folder = made;
  return made;
}

/** Compiles a source with PART set, and gives the object's path. The folder goes when the process ends. */
export function compilePart(source: string, part: number, ...options: string[]): string {
  const object = join(compiledTo(), `${basename(source, '.bpf.c')}${part}.bpf.o`);
  const flags = ['-target', 'bpf', '-mcpu=v4', '-O2', '-g', '-Wall', `-DPART=${part}`];
  execFileSync('clang-19', [...flags, ...options, '-c', source, '-o', object], { stdio: ['ignore', 'inherit', 'pipe'] });
  return object;
}
