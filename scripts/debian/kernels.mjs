// Debian's kernels for machines in the cloud: where each series is, and its packages, unpacked.

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from './apt.mjs';
import { say } from './cache.mjs';

/** Each series, and where Debian has it. The newest is whatever is newest in backports. */
const SERIES = {
  '5.10': ['bullseye-security'],
  6.1: ['bookworm-security', 'bookworm'],
  6.12: ['bookworm-security', 'bookworm-backports'],
  newer: ['trixie-backports', 'sid'],
};
const NEWEST = 'newer';
const FLAVOUR = 'cloud-amd64';
const IMAGE = 'linux-image-';

/** In the order of time. */
export const KERNELS = ['5.10', '6.1', '6.12', NEWEST];

/**
 * Downloads the newest kernel of a series and unpacks it.
 * @param options.modules Whether its modules are wanted too; until 7.0 they come with the image.
 * @returns The whole name of its version.
 */
export function unpackKernel(series, tree, { modules = false } = {}) {
  const pattern = series === NEWEST ? '[0-9]+[.][0-9]+' : series.replace('.', '[.]');
  const { name, from } = newest(SERIES[series], new RegExp(`^${IMAGE}${pattern}[.+-].*-${FLAVOUR}$`));
  const version = name.slice(IMAGE.length);
  say(`kernel ${version}`);
  // Since 7.0 the image and the modules lie in packages of their own.
  const others = [`linux-binary-${version}`, ...(modules ? [`linux-modules-${version}`, `linux-base-${version}`] : [])];
  mkdirSync(tree, { recursive: true });
  from.unpack([name, ...others.filter((other) => from.has(other))], tree);
  return version;
}

function newest(suites, pattern) {
  for (const name of suites) {
    const from = suite(name);
    const found = from
      .search(`^${IMAGE}[0-9].*`)
      .filter((name) => pattern.test(name))
      .at(-1);
    if (found) return { name: found, from };
  }
  throw new Error(`Debian has no kernel ${pattern} in ${suites.join(', ')}`);
}

/** The bzImage of an unpacked kernel. */
export const imageIn = (tree) =>
  readdirSync(tree, { recursive: true })
    .filter((name) => /(^|\/)vmlinuz[^/]*$/.test(name))
    .map((name) => join(tree, name))[0];
