// Runs the real command line, as a user does.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

const bin = join(import.meta.dirname, '../../bin/tsbpf.cjs');

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** To its end. `as` wraps the command: `['setpriv', '--reuid', '65534']`. */
export function tsbpf(
  args: readonly string[],
  { as = [], env = {} }: { as?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Finished {
  const [command, ...rest] = [...as, process.execPath, bin, ...args] as [string, ...string[]];
  return spawnSync(command, rest, { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...env } });
}

/** What a terminal gets to see. */
export function onTerminal(args: readonly string[]): string {
  const quoted = [process.execPath, bin, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return spawnSync('script', ['-qec', quoted.join(' '), '/dev/null'], { encoding: 'utf8', timeout: 60_000 }).stdout;
}

export interface Running {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Everything so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  /** Settles when `stdout` or `stderr` holds `text`. */
  saw(text: string): Promise<void>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Finished>;
}

/** Started, and still running. */
export function start(args: readonly string[]): Running {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const collect = (add: (text: string) => void) => (text: string) => {
    add(text);
    for (const watch of watchers) watch();
  };
  child.stdout.setEncoding('utf8').on(
    'data',
    collect((text) => {
      stdout += text;
    }),
  );
  child.stderr.setEncoding('utf8').on(
    'data',
    collect((text) => {
      stderr += text;
    }),
  );
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    process: child,
    pid: child.pid as number,
    output: () => ({ stdout, stderr }),
    saw: (text) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (!stdout.includes(text) && !stderr.includes(text)) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
        void ended.then((status) => reject(new Error(`ended with ${status} before "${text}" came:\n${stdout}${stderr}`)));
      }),
    end: async (signal) => {
      child.kill(signal);
      return { status: await ended, stdout, stderr };
    },
  };
}
