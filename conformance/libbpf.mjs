// The newest libbpf that Debian has, built here as a static library, and the witness around it.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from '../scripts/debian/apt.mjs';
import { CACHE, once, ROOT, say } from '../scripts/debian/cache.mjs';

const HOME = join(CACHE, 'libbpf');
const LIBRARY = join(HOME, 'src/libbpf.a');
/** What its programs include, as <bpf/bpf_helpers.h>. */
export const HEADERS = join(HOME, 'include-installed');

/** Compiles the witness. Gives its path and libbpf's version. */
export function buildWitness() {
  once(join(HOME, 'built'), buildLibrary);
  const witness = join(HOME, 'witness');
  const includes = ['src', 'include', 'include/uapi'].map((folder) => `-I${join(HOME, folder)}`);
  const source = join(ROOT, 'conformance/witness.c');
  execFileSync('gcc', [
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    ...includes,
    source,
    LIBRARY,
    '-lelf',
    '-lz',
    '-ldl',
    '-o',
    witness,
  ]);
  const [, version] = /libbpf_(\S+?)\.orig/.exec(readFileSync(join(HOME, 'package'), 'utf8')) ?? [];
  return { witness, version };
}

function buildLibrary() {
  say('libbpf: the newest source package of Debian, sid');
  const files = suite('sid', 'deb-src').source('libbpf', join(HOME, 'package-files'));
  const tarball = files.find((file) => /\.orig\.tar\.\w+$/.test(file));
  mkdirSync(HOME, { recursive: true });
  execFileSync('tar', ['-xf', tarball, '--strip-components=1', '-C', HOME]);
  execFileSync('make', ['-s', '-j2', '-C', join(HOME, 'src'), 'BUILD_STATIC_ONLY=1'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const headers = ['install_headers', 'DESTDIR=', `PREFIX=${HOME}`, `INCLUDEDIR=${join(HOME, 'include-installed')}`];
  execFileSync('make', ['-s', '-C', join(HOME, 'src'), ...headers], { stdio: ['ignore', 'ignore', 'pipe'] });
  execFileSync('sh', ['-c', 'basename "$1" > "$2"', '-', tarball, join(HOME, 'package')]);
}
