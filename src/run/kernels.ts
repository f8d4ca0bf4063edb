// Kernels that are not at hand, from files: BTF as it is in /sys/kernel/btf/vmlinux, a vmlinux, or a copy of the whole directory.

import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseBtf } from '../btf/index.js';
import { region } from '../bytes/index.js';
import { type CheckedKernel, versionIn } from '../check/index.js';
import { read, readBtf } from '../syscall/index.js';

const KERNEL = 'vmlinux';

/**
 * @param path A file with BTF; or a directory like /sys/kernel/btf, where `vmlinux` is the kernel and the others are its modules.
 * @param name What to call it; a version if it looks like one. The file's name by default, which is taken for no version.
 * @throws {SyscallError} or {FormatError}
 */
export function readKernel(path: string, name?: string): CheckedKernel {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const btf = readBtf(isFolder ? join(path, KERNEL) : path);
  const modules = isFolder ? readdirSync(path).filter((file) => file !== KERNEL) : [];
  return {
    name: name ?? basename(path).replace(/\.(btf|elf)$/, ''),
    version: name === undefined ? undefined : versionIn(name),
    btf,
    modules: modules.sort().map((file) => ({
      name: file.replace(/\.btf$/, ''),
      id: undefined,
      btf: parseBtf(region(read(join(path, file)), { file: join(path, file) }), btf),
    })),
  };
}
