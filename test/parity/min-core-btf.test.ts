// `gen min-core-btf` beside bpftool: the same size, and relocating against it comes to the same as against the whole.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Btf, parseBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { openObject } from '../../src/object/index.js';
import { type Fixup, minCoreBtf, relocate } from '../../src/relocate/index.js';
import { readBtf } from '../../src/syscall/index.js';
import { compile, describeWithLibbpf, folder } from './libbpf.js';

const VMLINUX = '/sys/kernel/btf/vmlinux';
const SOURCES = ['bitfields', 'candidates', 'enums', 'fields', 'missing', 'types'];
const hasBpftool = spawnSync('bpftool', ['version']).status === 0;
if (!hasBpftool) console.warn('min-core-btf is not compared: no bpftool (apt-get install bpftool)');

/** What each relocation comes to; ids of types differ, of course. */
const outcomes = (path: string, kernel: Btf): { readonly fixups: readonly Fixup[]; readonly text: readonly string[] } => {
  const object = openObject(parseElf(region(readFileSync(path), { file: path })));
  const programs = object.programs.map((program) => ({ ...program, autoload: true }));
  const { fixups } = relocate({ ...object, programs }, { kernel });
  const text = fixups.map(({ program, insn, kind, after, access }) =>
    [program, insn, kind, kind === 'target_type_id' ? 'some id' : after, access?.to].join(' '),
  );
  return { fixups, text };
};

describeWithLibbpf('the types that objects need', () => {
  const at = folder();
  afterAll(() => rmSync(at, { recursive: true }));

  describe.skipIf(!hasBpftool)('against bpftool', () => {
    it.each(SOURCES)('%s', (source) => {
      const object = compile(at, `${source}.bpf.c`, 'clang-19', 'v3');
      const kernel = readBtf(VMLINUX);
      const whole = outcomes(object, kernel);
      const bytes = minCoreBtf(kernel, whole.fixups);
      expect(outcomes(object, parseBtf(bytes)).text).toEqual(whole.text);
      const theirs = join(at, `${source}.btf`);
      execFileSync('bpftool', ['gen', 'min_core_btf', VMLINUX, theirs, object]);
      expect(bytes.length).toBe(statSync(theirs).size);
    });
  });
});
