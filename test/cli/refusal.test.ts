// A program that the kernel refuses, from the command line: one screen, the whole log on request, and all of it with --json.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeBtf } from '../../src/btf/index.js';
import { FRAME_LINES } from '../../src/load/index.js';
import { tsbpf } from '../support/cli.js';
import { describeWithKernel } from '../support/kernel.js';

let folder = '';
let btf = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbpf-refusal-'));
  btf = join(folder, 'bare.btf');
  // A kernel whose task_struct has another parent.
  const types = encodeBtf([
    { kind: 'INT', name: 'int', size: 4, bits: 32, bitOffset: 0, encoding: 1 },
    { kind: 'STRUCT', name: 'task_struct', size: 4, members: [{ name: 'parent_real', type: 1, bitOffset: 0, bitfieldSize: 0 }] },
  ]);
  writeFileSync(btf, types);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWithKernel('tsbpf run, refused by the kernel', () => {
  test('prints one screen', () => {
    const { status, stdout, stderr } = tsbpf(['run', 'bootstrap', '--btf', btf]);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    const lines = stderr.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(FRAME_LINES);
    expect(lines[0]).toMatch(/^tsbpf: The kernel refuses program handle_exec of .*bootstrap\.bpf\.o/);
    expect(stderr).toMatch(/ {2}at \S*bootstrap\.bpf\.c:\d+:\d+ in handle_exec\(\)/);
    expect(stderr).toContain('struct task_struct.real_parent');
    expect(stderr).toContain('(--log prints it)');
  });

  test('--log prints the whole log after it', () => {
    const { stderr } = tsbpf(['run', 'bootstrap', '--btf', btf, '--log']);
    expect(stderr).toContain('0: R1=ctx() R10=fp0');
    expect(stderr).toMatch(/processed \d+ insns/);
  });

  test('--json has the instruction, the line, the states and the explanation', () => {
    const { stdout } = tsbpf(['run', 'bootstrap', '--btf', btf, '--json']);
    const { error } = JSON.parse(stdout) as { error: Record<string, unknown> };
    expect(error).toMatchObject({
      code: 'ERR_TSBPF_VERIFIER',
      insn: expect.any(Number),
      instruction: expect.stringContaining('call unknown#'),
      source: { line: expect.any(Number), function: 'handle_exec' },
      states: expect.any(Array),
      explanation: { failed: { component: 'real_parent' }, guarded: false },
      log: expect.stringContaining('processed'),
    });
  });
});

describe('tsbpf inspect --relocated', () => {
  const bootstrap = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');

  test('explains what the kernel has no answer for, with nothing loaded', () => {
    const { status, stdout } = tsbpf(['inspect', bootstrap, '--relocated', '--btf', btf]);
    expect(status).toBe(0);
    expect(stdout).toContain('CO-RE relocations that this kernel has no answer for:');
    expect(stdout).toMatch(
      /<byte_off> struct task_struct\.real_parent in handle_exec, instruction \d+ at \S+bootstrap\.bpf\.c:\d+/,
    );
    expect(stdout).toContain('missing: real_parent in struct task_struct');
    expect(stdout).toContain('not guarded: no constant keeps the program from it, so expect the kernel to refuse it');
  });

  test('--json has it as a value', () => {
    const { stdout } = tsbpf(['inspect', bootstrap, '--relocated', '--json', '--btf', btf]);
    const { relocations } = (JSON.parse(stdout) as { relocated: { relocations: Record<string, unknown>[] } }).relocated;
    const explained = relocations.filter(({ after }) => after === null);
    expect(explained.length).toBeGreaterThan(0);
    for (const { explanation } of explained)
      expect(explanation).toMatchObject({ guarded: false, suggestion: expect.any(String) });
  });
});
