// A machine that is not there: files and system calls that the shell asks for get these answers, in place of those of the machine
// that runs the tests. Installed by vi.mock in errors.test.ts.

import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  /** Contents of a file, names in a directory, or how looking at it fails. No other file is in the system directories below. */
  readonly files?: Readonly<Record<string, string | Uint8Array | readonly string[] | { readonly errno: string }>>;
  /** What statfs(2) says of a directory. */
  readonly fileSystems?: Readonly<Record<string, number>>;
  /** Results by name of the call; below 0 a negated errno. */
  readonly calls?: Readonly<Record<string, number>>;
}

const SYSTEM = /^\/(sys|proc|boot|lib\/modules|usr\/lib)\//;
const EPERM = 1;

let current: Machine | undefined;

/** Runs `act` as if on that machine. */
export function onMachine<T>(machine: Machine | undefined, act: () => T): T {
  current = machine;
  try {
    return act();
  } finally {
    current = undefined;
  }
}

const failed = (errno: string) => Object.assign(new Error(errno), { code: errno });

/** What is at a path; undefined where this machine has no say. Throws as node:fs does. */
function at(path: unknown): string | Uint8Array | readonly string[] | undefined {
  if (!current || typeof path !== 'string' || (!SYSTEM.test(path) && current.files?.[path] === undefined)) return undefined;
  const found = current.files?.[path];
  if (found === undefined) throw failed('ENOENT');
  if (typeof found === 'object' && 'errno' in found) throw failed(found.errno);
  return found;
}

type Fs = typeof import('node:fs');

export function filesOf(real: Fs): object {
  const replaced = {
    existsSync: (path: string) => {
      try {
        return at(path) !== undefined || real.existsSync(path);
      } catch {
        return false;
      }
    },
    readFileSync: (path: string, options?: BufferEncoding) => {
      const found = at(path);
      if (found === undefined) return real.readFileSync(path, options);
      if (found instanceof Uint8Array) return found;
      if (typeof found !== 'string') throw failed('EISDIR');
      return options === undefined ? new TextEncoder().encode(found) : found;
    },
    openSync: (path: string, flags: string) => {
      const found = at(path);
      if (found === undefined) return real.openSync(path, flags);
      if (typeof found !== 'string' && !(found instanceof Uint8Array)) return real.openSync(tmpdir(), flags);
      const stand = join(tmpdir(), `tsbpf-machine-${process.pid}`);
      real.writeFileSync(stand, found);
      const fd = real.openSync(stand, flags);
      real.unlinkSync(stand);
      return fd;
    },
    readdirSync: (path: string) => {
      const found = at(path);
      if (found === undefined) return real.readdirSync(path);
      if (typeof found === 'string' || found instanceof Uint8Array) throw failed('ENOTDIR');
      return [...found];
    },
    statSync: (path: string) => {
      const found = at(path);
      if (found === undefined) return real.statSync(path);
      return { isDirectory: () => Array.isArray(found), isCharacterDevice: () => false, isBlockDevice: () => false };
    },
    statfsSync: (path: string) => {
      if (!current) return real.statfsSync(path);
      const type = current.fileSystems?.[path];
      if (type === undefined) at(path);
      return { type: type ?? 0 };
    },
  };
  return { ...real, ...replaced, default: { ...real, ...replaced } };
}

/** Without an answer of its own the machine permits no call. */
export const callsOf = <L extends { syscall: (name: never, ...args: never[]) => number }>(real: L): L => ({
  ...real,
  syscall: (name: never, ...args: never[]) => (current ? (current.calls?.[name] ?? -EPERM) : real.syscall(name, ...args)),
});
