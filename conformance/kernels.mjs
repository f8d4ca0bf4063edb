// The types of Debian's kernels, carved from their images: CO-RE differs where kernels do.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CACHE, once } from '../scripts/debian/cache.mjs';
import { btfOf, hasBtf, vmlinuxOf } from '../scripts/debian/image.mjs';
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

const MODULES = 25; // so many of a kernel, from all over its folders
const PACKED = { '.xz': 'xz', '.zst': 'zstd' };

/** @returns Files of some of a kernel's modules that have types, none before 5.11, and of the types that they continue (`base`). */
export function kernelModules(series) {
  const home = join(CACHE, 'modules', series);
  const [base, files] = [join(home, 'base'), join(home, 'files')];
  once(join(home, 'done'), () => {
    const tree = join(home, 'tree');
    rmSync(home, { recursive: true, force: true });
    mkdirSync(files, { recursive: true });
    unpackKernel(series, tree, { modules: true });
    writeFileSync(base, btfOf(vmlinuxOf(readFileSync(imageIn(tree)))));
    const all = readdirSync(tree, { recursive: true }).filter((name) => /\.ko(\.\w+)?$/.test(name));
    const every = Math.ceil(all.length / MODULES);
    for (const name of all.sort().filter((_, i) => i % every === 0)) keepTyped(join(tree, name), files);
    rmSync(tree, { recursive: true });
  });
  return { name: series, base, files: readdirSync(files).map((name) => join(files, name)) };
}

function keepTyped(path, to) {
  const [, plain, packed] = /^(.*\.ko)(\.\w+)?$/.exec(basename(path));
  const bytes = packed ? execFileSync(PACKED[packed], ['-dc', path], { maxBuffer: 1 << 28 }) : readFileSync(path);
  if (hasBtf(bytes)) writeFileSync(join(to, plain), bytes);
}
