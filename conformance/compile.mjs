// Many compilations, two at a time, politely. What does not compile is counted and left out.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from '../scripts/debian/cache.mjs';

const MOST_SECONDS = 60; // for one of them

/** @param jobs `command` takes `-c source -o object`; it is run in `cwd`. */
export function compileAll(jobs, cwd = '.') {
  const scripts = mkdtempSync(join(tmpdir(), 'tsbpf-compile-'));
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const lines = jobs.map(({ command, source, object }) => [...command, '-c', source, '-o', object].map(quoted).join(' '));
  lines.forEach((line, i) => {
    writeFileSync(join(scripts, `${i}.sh`), `exec timeout ${MOST_SECONDS} ${line} 2>/dev/null\n`);
  });
  const list = jobs.map((_, i) => `${join(scripts, `${i}.sh`)}\n`).join('');
  const workers = Math.min(2, availableParallelism());
  spawnSync('nice', ['xargs', `-P${workers}`, '-n1', 'sh'], { input: list, cwd, stdio: ['pipe', 'ignore', 'ignore'] });
  rmSync(scripts, { recursive: true });
  const failed = jobs.filter(({ object }) => !existsSync(object));
  if (failed.length > 0) say(`${failed.length} of ${jobs.length} do not compile`);
}
