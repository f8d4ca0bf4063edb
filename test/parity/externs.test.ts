// Externs beside libbpf: the types of an object as they are rewritten for the kernel, the values of .kconfig, and weak functions.

import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from '../../src/api/open.js';
import { parseBtf } from '../../src/btf/index.js';
import { fromHex, hex } from '../../src/bytes/index.js';
import { kconfigImage, wanted } from '../../src/plan/index.js';
import { readFacts } from '../../src/syscall/index.js';
import { type Answer, askTsbpf, buildHarness, compile, describeWithLibbpf, folder, readable } from './libbpf.js';

interface Data {
  readonly error: number;
  readonly minor: number;
  readonly btf: string;
  readonly kconfig: string;
  readonly kconfigFlags: number;
}

/** From this minor version on libbpf poisons calls, and knows flavors of functions. */
const WITH_POISON = 5;

describeWithLibbpf('externs as libbpf has them', () => {
  let at = '';
  let harness = '';
  let weak = '';
  beforeAll(() => {
    at = folder();
    harness = buildHarness(at);
    weak = join(at, 'externs-weak.bpf.o');
    const flags = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror'];
    execFileSync('clang-19', [...flags, '-c', join(import.meta.dirname, 'externs-weak.bpf.c'), '-o', weak]);
  });
  afterAll(() => rmSync(at, { recursive: true, force: true }));

  const ask = (object: string): Answer & Data => {
    const { stdout } = spawnSync(harness, {
      input: `${object}\n`,
      encoding: 'utf8',
      env: { ...process.env, TSBPF_PARITY_DATA: '1' },
    });
    return JSON.parse(stdout) as Answer & Data;
  };
  const sameData = (path: string): void => {
    const expected = ask(path);
    expect(expected.error, path).toBe(0);
    const { object } = open(path);
    const theirs = parseBtf(fromHex(expected.btf));
    const ours = object.btf;
    expect(ours?.length).toBe(theirs.length);
    for (let id = 1; id < theirs.length; id++) expect(ours?.type(id)).toEqual(theirs.type(id));
    expect(hex(ours?.toBytes() ?? new Uint8Array())).toBe(expected.btf);
    const facts = readFacts(wanted(object));
    expect(hex(kconfigImage(object, facts))).toBe(expected.kconfig);
    expect(object.maps.find(({ data }) => data?.section === '.kconfig')?.flags).toBe(expected.kconfigFlags);
  };

  it.each(['clang-19', 'clang-14'])('types, values and flags of what %s compiles', (compiler) => {
    if (compiler === 'clang-19' || spawnSync(compiler, ['--version']).status === 0)
      sameData(compile(at, 'externs.bpf.c', compiler, 'v3'));
  });

  it('types and values of weak functions', () => sameData(weak));

  it('calls of weak functions that are not there', ({ skip }) => {
    const answer = ask(weak);
    if (answer.minor < WITH_POISON) skip(`libbpf 1.${answer.minor} does not poison calls; TSBPF_LIBBPF_A names another`);
    expect(readable(askTsbpf({ object: weak }))).toEqual(readable(answer));
    expect(JSON.stringify(readable(answer))).toContain('call');
  });
});
