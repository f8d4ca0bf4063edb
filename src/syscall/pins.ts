// What is pinned in the BPF file system.

import { readlinkSync } from 'node:fs';
import { SyscallError, UsageError } from '../errors.js';
import { folderOf, type PinFolder, type PinnedMap } from '../plan/index.js';
import { isBpffs } from './bpffs.js';
import { infoOf, openPinned } from './objects.js';

/** struct bpf_map_info: as much of it as is read, and where the fields are. */
const INFO = { size: 88, type: 0, keySize: 8, valueSize: 12, maxEntries: 16, flags: 20, extra: 80 } as const;

export interface Pins {
  readonly pins: ReadonlyMap<string, PinnedMap>;
  readonly pinFolders: ReadonlyMap<string, PinFolder>;
}

/**
 * @param newPaths Where nothing is to be yet: only their directories are looked at.
 * @throws {SyscallError} for what is there and may not be opened; {UsageError} for what is no map.
 */
export function readPins(paths: readonly string[], newPaths: readonly string[]): Pins {
  const pinFolders = new Map<string, PinFolder>();
  for (const path of [...paths, ...newPaths])
    for (let folder = folderOf(path); !pinFolders.has(folder); folder = folderOf(folder)) {
      const state = folderState(folder);
      pinFolders.set(folder, state);
      if (state !== 'absent') break;
    }
  const pins = new Map<string, PinnedMap>();
  for (const path of paths) {
    if (pinFolders.get(folderOf(path)) !== 'bpffs') continue;
    const pinned = readPinned(path);
    if (pinned) pins.set(path, pinned);
  }
  return { pins, pinFolders };
}

/** @throws {SyscallError} for what may not be looked at. */
export function folderState(folder: string): PinFolder {
  try {
    return isBpffs(folder) ? 'bpffs' : 'other file system';
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
    if (errno === 'ENOENT') return 'absent';
    const remedy =
      errno === 'EPERM'
        ? 'The kernel takes no dot in the names of a BPF file system.'
        : 'Run as root, or pin in a BPF file system that this user may enter: open(file, { pinRoot }).';
    throw new SyscallError('statfs', errno, {
      doing: `Cannot look at ${folder}, where maps are to be pinned`,
      where: { file: folder },
      remedy,
    });
  }
}

function readPinned(path: string): PinnedMap | undefined {
  using pinned = openPinned(path);
  if (!pinned) return undefined;
  const kind = kindOf(pinned.fd);
  if (kind !== undefined && kind !== MAP)
    throw new UsageError(`What is pinned at ${path} is no map but a ${kind.replace('anon_inode:', '')}`, {
      remedy: 'Pin the map elsewhere.',
    });
  const info = infoOf(pinned.fd, INFO.size);
  const u32 = (at: number): number => info.getUint32(at, true);
  return {
    type: u32(INFO.type),
    keySize: u32(INFO.keySize),
    valueSize: u32(INFO.valueSize),
    maxEntries: u32(INFO.maxEntries),
    flags: u32(INFO.flags),
    extra: info.getBigUint64(INFO.extra, true),
  };
}

const MAP = 'anon_inode:bpf-map';

/** As /proc has it; undefined where it is not mounted. */
function kindOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
