// The kernel's own BPF programs, from Debian's source package: headers of the tarball, helpers from its bpf_doc.py, and a vmlinux.h
// of Debian's kernel of the same series.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite } from '../scripts/debian/apt.mjs';
import { CACHE, once, say } from '../scripts/debian/cache.mjs';
import { compileAll } from './compile.mjs';
import { kernelTypes } from './kernels.mjs';

const SERIES = '6.12';
const SUITES = ['bookworm-security', 'bookworm-backports', 'trixie'];
const HOME = join(CACHE, 'selftests');
const TESTS = 'tools/testing/selftests/bpf';
const WANTED = [TESTS, 'tools/lib/bpf', 'tools/include', 'scripts/bpf_doc.py', 'include/uapi'];

const SYSTEM = ['/usr/include/x86_64-linux-gnu', '/usr/include'].flatMap((folder) => ['-idirafter', folder]);

const clang = (cpu) => ['clang-19', '-g', '-O2', '-target', 'bpf', `-mcpu=${cpu}`, '-Wno-everything', ...SYSTEM];

/** Debian's own gcc for BPF, from its package: it need not be installed. */
function gcc() {
  const home = join(CACHE, 'gcc-bpf');
  once(join(home, '.done'), () => suite('bookworm').unpack(['gcc-bpf', 'binutils-bpf'], home));
  const bin = join(home, 'usr/bin');
  return [join(bin, 'bpf-gcc'), `-B${bin}/`, '-g', '-gbtf', '-O2', '-mcpu=v3', '-mco-re', '-w', ...SYSTEM];
}

/**
 * Compiles every n-th program into a folder.
 * @param variant Of the instruction set, by clang; or `gcc`.
 */
export function selftests(variant, to, every) {
  once(join(HOME, 'ready'), fetchSources);
  const sources = readdirSync(join(HOME, TESTS, 'progs'))
    .filter((name) => name.endsWith('.c'))
    .sort()
    .filter((_, i) => i % every === 0);
  say(`compiling ${sources.length} of the kernel's selftests: ${variant}`);
  const command = variant === 'gcc' ? gcc() : clang(variant);
  const folders = ['.', 'inc', TESTS, `${TESTS}/bpf_testmod`, `${TESTS}/libarena`, 'tools/include/uapi'];
  const flags = ['-D__TARGET_ARCH_x86', ...folders.map((folder) => `-I${folder}`)];
  compileAll(
    sources.map((name) => ({
      source: join(TESTS, 'progs', name),
      object: join(to, `${basename(name, '.c')}.bpf.o`),
      command: [...command, ...flags],
    })),
    HOME,
  );
}

function fetchSources() {
  say(`linux-source-${SERIES}`);
  const name = `linux-source-${SERIES}`;
  const from = SUITES.map((found) => suite(found)).find((found) => found.has(name));
  if (!from) throw new Error(`Debian has no ${name} in ${SUITES.join(', ')}`);
  const tree = join(HOME, 'tree');
  mkdirSync(tree, { recursive: true });
  from.unpack([name], tree);
  execFileSync('tar', [
    ...['-xJf', join(tree, `usr/src/${name}.tar.xz`), '--strip-components=1', '-C', HOME],
    ...WANTED.map((path) => `${name}/${path}`),
  ]);
  rmSync(tree, { recursive: true });
  const types = execFileSync('bpftool', ['btf', 'dump', 'file', kernelTypes(SERIES).file, 'format', 'c'], { maxBuffer: 1 << 28 });
  writeFileSync(join(HOME, 'vmlinux.h'), types);
  const helpers = ['scripts/bpf_doc.py', '--header', '--file', 'tools/include/uapi/linux/bpf.h'];
  const inc = join(HOME, 'inc/bpf');
  mkdirSync(inc, { recursive: true });
  for (const header of readdirSync(join(HOME, 'tools/lib/bpf'))) {
    if (header.endsWith('.h') && !existsSync(join(inc, header))) cpSync(join(HOME, 'tools/lib/bpf', header), join(inc, header));
  }
  writeFileSync(join(inc, 'bpf_helper_defs.h'), execFileSync('python3', helpers, { cwd: HOME, maxBuffer: 1 << 26 }));
}
