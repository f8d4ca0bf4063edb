// Everything that can be made before a machine starts, because all is slow in there: objects, the tests as one file, libbpf.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildWitness, HEADERS } from '../../conformance/libbpf.mjs';
import { ROOT, say } from '../../scripts/debian/cache.mjs';

const HERE = import.meta.dirname;
/** Inside the repository, so that the tests find koffi. */
const HOME = join(ROOT, '.cache/vm-tests');
const FLAGS = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror'];

export async function buildSuite() {
  rmSync(HOME, { recursive: true, force: true });
  const objects = join(HOME, 'objects');
  mkdirSync(objects, { recursive: true });
  const { witness, version } = buildWitness();
  say(`objects, tests, and libbpf ${version} to compare with`);
  const progs = join(HERE, 'progs');
  for (const source of readdirSync(progs).filter((name) => name.endsWith('.bpf.c')))
    execFileSync('clang-19', [
      ...FLAGS,
      `-I${HEADERS}`,
      ...['-c', join(progs, source)],
      ...['-o', join(objects, source.replace('.bpf.c', '.bpf.o'))],
    ]);
  const suite = join(HERE, 'suite');
  const files = readdirSync(suite).filter((name) => name.endsWith('.ts'));
  const entry = join(HOME, 'tests.ts');
  writeFileSync(entry, files.map((name) => `import ${JSON.stringify(join(suite, name))};\n`).join(''));
  const tools = join(HERE, 'tools');
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', join(tools, 'handed-on.c'), '-o', join(HOME, 'handed-on')]);
  await build({
    entryPoints: [entry, join(tools, 'in-namespace.ts')],
    outdir: HOME,
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    ignoreAnnotations: true, // package.json says that no module has side effects; tests are nothing else
    target: 'node20',
    alias: ROOMS, // what is shared with conformance/ is to be tested as it is in src
    banner: { js: "Symbol.dispose ??= Symbol.for('Symbol.dispose');" },
    logLevel: 'warning',
  });
  return { tests: join(HOME, 'tests.mjs'), tools: HOME, objects, witness, libbpf: version };
}

const ROOMS = Object.fromEntries(
  ['btf', 'bytes', 'elf', 'insn', 'load', 'object', 'plan', 'relocate', 'syscall'].map((room) => [
    `tsbpf/${room}`,
    join(ROOT, `src/${room}/index.ts`),
  ]),
);
ROOMS.tsbpf = join(ROOT, 'src/node.ts');
