// The types of Debian's kernels, carved from their images: CO-RE differs where kernels do.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { suite } from './apt.mjs';
import { CACHE, once, say } from './cache.mjs';

/** Each series, and where Debian has it. The newest is whatever is newest in backports. */
const SERIES = {
  '5.10': ['bullseye-security'],
  6.1: ['bookworm-security', 'bookworm'],
  6.12: ['bookworm-security', 'bookworm-backports'],
  newer: ['trixie-backports', 'sid'],
};
const NEWEST = 'newer';
const FLAVOUR = 'cloud-amd64';

export const KERNELS = Object.keys(SERIES);

/** @returns The file with a kernel's BTF and the whole name of its version. */
export function kernelTypes(series) {
  const home = join(CACHE, 'kernels', series);
  once(join(home, 'done'), () => fetchKernel(series, home));
  return { name: series, file: join(home, 'btf'), version: readFileSync(join(home, 'version'), 'utf8') };
}

function fetchKernel(series, home) {
  const pattern = series === NEWEST ? '[0-9]+[.][0-9]+' : series.replace('.', '[.]');
  const { packages, version, from } = newest(SERIES[series], new RegExp(`^linux-image-${pattern}[.+-].*-${FLAVOUR}$`));
  say(`kernel ${version}`);
  const tree = join(home, 'tree');
  mkdirSync(tree, { recursive: true });
  from.unpack(packages, tree);
  writeFileSync(join(home, 'btf'), carveBtf(readFileSync(imageIn(tree))));
  writeFileSync(join(home, 'version'), version);
  rmSync(tree, { recursive: true });
}

function newest(suites, pattern) {
  for (const name of suites) {
    const from = suite(name);
    const found = from
      .search('^linux-image-[0-9].*')
      .filter((name) => pattern.test(name))
      .at(-1);
    if (!found) continue;
    const version = found.slice('linux-image-'.length);
    // Since 7.0 the image lies in a package of its own.
    const packages = [found, ...[`linux-binary-${version}`].filter((name) => from.has(name))];
    return { packages, version, from };
  }
  throw new Error(`Debian has no kernel ${pattern} in ${suites.join(', ')}`);
}

const imageIn = (tree) =>
  readdirSync(tree, { recursive: true })
    .filter((name) => /(^|\/)vmlinuz[^/]*$/.test(name))
    .map((name) => join(tree, name))[0];

// ---- bzImage -> vmlinux -> .BTF ----

/** struct setup_header, Documentation/arch/x86/boot.rst: where the packed kernel lies. */
const SETUP = { sectors: 0x1f1, payload_offset: 0x248, payload_length: 0x24c };

function carveBtf(image) {
  const base = ((image[SETUP.sectors] || 4) + 1) * 512;
  const start = base + image.readUInt32LE(SETUP.payload_offset);
  return sectionBtf(unpacked(image.subarray(start, start + image.readUInt32LE(SETUP.payload_length))));
}

const PACKERS = new Map([
  [0xfd2fb528, 'zstd'],
  [0x184c2102, 'lz4'],
  [0x587a37fd, 'xz'],
]);

/** All but gzip are followed by four bytes that tell the unpacked size. */
function unpacked(payload) {
  const magic = payload.readUInt32LE(0);
  if ((magic & 0xffff) === 0x8b1f) return gunzipSync(payload);
  const tool = PACKERS.get(magic);
  if (!tool) throw new Error(`a kernel image packed in an unknown way: ${magic.toString(16)}`);
  return execFileSync(tool, ['-dc'], { input: payload.subarray(0, -4), maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'pipe'] });
}

function sectionBtf(vmlinux) {
  const header = (index) => Number(vmlinux.readBigUInt64LE(40)) + index * vmlinux.readUInt16LE(58);
  const place = (index) => Number(vmlinux.readBigUInt64LE(header(index) + 24));
  const names = place(vmlinux.readUInt16LE(62));
  for (let i = 0; i < vmlinux.readUInt16LE(60); i++) {
    const name = names + vmlinux.readUInt32LE(header(i));
    if (vmlinux.toString('latin1', name, name + 5) !== '.BTF\0') continue;
    return vmlinux.subarray(place(i), place(i) + Number(vmlinux.readBigUInt64LE(header(i) + 32)));
  }
  throw new Error('a kernel without BTF');
}
