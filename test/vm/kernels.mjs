// Debian's kernels, ready to start: vmlinux, modules, and the archive to start from. Kept, because they are downloaded.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE, once } from '../../scripts/debian/cache.mjs';
import { vmlinuxOf } from '../../scripts/debian/image.mjs';
import { imageIn, unpackKernel } from '../../scripts/debian/kernels.mjs';
import { initramfs } from './initramfs.mjs';

export { KERNELS } from '../../scripts/debian/kernels.mjs';

/** Downloads it unless that was done before. `vmlinux` and the archive are files. */
export function bootable(series) {
  const home = join(CACHE, 'vm', series);
  const [tree, vmlinux, archive, named] = ['tree', 'vmlinux', 'initramfs', 'version'].map((name) => join(home, name));
  once(join(home, 'unpacked'), () => {
    rmSync(home, { recursive: true, force: true });
    const version = unpackKernel(series, tree, { modules: true });
    if (!existsSync(join(tree, 'lib'))) symlinkSync('usr/lib', join(tree, 'lib'));
    execFileSync('depmod', ['-b', tree, version]);
    writeFileSync(vmlinux, vmlinuxOf(readFileSync(imageIn(tree)))); // qemu starts it as it is; unpacking it there would take long
    writeFileSync(named, version);
  });
  const version = readFileSync(named, 'utf8');
  writeFileSync(archive, initramfs(tree, version));
  return { series, version, tree, vmlinux, archive };
}
