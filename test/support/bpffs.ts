// A BPF file system of a test's own. Without a dot in its path: libbpf changes dots in all of it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface Bpffs {
  readonly root: string;
  /** What is pinned, and the folders, from the top; without what the kernel itself puts there. */
  list(): string[];
  /** Takes all pins and folders away. */
  clear(): void;
  unmount(): void;
}

/** The kernel's own iterators. */
const KERNELS = new Set(['maps.debug', 'progs.debug']);

export function mountBpffs(): Bpffs {
  const root = mkdtempSync('/tmp/tsbpf-bpffs-');
  const { status, stderr } = spawnSync('mount', ['-t', 'bpf', 'bpf', root], { encoding: 'utf8' });
  if (status !== 0) {
    rmdirSync(root);
    throw new Error(`mount: ${stderr}`);
  }
  const list = () =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => !KERNELS.has(name))
      .sort();
  return {
    root,
    list,
    clear: () => {
      for (const name of readdirSync(root)) if (!KERNELS.has(name)) rmSync(join(root, name), { recursive: true });
    },
    unmount: () => {
      spawnSync('umount', [root]);
      rmdirSync(root);
    },
  };
}
