// A short campaign of mutated objects in every run of the tests; docs/hostile.md has the long one. TSBPF_SEED repeats it, TSBPF_CASES
// makes it longer.

import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { SEED } from '../support/seed.js';

const CASES = process.env.TSBPF_CASES ?? '20000';

it(`${CASES} mutated objects work or end in one of our errors`, { timeout: 3_600_000 }, () => {
  const options = ['--cases', CASES, '--seed', String(SEED), '--corpus-most', '0'];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['hostile/run.mjs', ...options], { encoding: 'utf8' });
  console.log(stdout.trim().split('\n').at(-1));
  expect(status, `${stdout}\n${stderr}`).toBe(0);
});
