// What the tests of `check` and `explain` look at: test/cli/why.bpf.c, compiled, and kernels in files.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kernelOf } from './kernels.js';

const SOURCES = join(import.meta.dirname, '../cli');

export interface Folder {
  readonly path: (name: string) => string;
  readonly remove: () => void;
}

/** A folder with kernels of two releases in it. */
export function folderOfKernels(): Folder {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-why-'));
  for (const release of ['5.10', '6.12']) writeFileSync(join(folder, `${release}.btf`), kernelOf(release));
  return { path: (name) => join(folder, name), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Sources are named as they are here, whoever's machine it is. */
export function compileWhy({ path }: Folder, part: number, ...options: string[]): string {
  const object = path(`why${part}.bpf.o`);
  const flags = ['-target', 'bpf', '-mcpu=v2', '-O2', '-g', `-DPART=${part}`, '-fdebug-compilation-dir=.', ...options];
  execFileSync('clang-19', [...flags, '-c', 'why.bpf.c', '-o', object], { cwd: SOURCES, stdio: ['ignore', 'inherit', 'pipe'] });
  return object;
}

/** Of a kernel without probes of many functions, and without a JIT. */
export const CONFIG = `#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 5.10.262 Kernel Configuration
#
CONFIG_HZ=250
CONFIG_NET=y
CONFIG_INET=m
CONFIG_BPF_SYSCALL=y
# CONFIG_BPF_JIT is not set
CONFIG_BPF_EVENTS=y
CONFIG_BPF_LSM=y
CONFIG_DEBUG_INFO_BTF=y
CONFIG_KPROBE_EVENTS=y
CONFIG_KALLSYMS=y
CONFIG_KALLSYMS_ALL=y
# CONFIG_FPROBE is not set
# CONFIG_XDP_SOCKETS is not set
CONFIG_LSM="lockdown,yama"
`;

export const SYSTEM_MAP = `ffffffff81000000 T _stext
ffffffff81001000 t start_show
ffffffff81002000 T vfs_read
ffffffff81003000 t vfs_write.isra.0
ffffffff81004000 t start_show
ffffffff81005000 T bpf_lsm_file_open
ffffffff82000000 T _etext
ffffffff82200000 D jiffies
`;
