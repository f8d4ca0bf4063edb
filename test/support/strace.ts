// The system calls of the real command line, as strace tells them.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Finished, tsbpf } from './cli.js';

const isHere = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
if (!isHere)
  console.warn('tests that trace system calls are skipped: no strace (apt-get install strace), or it may not trace here');

/** `describe` for what strace sees: skipped where there is none, failing if TSBPF_REQUIRE_KERNEL=1. */
export function describeTraced(name: string, tests: () => void): void {
  if (isHere || process.env.TSBPF_REQUIRE_KERNEL === '1') describe(name, tests);
  else describe.skip(`${name} (no strace)`, tests);
}

/**
 * Runs `tsbpf ARGS` and keeps its calls of those that are named: `bpf,openat`. Fails if it was not traced to its end.
 * @param inject Options that make calls fail, as an older kernel would.
 */
export function traced(
  args: readonly string[],
  named: string,
  inject: readonly string[] = [],
): Finished & { readonly calls: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-strace-'));
  try {
    const log = join(folder, 'calls');
    const finished = tsbpf(args, { as: ['strace', '-f', '-o', log, '-e', `trace=${named}`, ...inject] });
    const calls = readFileSync(log, 'utf8');
    expect(calls).toMatch(/\+\+\+ exited with \d \+\+\+/);
    return { ...finished, calls };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
