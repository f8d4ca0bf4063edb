// Objects of every feature, compiled from the sources that other tests have: with clang-19, once, into a cache.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const parts = (count) => Array.from({ length: count }, (_, part) => [`-DPART=${part}`]);
/** Of each source: the options that make an object of it, once for each list. */
const SOURCES = [
  ...['bitfields', 'btf-targets', 'calls', 'candidates', 'enums', 'externs', 'fields', 'missing', 'types'].map((name) => [
    `test/parity/progs/${name}.bpf.c`,
    [['-mcpu=v3']],
  ]),
  ...['fields', 'types', 'calls', 'enums'].map((name) => [`test/parity/progs/${name}.bpf.c`, [['-target', 'bpfeb']]]),
  ...['functions', 'maps', 'types', 'variables'].map((name) => [`test/parity/link/${name}.bpf.c`, parts(3)]),
  ['test/parity/link/functions.bpf.c', [['-DPART=0', '-target', 'bpfeb']]],
  // Initial values of maps, struct_ops, an arena, pinning, an exception callback.
  ['test/kernel/linked.bpf.c', parts(5)],
  ...['externs', 'missing', 'refusals'].map((name) => [`test/kernel/${name}.bpf.c`, [[]]]),
  ['test/kernel/trace.bpf.c', parts(2)],
  ['test/parity/shapes.bpf.c', parts(2)],
];

/** Paths of the objects; without the compiler there are none, and what does not compile is missing. */
export function compiledSeeds(root, cache) {
  if (spawnSync('clang-19', ['--version']).status !== 0) {
    console.warn('hostile: no clang-19 (apt-get install clang-19), so only the fixtures are mutated');
    return [];
  }
  mkdirSync(cache, { recursive: true });
  return SOURCES.flatMap(([source, variants]) =>
    variants.flatMap((options) => {
      const text = readFileSync(join(root, source));
      const mark = createHash('sha256').update(text).update(options.join()).digest('hex').slice(0, 8);
      const variant = options
        .join('')
        .replace(/^-mcpu=v3$/, '')
        .replace('-DPART=', '')
        .replace(/-target/, '');
      const object = join(cache, `${basename(source, '.bpf.c')}${variant && `.${variant}`}.${mark}.bpf.o`);
      if (existsSync(object)) return [object];
      const flags = ['-target', 'bpf', '-mcpu=v4', '-O2', '-g', '-w', `-I${join(root, 'bpf')}`, ...options];
      const { status, stderr } = spawnSync('clang-19', [...flags, '-c', join(root, source), '-o', object]);
      if (status !== 0)
        console.warn(`hostile: ${source} ${options.join(' ')} does not compile: ${String(stderr).split('\n')[0]}`);
      return status === 0 ? [object] : [];
    }),
  );
}
