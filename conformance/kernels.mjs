// The types of Debian's kernels, carved from their images: CO-RE differs where kernels do.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, once } from '../scripts/debian/cache.mjs';
import { btfOf, vmlinuxOf } from '../scripts/debian/image.mjs';
import { imageIn, unpackKernel } from '../scripts/debian/kernels.mjs';

export { KERNELS } from '../scripts/debian/kernels.mjs';

/** @returns The file with a kernel's BTF and the whole name of its version. */
export function kernelTypes(series) {
  const home = join(CACHE, 'kernels', series);
  once(join(home, 'done'), () => {
    const tree = join(home, 'tree');
    const version = unpackKernel(series, tree);
    writeFileSync(join(home, 'btf'), btfOf(vmlinuxOf(readFileSync(imageIn(tree)))));
    writeFileSync(join(home, 'version'), version);
    rmSync(tree, { recursive: true });
  });
  return { name: series, file: join(home, 'btf'), version: readFileSync(join(home, 'version'), 'utf8') };
}
