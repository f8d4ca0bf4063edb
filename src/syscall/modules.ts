// The types of the kernel's modules, which are loaded and unloaded while it runs.

import { existsSync, readdirSync } from 'node:fs';
import { type Btf, parseBtf } from '../btf/index.js';
import { region } from '../bytes/index.js';
import { SyscallError } from '../errors.js';
import type { ModuleBtf } from '../plan/index.js';
import { btfInfoOf, walk } from './objects.js';
import { read } from './read-whole.js';

const FOLDER = '/sys/kernel/btf';
const KERNEL = 'vmlinux';
/** In the order of the kernel's numbers, as libbpf looks at them. */
export function readModules(kernel: Btf): ModuleBtf[] {
  if (!existsSync(FOLDER)) return [];
  const names = readdirSync(FOLDER).filter((name) => name !== KERNEL);
  if (names.length === 0) return [];
  const ids = moduleIds();
  return names
    .flatMap((name): ModuleBtf[] => {
      const file = `${FOLDER}/${name}`;
      try {
        return [{ name, id: ids.get(name), btf: parseBtf(region(read(file), { file }), kernel) }];
      } catch (error) {
        if (error instanceof SyscallError && error.errno === 'ENOENT') return []; // unloaded meanwhile
        throw error;
      }
    })
    .sort((a, b) => (a.id ?? 0) - (b.id ?? 0));
}

/** Without CAP_SYS_ADMIN numbers are not told; types can be looked at all the same. */
function moduleIds(): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  try {
    for (const { id, fd } of walk('btf')) {
      const { name, isKernel } = btfInfoOf(fd);
      if (isKernel) ids.set(name, id);
    }
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
  return ids;
}
