// What is pinned in the BPF file system.

import { statfsSync } from 'node:fs';
import { SyscallError } from '../errors.js';
import { folderOf, type PinFolder, type PinnedMap } from '../plan/index.js';
import { infoOf, openPinned } from './objects.js';

const BPF_FS_MAGIC = 0xcafe4a11;
/** struct bpf_map_info: as much of it as is read, and where the fields are. */
const INFO = { size: 88, type: 0, keySize: 8, valueSize: 12, maxEntries: 16, flags: 20, extra: 80 } as const;

export interface Pins {
  readonly pins: ReadonlyMap<string, PinnedMap>;
  readonly pinFolders: ReadonlyMap<string, PinFolder>;
}

/** @throws {SyscallError} for what is there and may not be opened. */
export function readPins(paths: readonly string[]): Pins {
  const folders = [...new Set(paths.map(folderOf))];
  const pinFolders = new Map(folders.map((folder) => [folder, folderState(folder)]));
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
    return statfsSync(folder).type === BPF_FS_MAGIC ? 'bpffs' : 'other file system';
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
    if (errno === 'ENOENT') return 'absent';
    throw new SyscallError('statfs', errno, { doing: `Cannot look at ${folder}, where maps are to be pinned` });
  }
}

function readPinned(path: string): PinnedMap | undefined {
  using pinned = openPinned(path);
  if (!pinned) return undefined;
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
