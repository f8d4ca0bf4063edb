// The package as others import it, after `npm run build`: every subpath is there, with types, and the browser's part is free of Node.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string | Conditions>;
};

interface Conditions {
  readonly browser?: Conditions;
  readonly types: string;
  readonly default: string;
}

const entries = Object.entries(exports).flatMap(([subpath, target]) =>
  typeof target === 'string'
    ? []
    : [[subpath, target] as const, ...(target.browser ? [[`${subpath} in a browser`, target.browser] as const] : [])],
);

test.each(entries)('%s', async (_, { types, default: file }) => {
  expect(existsSync(join(root, types))).toBe(true);
  expect(Object.keys((await import(join(root, file))) as object).length).toBeGreaterThan(0);
});

/** Everything that a module imports, and what that imports; packages and node: modules by their names. */
function imports(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, from] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)[^'"]*?from\s*['"]([^'"]+)['"]/gms)) {
    if (from?.startsWith('.')) imports(join(dirname(file), from), seen);
    else if (from) seen.add(from);
  }
  return seen;
}

test('what a browser imports needs no Node, no koffi, no package at all', () => {
  const browser = exports['.'] as Conditions;
  const graph = [...imports(join(root, browser.browser?.default as string))];
  expect(graph.filter((module) => !module.startsWith(root))).toEqual([]);
  expect(imports(join(root, browser.default))).toContain('node:module'); // the walk does see such imports
});

test('importing the package loads no koffi: that is for the first system call', () => {
  const graph = imports(join(root, (exports['.'] as Conditions).default));
  expect([...graph].filter((module) => module.includes('koffi'))).toEqual([]);
});

test('the disassembler is loaded by nobody but the verb that needs it, and then only', () => {
  const dist = join(root, 'dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => /\.c?js$/.test(file));
  const naming = files.filter((file) => readFileSync(join(dist, file), 'utf8').includes('@alexaltea/capstone-js'));
  expect(naming).toEqual([expect.stringMatching(/^cli\/prog/)]);
  const text = readFileSync(join(dist, naming[0] as string), 'utf8');
  expect(text).toContain('import("@alexaltea/capstone-js")');
  expect(text).not.toMatch(/require\("@alexaltea/);
});

/** Bytes that Node reads before a verb does anything: its file, and what that requires at once. */
function readAtStart(file: string, seen = new Set<string>()): number {
  if (seen.has(file)) return 0;
  seen.add(file);
  const text = readFileSync(join(root, 'dist/cli', file), 'utf8');
  const needed = [...text.matchAll(/(?<!then\(\(\)=>)require\("\.\/([^"]+)"\)/g)].map(([, name = '']) => name);
  return needed.reduce((sum, name) => sum + readAtStart(name, seen), text.length);
}

// Where one of these fails, something that only errors or one option need is imported by what all need; import() keeps it apart.
test.each([
  ['btf', 260_000],
  ['help', 80_000],
  ['run', 450_000],
])('%s reads no more than it needs before it starts', (verb, most) => {
  const bytes = readAtStart(`${verb}.cjs`);
  expect(bytes).toBeLessThan(most);
  expect(bytes).toBeGreaterThan(most / 2); // or what it requires was not found
});
