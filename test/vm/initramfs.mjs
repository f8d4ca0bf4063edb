// The archive that a machine starts from: busybox, the modules that lead to the root of the host, and init.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const HERE = import.meta.dirname;
const MODULES = ['virtio_pci', 'virtiofs', 'overlay', 'virtio_console'];
const FOLDERS = ['bin', 'modules', 'dev', 'proc', 'sys', 'lower', 'rw', 'newroot'];

/** Bytes of it for an unpacked kernel; a job is to be added by `archive`. */
export function initramfs(tree, version) {
  const folder = join(tree, 'lib/modules', version);
  const modules = inOrder(folder, MODULES);
  return archive([
    ...FOLDERS.map((name) => ({ name, mode: 0o40755 })),
    { name: 'init', mode: 0o100755, data: readFileSync(join(HERE, 'init')) },
    { name: 'stage2', mode: 0o100755, data: readFileSync(join(HERE, 'stage2')) },
    { name: 'bin/busybox', mode: 0o100755, data: readFileSync('/bin/busybox') },
    { name: 'modules/order', mode: 0o100644, data: Buffer.from(modules.map((path) => `${nameOf(path)}\n`).join('')) },
    ...modules.map((path) => ({ name: `modules/${nameOf(path)}`, mode: 0o100644, data: unpacked(join(folder, path)) })),
  ]);
}

/** What each needs comes before it; what is built in is not there. */
function inOrder(folder, names) {
  const needs = new Map(
    readFileSync(join(folder, 'modules.dep'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const [path, rest] = line.split(':');
        return [path, rest.trim().split(' ').filter(Boolean).reverse()];
      }),
  );
  const found = names.flatMap((name) => [...needs.keys()].filter((path) => nameOf(path) === `${name}.ko`));
  return [...new Set(found.flatMap((path) => [...needs.get(path), path]))];
}

const nameOf = (path) => path.replace(/.*\//, '').replace(/\.(xz|zst|gz)$/, '');
const UNPACK = { xz: 'xz', zst: 'zstd', gz: 'gzip' };
function unpacked(file) {
  const tool = UNPACK[/\.(xz|zst|gz)$/.exec(file)?.[1]];
  return tool ? execFileSync(tool, ['-dc', file], { maxBuffer: 1 << 28 }) : readFileSync(file);
}

/** A cpio archive in the "new ASCII" form. The kernel takes several, one after the other. */
export function archive(files) {
  const entries = [...files, { name: 'TRAILER!!!', mode: 0 }].map(({ name, mode, data = Buffer.alloc(0) }, i) => {
    const fields = [i + 1, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    return Buffer.concat([padded(Buffer.from(header)), padded(data)]);
  });
  return Buffer.concat(entries);
}
const padded = (bytes) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
