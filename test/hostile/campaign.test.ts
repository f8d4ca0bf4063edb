// Short campaigns in every run of the tests: of mutated objects, and of everything else that reads what others wrote. docs/hostile.md has
// the long ones. TSBPF_SEED repeats one, TSBPF_CASES makes it longer.

import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { SEED } from '../support/seed.js';

it.each<[cases: string, of: string, options: readonly string[]]>([
  ['20000', 'mutated objects', ['--corpus-most', '0']],
  ['4000', 'inputs of other readers', ['--readers', '--no-samples']],
])('%s %s work or end in one of our errors', { timeout: 3_600_000 }, (cases, _, options) => {
  const all = ['--cases', process.env.TSBPF_CASES ?? cases, '--seed', String(SEED), ...options];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['hostile/run.mjs', ...all], { encoding: 'utf8' });
  console.log(stdout.trim().split('\n').at(-1));
  expect(status, `${stdout}\n${stderr}`).toBe(0);
});
