// A known workload: processes whose names, parents, exit codes and minimum run times the test decides.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Job {
  readonly pid: number;
  readonly ppid: number;
  readonly comm: string;
  readonly filename: string;
  readonly exitCode: number;
  readonly sleepMs: number;
}

/** Starts a shell under a name of its own for each exit code, and waits for all. `sleepMs` is how long each lives at least. */
export async function workload(exitCodes: readonly number[], sleepMs = 0): Promise<Job[]> {
  const directory = mkdtempSync(join(tmpdir(), 'tsbpf-work-'));
  try {
    return await Promise.all(
      exitCodes.map(
        (exitCode, i) =>
          new Promise<Job>((resolve, reject) => {
            const comm = `job${i}-${process.pid}`.slice(0, 15);
            const filename = join(directory, comm);
            symlinkSync('/bin/sh', filename);
            const child = spawn(
              filename,
              ['-c', sleepMs > 0 ? `sleep ${sleepMs / 1000}; exit ${exitCode}` : `exit ${exitCode}`],
              { stdio: 'ignore' },
            );
            child.on('error', reject);
            child.on('exit', () => resolve({ pid: child.pid as number, ppid: process.pid, comm, filename, exitCode, sleepMs }));
          }),
      ),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
}
