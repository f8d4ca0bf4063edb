// The objects: each source gives files, made once and kept. A source that cannot be had here says why and gives none.

import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from '../scripts/debian/apt.mjs';
import { CACHE, once, ROOT, say } from '../scripts/debian/cache.mjs';
import { carve } from './carve.mjs';
import { compileAll } from './compile.mjs';
import { selftests } from './selftests.mjs';

const fromPackage = (name, from, note) => ({
  name: from === 'bookworm' ? name : `${name}, ${from}`,
  note,
  quick: from === 'bookworm',
  collect(to) {
    const tree = join(to, '.tree');
    suite(from).unpack([name], tree);
    carve(tree, to);
    rmSync(tree, { recursive: true });
  },
});

/** @param every Each so many; what clang makes of the others differs little. */
const fromSelftests = (variant, note, every = 1) => ({
  name: `selftests ${variant}`,
  note,
  quick: false,
  collect: (to) => selftests(variant, to, every),
});

/** In the order of the report. `quick` marks those of the quick subset. */
export const SOURCES = [
  { name: 'tsbpf', note: 'our own: bpf/ and test/parity/progs, for each -mcpu', quick: true, collect: ownObjects },
  fromPackage('libbpf-tools', 'bookworm', 'carved from the executables'),
  fromPackage('golang-github-cilium-ebpf-dev', 'bookworm', 'test data of cilium/ebpf, half of it big-endian'),
  fromPackage('libxdp1', 'bookworm', 'the dispatchers of libxdp'),
  fromPackage('xdp-tools', 'bookworm', 'carved from the executables'),
  fromPackage('xdp-tests', 'bookworm', 'test programs of xdp-tools'),
  fromPackage('pcp', 'bookworm', 'the BPF agent of Performance Co-Pilot'),
  fromPackage('ir-keytable', 'bookworm', 'old objects, with sections that libbpf 1.0 dropped: for the refusals'),
  fromPackage('libbpf-tools', 'sid', 'newer ones'),
  fromPackage('xdp-tools', 'sid', 'newer ones'),
  fromPackage('xdp-tests', 'sid', 'newer ones'),
  fromSelftests('v3', "the kernel's own, linux-source-6.12, clang-19 -mcpu=v3"),
  fromSelftests('v2', 'every fourth of them, -mcpu=v2', 4),
  fromSelftests('v4', 'every fourth of them, -mcpu=v4', 4),
  fromSelftests('gcc', 'the same by gcc-bpf, as far as it goes, -mcpu=v3'),
];

/** @returns `{ source, name, path }` of each object of a source. */
export function objectsOf(source) {
  const to = join(CACHE, 'objects', source.name.replace(/[^\w.-]+/g, '-'));
  once(join(to, '.done'), () => {
    say(`objects of ${source.name}`);
    rmSync(to, { recursive: true, force: true });
    mkdirSync(to, { recursive: true });
    source.collect(to);
  });
  return readdirSync(to)
    .filter((name) => !name.startsWith('.'))
    .sort()
    .map((name) => ({ source: source.name, name, path: join(to, name) }));
}

function ownObjects(to) {
  const sources = ['bpf', 'test/parity/progs'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.bpf.c'))
      .map((name) => join(ROOT, folder, name)),
  );
  const flags = ['-Wno-everything', `-I${join(ROOT, 'bpf')}`, `-I${join(CACHE, 'libbpf/include-installed')}`];
  compileAll(
    ['v1', 'v2', 'v3', 'v4'].flatMap((cpu) =>
      sources.map((source) => ({
        source,
        object: join(to, basename(source).replace(/\.bpf\.c$/, `.${cpu}.bpf.o`)),
        command: ['clang-19', '-target', 'bpf', `-mcpu=${cpu}`, '-O2', '-g', ...flags],
      })),
    ),
  );
}
