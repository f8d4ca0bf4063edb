// What `--json` prints, of every verb: one value, or a line for each event, and on failure an error. docs/schemas says which.

import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONCERNS, REQUIREMENT_KINDS } from '../../src/check/index.js';
import { NounCommand } from '../../src/cli/nouns.js';
import { VERBS } from '../../src/cli/table.js';
import { attachTypeName, linkTypeName, mapTypeName, progTypeName } from '../../src/live/names.js';
import { CORE_KINDS } from '../../src/relocate/index.js';
import { BTF_KINDS } from '../../src/uapi/btf.js';
import { BPF_ATTACH_TYPE, BPF_LINK_TYPE, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../../src/uapi/enums.js';
import { type Finished, start, tsbpf } from '../support/cli.js';
import { describeWithCompiler } from '../support/compile.js';
import { describeWithKernel } from '../support/kernel.js';
import { faults, mutants, objectsIn, optionalKeys, SCHEMAS } from '../support/schemas.js';
import { type Case, ROWS } from './json-cases.js';
import { type Files, someFiles } from './json-files.js';
import { type Live, someLive } from './json-live.js';

/** It is text for people. Those who ask for JSON of it all the same, as bpftool takes it, have nothing to read. */
const HELP = 'help';

/** All that the command line can be told to do, with the flags that ask for JSON. */
function* verbsOf(command: Command, words: string): Generator<readonly [verb: string, flags: readonly string[]]> {
  const flags = ['-j', '-p'].filter((flag) => command.options.some(({ short }) => short === flag));
  if (command instanceof NounCommand)
    for (const verb of command.verbs.filter((name) => name !== HELP)) yield [`${words} ${verb}`, flags];
  else if (command.commands.length > 0) for (const child of command.commands) yield* verbsOf(child, `${words} ${child.name()}`);
  else yield [words, flags];
}
const commands = await Promise.all(
  VERBS.map(async ({ name }): Promise<Command> => (await import(`../../src/cli/${name}.ts`))[`${name}Command`]()),
);
const verbs = commands.flatMap((command) => [...verbsOf(command, command.name())]);

const schemaOf = (verb: string): string => verb.replaceAll(' ', '-');

let files: Files;
beforeAll(() => {
  files = someFiles();
});
afterAll(() => files.remove());

/** What was printed that was valid, for the test that spoils it. */
const printed: (readonly [schema: string, value: unknown])[] = [];

function expectValid(schema: string, values: readonly unknown[], args: readonly string[]): void {
  expect(values.length, args.join(' ')).toBeGreaterThan(0);
  for (const value of values) {
    expect(faults(schema, value), args.join(' ')).toEqual([]);
    printed.push([schema, value]);
  }
}

const valuesIn = (verb: string, stdout: string): unknown[] =>
  ROWS[verb]?.lines
    ? stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [JSON.parse(stdout)];

/** Each case with one of the flags, one after the other; a single case with both. */
function tryCases(verb: string, flags: readonly string[], cases: readonly Case[]): void {
  const enough = cases.length < flags.length ? flags.map(() => cases[0] as Case) : cases;
  for (const [i, { words, as = [], shows = [], ...wanted }] of enough.entries()) {
    const args = [...verb.split(' '), ...words, flags[i % flags.length] as string];
    const { status, stdout, stderr } = tsbpf(args, { as });
    expect(stderr, args.join(' ')).toBe('');
    if (!('status' in wanted))
      expect({ args, status, stdout: status === 0 ? '' : stdout }).toEqual({ args, status: 0, stdout: '' });
    else if (wanted.status !== undefined) expect({ args, status }).toEqual({ args, status: wanted.status });
    for (const part of shows) expect(stdout, args.join(' ')).toContain(part);
    expectValid(schemaOf(verb), valuesIn(verb, stdout), args);
  }
}

function expectError({ status, stdout, stderr }: Finished, wanted: 1 | 2, args: readonly string[]): void {
  expect({ args, status, stderr }).toEqual({ args, status: wanted, stderr: '' });
  expectValid('error', [JSON.parse(stdout)], args);
}

test('every verb has a schema, a row of cases, and takes -j; and there are no others', () => {
  const names = verbs.map(([verb]) => verb);
  expect(Object.keys(ROWS).toSorted()).toEqual(names.toSorted());
  expect([...SCHEMAS.keys()].toSorted()).toEqual(['common', 'error', ...names.map(schemaOf)].toSorted());
  for (const [verb, flags] of verbs) expect(flags, verb).toContain('-j');
  for (const [verb, row] of Object.entries(ROWS)) expect(row.cases ?? row.live ?? row.endless, verb).toBeDefined();
});

describe.each(verbs.filter(([verb]) => ROWS[verb]))('tsbpf %s', (verb, flags) => {
  const { cases, fails, misused, elsewhere } = ROWS[verb] as (typeof ROWS)[string];
  const args = (words: readonly string[], i: number) => [...verb.split(' '), ...words, flags[i % flags.length] as string];

  if (cases) test('prints what its schema says', () => tryCases(verb, flags, cases(files)), 120_000);

  test.skipIf(fails === undefined)(
    'fails in JSON, with 1',
    () => {
      const pretend = files.path('darwin.cjs');
      writeFileSync(pretend, "Object.defineProperty(process, 'platform', { value: 'darwin' });");
      const env = elsewhere ? { NODE_OPTIONS: `--require ${pretend}` } : {};
      expect(fails?.length).toBeGreaterThan(0);
      for (const [i, words] of (fails ?? []).entries()) expectError(tsbpf(args(words, i), { env }), 1, args(words, i));
    },
    60_000,
  );

  test('is used wrongly in JSON, with 2', () => {
    expect(misused.length).toBeGreaterThan(0);
    for (const [i, words] of misused.entries()) expectError(tsbpf(args(words, i)), 2, args(words, i));
  }, 60_000);
});

const nouns = commands.filter((command) => command instanceof NounCommand).map((command) => command.name());
test.each(nouns)('tsbpf %s help is text, and null as JSON', (noun) => {
  expect(tsbpf([noun, HELP])).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: '), stderr: '' });
  expect(tsbpf([noun, HELP, '-j'])).toMatchObject({ status: 0, stdout: 'null\n', stderr: '' });
});

describe('words that are no verb', () => {
  test.each([
    [['--json']],
    [['nosuch', '-j']],
    [['-jp', 'map', 'bogus']],
    [['map', 'bogus', '-fj']],
    [['explain', 'x', 'y', '-vj']],
    ...VERBS.filter(({ name }) => verbs.some(([verb]) => verb.startsWith(`${name} `))).map(({ name }) => [
      [name, 'nosuch', '--json'],
    ]),
  ])('%j', (args) => expectError(tsbpf(args), 2, args));
});

const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
if (!isRoot) console.warn('JSON without rights is not tried: not root, so nothing can be given up');
describe.skipIf(!isRoot)('without rights', () => {
  test('each verb says in JSON what it can, or which right it lacks', () => {
    for (const words of ['doctor', 'feature probe unprivileged', `check ${files.bootstrap}`, `explain ${files.bootstrap}`]) {
      const args = [...words.split(' '), '--json'];
      const { stdout, stderr } = tsbpf(args, { as: nobody });
      expect(stderr, words).toBe('');
      expectValid(words.startsWith('feature') ? 'feature-probe' : (args[0] as string), [JSON.parse(stdout)], args);
    }
    const lacking = [
      'run bootstrap',
      'feature probe',
      'btf list',
      'prog list',
      'map list',
      'link list',
      'cgroup tree',
      'perf list',
      'net list',
      'prog tracelog',
      'prog stats',
      'map dump id 1',
    ];
    for (const words of [...lacking, `gen object ${files.path('linked')} ${files.bootstrap}`]) {
      const args = [...words.split(' '), '--json'];
      expectError(tsbpf(args, { as: nobody }), 1, args);
    }
  }, 60_000);
});

describeWithCompiler('with objects that are in the kernel', () => {
  describeWithKernel('of this machine', () => {
    let live: Live & Disposable;
    beforeAll(() => {
      live = someLive(files);
    }, 60_000);
    afterAll(() => live?.[Symbol.dispose]());

    for (const [verb, flags] of verbs) {
      const { live: cases, refused, endless } = ROWS[verb] ?? {};
      if (cases)
        test(`tsbpf ${verb}`, ({ skip }) => {
          const possible = cases(live);
          if (possible.length === 0) skip('this kernel has nothing to try it with, as is said above');
          tryCases(verb, flags, possible);
        }, 120_000);
      if (refused)
        test(`tsbpf ${verb}, refused`, () => {
          for (const words of refused(files)) {
            const args = [...verb.split(' '), ...words, '--json'];
            expectError(tsbpf(args), 1, args);
          }
        });
      if (endless)
        test.each(flags)(`tsbpf ${verb} %s, until it is told to stop`, async (flag) => {
          const { words, stir, until } = endless(live);
          const args = [...verb.split(' '), ...words, flag];
          const running = start(args);
          const stirring = setInterval(() => stir(running.pid), 50);
          await running.saw(until).finally(() => clearInterval(stirring));
          const { status, stdout, stderr } = await running.end('SIGINT');
          expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
          expectValid(schemaOf(verb), valuesIn(verb, stdout), args);
        });
    }
  });
});

describe('schemas', () => {
  test('have the names that this version knows', () => {
    const { $defs } = SCHEMAS.get('common') as {
      $defs: Record<string, { enum?: unknown; anyOf?: readonly { enum?: unknown }[] }>;
    };
    const names = (numbers: Readonly<Record<string, number>>, name: (number: number) => string | number) => [
      ...new Set(Object.values(numbers).map(name)),
    ];
    expect($defs.map_type?.anyOf?.[0]?.enum).toEqual(names(BPF_MAP_TYPE, mapTypeName));
    expect($defs.prog_type?.anyOf?.[0]?.enum).toEqual(names(BPF_PROG_TYPE, progTypeName));
    expect($defs.link_type?.anyOf?.[0]?.enum).toEqual(names(BPF_LINK_TYPE, linkTypeName));
    expect($defs.attach_type?.anyOf?.[0]?.enum).toEqual(names(BPF_ATTACH_TYPE, attachTypeName));
    expect($defs.btf_kind?.enum).toEqual(BTF_KINDS);
    expect($defs.requirement).toMatchObject({ properties: { kind: { enum: REQUIREMENT_KINDS } } });
    expect($defs.finding).toMatchObject({ properties: { concern: { enum: CONCERNS } } });
    expect($defs.core_kind?.enum).toEqual(CORE_KINDS.map(({ name }) => name));
  });

  test('each is strict: it names itself and its draft, and has no object that is open without a reason', () => {
    for (const [name, schema] of SCHEMAS) {
      expect(schema).toMatchObject({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        $id: `${name}.json`,
        title: expect.stringMatching(/./),
      });
      for (const [path, object] of objectsIn(schema))
        expect(object, `${name}${path}`).toMatchObject({ additionalProperties: false });
    }
  });

  test('what was printed is refused with a key too many, a key too few, or another type', ({ skip }) => {
    if (printed.length < verbs.length) skip('little was printed: only some of the tests above ran');
    const counts = new Map<string, number>();
    const passed = new Set<string>();
    const optional = new Map([...SCHEMAS.keys()].map((schema) => [schema, optionalKeys(schema)]));
    for (const [schema, value] of printed) {
      for (const { what, value: wrong } of mutants(value, optional.get(schema) ?? new Set())) {
        const seen = `${schema} ${what.replaceAll(/\d+/g, 'N')}`;
        if ((counts.get(seen) ?? 0) >= 5) continue; // the same place, again and again
        counts.set(seen, (counts.get(seen) ?? 0) + 1);
        if (faults(schema, wrong).length === 0) passed.add(seen);
      }
    }
    expect([...passed]).toEqual([]);
    expect(counts.size).toBeGreaterThan(500);
  }, 120_000);
});
