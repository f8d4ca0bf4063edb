// What every group asks: which kernel this is, where the objects are, and that nothing is left behind.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { type LoadedObject, type LoadOptions, type OpenObject, open, type Untyped } from '../../../src/api/index.js';
import { BpfError } from '../../../src/errors.js';
import type { StepEvent } from '../../../src/load/index.js';
import { kernelVersion } from '../../../src/syscall/index.js';
import { holdings } from '../../support/programs.js';

const encoded = (version: string): number => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return (major << 16) | (minor << 8);
};
/** Whether this kernel is at least so new: `since('6.1')`. */
export const since = (version: string): boolean => kernelVersion() >= encoded(version);

export const objectPath = (name: string): string => `${process.env.TSBPF_OBJECTS}/${name}.bpf.o`;
export const openNamed = <T extends object = Untyped>(name: string): OpenObject<T & Untyped> =>
  open<T & Untyped>(objectPath(name));

/** Switches on only these programs. */
export function only(object: OpenObject, ...names: string[]): OpenObject {
  for (const { name, isSubprogram } of object.object.programs)
    if (!isSubprogram) object.program(name).autoload = names.includes(name);
  return object;
}

/** A load with all that was done. */
export function watched(object: OpenObject, options: LoadOptions = {}): { loaded: LoadedObject; events: StepEvent[] } {
  const events: StepEvent[] = [];
  return { loaded: object.load({ ...options, observe: (event) => events.push(event) }), events };
}

const wanted = new RegExp(process.env.TSBPF_ONLY ?? '');
let current = '';

/** Tests that belong together: a row of the table. */
export function group(name: string, tests: () => void): void {
  describe(name, () => {
    current = name;
    tests();
  });
}

/** A test after which this process holds what it held before. With `skip` it is not run, for that reason. */
export function clean(name: string, body: () => void | Promise<void>, skip?: string | false): void {
  if (!wanted.test(`${current}: ${name}`)) return;
  test(name, { skip: skip ?? false }, async () => {
    const before = holdings().fds.filter((fd) => /bpf|btf|perf/.test(fd));
    await body();
    assert.deepEqual(
      holdings().fds.filter((fd) => /bpf|btf|perf/.test(fd)),
      before,
    );
  });
}

/** The error that something throws, of a class, with something to do about it. */
export function refused<E extends BpfError>(kind: abstract new (...args: never[]) => E, body: () => unknown): E {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof kind, `another error: ${(error as Error).stack}`);
    assert.ok(error instanceof BpfError && error.remedy, `no remedy: ${(error as Error).message}`);
    return error;
  }
  return assert.fail('it was taken');
}

export const command = (program: string, ...args: string[]): void => {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr}`);
};
