// Who holds an object: processes with a descriptor of it, and paths where it is pinned. Both are found by looking everywhere.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { SyscallError } from '../errors.js';
import type { Holder } from '../live/index.js';
import { mountPoints } from './mounts.js';
import { infoOf, openPinned } from './objects.js';

export type HeldKind = 'prog' | 'map' | 'link' | 'btf';
/** By the id of what they hold. */
export type Holders = ReadonlyMap<number, readonly Holder[]>;

/** What is asked once for a whole list of objects. */
export interface ObjectContext {
  readonly pids: Holders;
  /** Absent if nobody asked for pinned paths. */
  readonly pinned?: ReadonlyMap<number, readonly string[]>;
}

/** What /proc/PID/fd says of a descriptor: `anon_inode:bpf-map`; links had an underscore before Linux 5.8. */
const NAMES: Readonly<Record<HeldKind, RegExp>> = {
  prog: /bpf-prog/,
  map: /bpf-map/,
  link: /bpf[-_]link/,
  btf: /^anon_inode:\[?btf\]?$/,
};

/** What kind of object a descriptor of this process is; undefined for anything else. */
export function kindOf(fd: number): HeldKind | undefined {
  const name = quietly(() => readlinkSync(`/proc/self/fd/${fd}`)) ?? '';
  return (Object.keys(NAMES) as HeldKind[]).find((kind) => NAMES[kind].test(name));
}

/** The lines of /proc/PID/fdinfo/FD; empty where they may not be read. */
export function fdInfo(fd: number | string, pid: number | 'self' = 'self'): ReadonlyMap<string, string> {
  return parseFdInfo(quietly(() => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) ?? '');
}

/** `map_id:\t12` -> by name. */
export const parseFdInfo = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const [name, value] = line.split(':\t', 2);
      return name && value !== undefined ? [[name, value.trim()] as const] : [];
    }),
  );

/** Processes by the id of the object that they hold, those excepted that may not be looked at; this one does not count. */
export function holders(kind: HeldKind): Holders {
  const found = new Map<number, Holder[]>();
  for (const pid of quietly(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const ids = new Set<number>();
    for (const fd of quietly(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const name = quietly(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '';
      if (!NAMES[kind].test(name)) continue;
      const id = fdInfo(fd, Number(pid)).get(`${kind}_id`);
      if (id !== undefined) ids.add(Number(id));
    }
    if (ids.size === 0) continue;
    const comm = (quietly(() => readFileSync(`/proc/${pid}/comm`, 'utf8')) ?? '').trim();
    for (const id of ids) found.set(id, [...(found.get(id) ?? []), { pid: Number(pid), comm }]);
  }
  return found;
}

/** Paths by the id of the object that is pinned there, in every BPF file system that is mounted. */
export function pinnedPaths(kind: HeldKind): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, string[]>();
  for (const path of new Set(mountPoints('bpf').flatMap((folder) => [...files(folder)]))) {
    const id = quietly(() => {
      using pinned = openPinned(path);
      // The id stands at the same place in what the kernel says of programs, maps and links.
      return pinned && kindOf(pinned.fd) === kind ? infoOf(pinned.fd, 8).getUint32(4, true) : undefined;
    });
    if (id !== undefined) found.set(id, [...(found.get(id) ?? []), path]);
  }
  return found;
}

function* files(folder: string): Generator<string> {
  for (const entry of quietly(() => readdirSync(folder, { withFileTypes: true })) ?? []) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* files(path);
    else if (entry.isFile()) yield path;
  }
}

/** Processes and pins come and go, and some may not be looked at: what fails is not there. */
function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof SyscallError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}
