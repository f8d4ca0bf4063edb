// What is said when something goes wrong: to the letter, and that it names the place, the cause and the remedy.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { errorJson, errorText } from '../../src/cli/report.js';
import { BpfError } from '../../src/errors.js';
import { onMachine } from './machine.js';
import { SITUATIONS, type Situation } from './situations.js';

vi.mock('node:fs', async (original) => (await import('./machine.js')).filesOf(await original()));
vi.mock('node:os', async (original) => ({ ...(await original<object>()), release: () => '6.12.0', version: () => '#1 SMP' }));
vi.mock('../../src/syscall/libc.js', async (original) => (await import('./machine.js')).callsOf(await original()));

const GOLDENS = join(import.meta.dirname, 'goldens');
const MOST_COLUMNS = 200;
const MOST_LINES = 25;

function errorOf({ provoke, machine }: Situation): BpfError {
  let result: unknown;
  try {
    result = onMachine(machine, provoke);
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error(`nothing went wrong: ${String(result)}`);
}

describe.each(SITUATIONS)('$name: $broken', (situation) => {
  let error: BpfError;
  let text = '';
  beforeAll(() => {
    error = errorOf(situation);
    text = errorText(error, { log: false });
  });

  it('is said like this', async () => {
    await expect(`${text}\n`).toMatchFileSnapshot(join(GOLDENS, `${situation.name}.txt`));
  });

  it('has a place, a cause and a remedy, and fits a screen', () => {
    expect(error.what).toBeTruthy();
    expect(Object.values(error.where).filter((value) => value !== undefined)).not.toEqual([]);
    expect(error.remedy).toBeTruthy();
    expect(`${error.message}\n${text}`).not.toMatch(/undefined|\[object|NaN/);
    const lines = text.split('\n');
    expect(lines.length).toBeLessThanOrEqual(MOST_LINES);
    expect(lines.filter((line) => line.length > MOST_COLUMNS)).toEqual([]);
  });

  it('is the same as JSON', () => {
    const { error: value } = JSON.parse(errorJson(error)) as { error: Record<string, unknown> };
    expect(value).toMatchObject({ code: error.code, message: error.what, where: error.where, remedy: error.remedy });
  });
});

it('every situation has a name of its own, and every golden file a situation', () => {
  const names = SITUATIONS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(readdirSync(GOLDENS).sort()).toEqual(names.map((name) => `${name}.txt`).sort());
});
