// The rules of the house, held against what enforces them: the table of rooms, the core's purity, one place that prints.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

const ALWAYS = ['errors'];
const SHELL = ['syscall', 'api', 'run', 'cli'];

/** The last column of the table in docs/architecture.md, by room. */
function tableOfRooms(): Map<string, readonly string[]> {
  const rows = [...read('docs/architecture.md').matchAll(/^\| `src\/(\w+)` \|.*\| ([^|]*)\|$/gm)].map(
    ([, room, may]) => [room as string, (may as string).trim()] as const,
  );
  const all = rows.map(([room]) => room);
  return new Map(
    rows.map(([room, may]) => {
      if (!may.startsWith('all')) return [room, may.split(', ').filter((name) => name !== '')];
      const not = may.replace(/^all( but )?/, '').split(', ');
      return [room, all.filter((name) => !not.includes(name))];
    }),
  );
}

test('every room of src is in the table', () => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect([...tableOfRooms().keys()].sort()).toEqual(folders.map((entry) => entry.name).sort());
});

test('the linter refuses exactly the imports that the table does not allow', () => {
  const rooms = tableOfRooms();
  const house = mkdtempSync(join(tmpdir(), 'tsbpf-house-'));
  try {
    cpSync(join(root, 'biome.json'), join(house, 'biome.json'));
    const expected: string[] = [];
    for (const [room, may] of rooms) {
      const allowed = new Set([room, ...may, ...ALWAYS]);
      const isCore = !SHELL.includes(room);
      const imports = [
        ...[...rooms.keys()]
          .filter((other) => other !== room)
          .map((other) => ({ from: `../${other}/index.js`, ok: allowed.has(other) })),
        { from: '../errors.js', ok: true },
        { from: 'node:fs', ok: !isCore },
        { from: 'koffi', ok: room === 'syscall' },
        { from: 'commander', ok: room === 'cli' },
      ];
      mkdirSync(join(house, 'src', room), { recursive: true });
      writeFileSync(
        join(house, 'src', room, 'probe.ts'),
        imports.map(({ from }, i) => `export { x as x${i} } from '${from}';\n`).join(''),
      );
      expected.push(...imports.filter(({ ok }) => !ok).map(({ from }) => `${room}: ${from}`));
    }
    const { stdout } = spawnSync(
      join(root, 'node_modules/.bin/biome'),
      ['lint', '--reporter=json', '--max-diagnostics=none', 'src'],
      { cwd: house, encoding: 'utf8' },
    );
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { category: string; location: { path: string; start: { line: number } } }[];
    };
    const refused = diagnostics
      .filter(({ category }) => category === 'lint/style/noRestrictedImports')
      .map(
        ({ location: { path, start } }) =>
          `${path.split('/').at(-2)}: ${/'(.*)'/.exec(readFileSync(join(house, path), 'utf8').split('\n')[start.line - 1] as string)?.[1]}`,
      );
    expect(refused.sort()).toEqual(expected.sort());
    expect(refused.length).toBeGreaterThan(50);
  } finally {
    rmSync(house, { recursive: true });
  }
});

test('only src/cli prints or exits', () => {
  const offenders = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.startsWith('cli/'))
    .filter((file) => /\bconsole\.|process\.(stdout|stderr|exit)\b/.test(read(`src/${file}`)));
  expect(offenders).toEqual([]);
});

test('the package has two dependencies at run time, in exact versions, and no install scripts', () => {
  const { dependencies, devDependencies, scripts } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  expect(Object.keys(dependencies ?? {})).toEqual(['commander', 'koffi']);
  for (const version of Object.values({ ...dependencies, ...devDependencies })) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare']) expect(scripts).not.toHaveProperty(hook);
  for (const name of Object.keys({ ...dependencies, ...devDependencies }))
    expect(read('docs/dependencies.md')).toContain(`| ${name} `);
});
