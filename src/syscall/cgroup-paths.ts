// Cgroups as folders: finding and opening them, and what is said where there is none.

import { existsSync, opendirSync, openSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { nearest } from '../bytes/index.js';
import { BpfError, SyscallError, UsageError } from '../errors.js';
import { mountPoints } from './mounts.js';

/** The cgroups at and below a path, each before those in it, in the order in which the kernel lists them; other file systems are left out. */
export function* cgroupsIn(top: string): Generator<string> {
  yield top;
  const device = deviceOf(top);
  for (const name of unlessGone(top, () => foldersOf(top)) ?? []) {
    const path = `${top === '/' ? '' : top}/${name}`;
    if (deviceOf(path) === device) yield* cgroupsIn(path);
  }
}

const deviceOf = (path: string): number | undefined => unlessGone(path, () => statSync(path).dev);

/** `readdir` would sort them. */
function foldersOf(path: string): string[] {
  const names: string[] = [];
  const folder = opendirSync(path);
  try {
    for (let entry = folder.readSync(); entry; entry = folder.readSync()) if (entry.isDirectory()) names.push(entry.name);
  } finally {
    folder.closeSync();
  }
  return names;
}

/** Groups come and go: one that went away between being listed and being looked at is not there. */
export function unlessGone<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? '';
    if (error instanceof NoSuchCgroup || GONE.has(errno)) return undefined;
    throw error instanceof BpfError || errno === '' ? error : cannotOpen(path, errno);
  }
}

const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENODEV']);

export class NoSuchCgroup extends UsageError {}

export const NOT_MOUNTED = 'mount -t cgroup2 none DIRECTORY does it, as root.';

/** @throws {NoSuchCgroup}; {SyscallError} without the right. */
export function openCgroup(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
    if (GONE.has(errno)) throw noSuchCgroup(path);
    throw cannotOpen(path, errno);
  }
}

const cannotOpen = (path: string, errno: string): SyscallError =>
  new SyscallError('open', errno, {
    doing: `Cannot look into the cgroup ${path}`,
    ...(errno === 'EACCES' && { remedy: 'Run as root.' }),
  });

function noSuchCgroup(path: string): NoSuchCgroup {
  const mounted = mountPoints('cgroup2');
  const below = mounted.map((folder) => `${folder}/${path.replace(/^\/+/, '')}`).find((other) => existsSync(other));
  const beside = neighbour(path);
  const isCgroup = mounted.some((folder) => `${beside}/`.startsWith(`${folder}/`));
  const meant = below ?? (isCgroup ? beside : undefined);
  return new NoSuchCgroup(`There is no cgroup at ${path || "''"}`, {
    remedy: meant === undefined || path === '' ? whereCgroupsAre() : `Did you mean ${meant}?`,
  });
}

/** The folder whose name is the most like that of `path`. */
function neighbour(path: string): string | undefined {
  const folder = dirname(path);
  try {
    const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const name = nearest(
      basename(path),
      folders.map((entry) => entry.name),
    );
    return name && `${folder === '/' ? '' : folder}/${name}`;
  } catch {
    return undefined;
  }
}

/** For remedies. */
export function whereCgroupsAre(): string {
  const folders = mountPoints('cgroup2');
  return folders.length > 0 ? `Paths of cgroups start with ${folders.join(' or ')}.` : `cgroup v2 is not mounted: ${NOT_MOUNTED}`;
}
