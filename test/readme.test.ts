// The README's example runs as it stands there.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseElf } from '../src/elf/index.js';
import { openObject } from '../src/object/index.js';
import { describeWithKernel } from './support/kernel.js';
import { workload } from './support/workload.js';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('the two commands stand in the README', () => {
  expect(readme).toContain('npm ci && npm start');
  expect(readme).toContain('npm ci && npm test');
});

test.each([
  'README.md',
  'CHANGELOG.md',
  'docs/architecture.md',
  'docs/check.md',
  'docs/dependencies.md',
  'docs/conformance.md',
  'bench/README.md',
  'fixtures/README.md',
])('links of %s lead somewhere', (file) => {
  const text = readFileSync(join(root, file), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => join(root, dirname(file), link as string));
  expect(links.filter((link) => !existsSync(link))).toEqual([]);
});

describe('the TypeScript examples', () => {
  const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string);

  test('are two, and both pass the strict compiler, against the built package', () => {
    expect(examples).toHaveLength(2);
    const project = projectWith(Object.fromEntries(examples.map((code, i) => [`example${i}.ts`, code])));
    const compilerOptions = {
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    writeFileSync(join(project, 'package.json'), '{"type":"module"}');
    const { stdout, status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', project], { encoding: 'utf8' });
    expect(stdout).toBe('');
    expect(status).toBe(0);
    rmSync(project, { recursive: true });
  });

  test('the second asks a kernel nothing', () => {
    const project = projectWith({ 'plan.mjs': (examples[1] as string).replace('/sys/kernel/btf/vmlinux', 'own.btf') });
    writeFileSync(join(project, 'own.btf'), ownTypes());
    const { stdout, stderr, status } = spawnSync(process.execPath, ['plan.mjs'], { cwd: project, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('<byte_off> struct task_struct.real_parent');
    expect(stdout).toContain('bpf(BPF_LINK_CREATE');
    rmSync(project, { recursive: true });
  });
});

/** The object's own types, in place of a kernel's, so that the test needs none. */
function ownTypes(): Uint8Array {
  const object = openObject(parseElf(readFileSync(join(root, 'fixtures/bootstrap.bpf.o'))));
  if (!object.btf) throw new Error('bootstrap has no BTF');
  return object.btf.toBytes();
}

/** A folder as after `npm install tsbpf`, with the fixtures where the examples look for them. */
function projectWith(files: Readonly<Record<string, string>>): string {
  const project = mkdtempSync(join(tmpdir(), 'tsbpf-readme-'));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text);
  symlinkSync(join(root, 'fixtures'), join(project, 'fixtures'));
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules/tsbpf'));
  return project;
}

describeWithKernel('the library example', () => {
  test('prints the events of the processes that run meanwhile', async () => {
    const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1] as string;
    const project = projectWith({ 'trace.mjs': example });
    try {
      const child = spawn(process.execPath, ['trace.mjs'], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      const ended = new Promise((resolve) => child.on('close', resolve));
      const jobs = [];
      for (let i = 0; i < 6; i++) jobs.push(...(await workload([i], 100)));
      expect(await ended).toBe(0);
      expect(jobs.some(({ comm, pid, exitCode }) => output.includes(`${comm} ${pid} ended with ${exitCode}`))).toBe(true);
    } finally {
      rmSync(project, { recursive: true });
    }
  });
});
