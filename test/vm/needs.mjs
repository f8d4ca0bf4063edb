// What must be on the machine, and the one command that brings it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { virtiofsd } from './machine.mjs';

/** Debian's package of each thing that is called. */
const TOOLS = {
  'apt-get': 'apt',
  dpkg: 'dpkg',
  depmod: 'kmod',
  'qemu-system-x86_64': 'qemu-system-x86',
  gcc: 'gcc',
  make: 'make',
  'pkg-config': 'pkg-config',
  'clang-19': 'clang-19',
  zstd: 'zstd',
  lz4: 'lz4',
  xz: 'xz-utils',
};
const FILES = {
  '/bin/busybox': 'busybox-static',
  '/usr/include/libelf.h': 'libelf-dev',
  '/usr/include/zlib.h': 'zlib1g-dev',
  '/usr/share/keyrings/debian-archive-keyring.gpg': 'debian-archive-keyring',
};

/** Why nothing can be run here; undefined when all is there. */
export function whyNot() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'this is not Linux on x86-64';
  if (process.getuid() !== 0) return 'not root, which the machine needs to read the files of this one';
  const lacking = [
    ...Object.entries(TOOLS).filter(([tool]) => spawnSync('which', [tool]).status !== 0),
    ...Object.entries(FILES).filter(([file]) => !existsSync(file)),
    ...(virtiofsd() ? [] : [['virtiofsd', 'qemu-system-common']]),
  ].map(([, found]) => found);
  return lacking.length > 0 ? `it lacks ${lacking.join(', ')} (apt-get install ${lacking.join(' ')})` : undefined;
}
