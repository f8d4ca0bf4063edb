// What can be told of a BPF file system without opening what is pinned in it.

import { statfsSync, statSync } from 'node:fs';

/** include/uapi/linux/magic.h */
const BPF_FS_MAGIC = 0xcafe4a11;

/** @throws {Error} Node's, with its code, for a path that is not there or may not be reached. */
export const isBpffs = (path: string): boolean => statfsSync(path).type === BPF_FS_MAGIC;

/** What to do about EACCES, which BPF_OBJ_GET has for three reasons. */
export function whyNotOpened(path: string): string {
  try {
    if (!isBpffs(path)) return 'It lies in no BPF file system, as there is at /sys/fs/bpf.';
    if (statSync(path).isDirectory()) return 'It is a folder: name what is pinned in it.';
  } catch {
    // A folder above it may not be entered: rights are missing then, too.
  }
  return 'This user may not open it: run as root, or have root change its mode (chmod), or that of the folders above it.';
}
