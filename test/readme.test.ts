// The README's example runs as it stands there.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeWithKernel } from './support/kernel.js';
import { workload } from './support/workload.js';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the two commands stand in the README', () => {
  expect(readme).toContain('npm ci && npm start');
  expect(readme).toContain('npm ci && npm test');
});

describeWithKernel('the library example', () => {
  test('prints the events of the processes that run meanwhile', async () => {
    const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1] as string;
    const project = mkdtempSync(join(tmpdir(), 'tsbpf-readme-'));
    try {
      writeFileSync(join(project, 'trace.mjs'), example);
      // As after `npm install tsbpf`, and with the fixtures where the example looks for them.
      symlinkSync(join(root, 'fixtures'), join(project, 'fixtures'));
      mkdirSync(join(project, 'node_modules'));
      symlinkSync(root, join(project, 'node_modules/tsbpf'));
      const child = spawn(process.execPath, ['trace.mjs'], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      const ended = new Promise((resolve) => child.on('close', resolve));
      const jobs = [];
      for (let i = 0; i < 6; i++) jobs.push(...(await workload([i], 100)));
      expect(await ended).toBe(0);
      expect(jobs.some(({ comm, pid, exitCode }) => output.includes(`${comm} ${pid} ended with ${exitCode}`))).toBe(true);
    } finally {
      rmSync(project, { recursive: true });
    }
  });
});
