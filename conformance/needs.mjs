// What must be on the machine, and the one command that brings it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Debian's package of each thing that is called. */
const TOOLS = {
  'apt-get': 'apt',
  dpkg: 'dpkg',
  gcc: 'gcc',
  make: 'make',
  'pkg-config': 'pkg-config',
  'clang-19': 'clang-19',
  zstd: 'zstd',
  lz4: 'lz4',
  xz: 'xz-utils',
};
const WHOLE = { bpftool: 'bpftool', python3: 'python3' };
const FILES = {
  '/usr/include/libelf.h': 'libelf-dev',
  '/usr/include/zlib.h': 'zlib1g-dev',
  '/usr/share/keyrings/debian-archive-keyring.gpg': 'debian-archive-keyring',
};

/** Why nothing can be compared here; undefined when all is there. */
export function whyNot(quick) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'this is not Linux on x86-64';
  if (process.getuid() !== 0) return 'not root, which libbpf needs to make maps';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'this kernel has no BTF';
  const tools = Object.entries(quick ? TOOLS : { ...TOOLS, ...WHOLE });
  const lacking = [
    ...tools.filter(([tool]) => spawnSync('which', [tool]).status !== 0),
    ...Object.entries(FILES).filter(([file]) => !existsSync(file)),
  ].map(([, found]) => found);
  return lacking.length > 0 ? `it lacks ${lacking.join(', ')} (apt-get install ${lacking.join(' ')})` : undefined;
}
