// `tsbpf inspect --relocated`: the contract of its JSON, its text, and that it asks no kernel anything when it is given types.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseElf } from '../../src/elf/index.js';
import { openObject } from '../../src/object/index.js';
import { tsbpf } from '../support/cli.js';

const bootstrap = join(import.meta.dirname, '../../fixtures/bootstrap.bpf.o');

/** The object's own types in a file, in place of a kernel's. */
function ownTypes(): string {
  const { btf } = openObject(parseElf(readFileSync(bootstrap)));
  const file = join(mkdtempSync(join(tmpdir(), 'tsbpf-inspect-')), 'own.btf');
  writeFileSync(file, btf?.toBytes() ?? '');
  return file;
}

describe('inspect --relocated', () => {
  const btf = ownTypes();

  test('--json has programs, maps, externs and relocations with the promised keys', () => {
    const { status, stdout, stderr } = tsbpf(['inspect', bootstrap, '--relocated', '--json', '--btf', btf]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { programs, maps, externs, relocations } = JSON.parse(stdout) as Record<string, Record<string, unknown>[]>;
    expect(programs?.map(({ name }) => name)).toEqual(['handle_exec', 'handle_exit']);
    expect(programs?.[0]).toEqual({
      name: 'handle_exec',
      section: 'tp/sched/sched_process_exec',
      type: 'tracepoint',
      expected_attach_type: null,
      attach_btf_id: 0,
      flags: 0,
      insns: expect.stringMatching(/^([0-9a-f]{16})+$/),
      refs: expect.arrayContaining([{ insn: expect.any(Number), kind: 'map', name: 'rb', offset: 0 }]),
    });
    expect(maps?.find(({ name }) => name === 'rb')).toEqual({
      name: 'rb',
      type: 'ringbuf',
      key_size: 0,
      value_size: 0,
      max_entries: 262144,
      map_flags: 0,
      map_extra: 0,
      numa_node: 0,
      pinning: 'none',
      inner: null,
      data_sha256: null,
    });
    expect(maps?.find(({ name }) => name === 'bootstra.rodata')?.data_sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(externs).toEqual([]);
    // Against its own types nothing moves.
    for (const relocation of relocations ?? [])
      expect(relocation).toMatchObject({ verdict: 'resolved', after: relocation.before });
    expect(relocations?.[0]).toMatchObject({
      program: 'handle_exec',
      kind: 'byte_off',
      local: 'struct task_struct.real_parent (0:2 @ offset 8)',
      source: { file: './bpf/bootstrap.bpf.c', line: expect.any(Number), text: expect.any(String) },
    });
  });

  test('--full adds what is handed to the kernel besides', () => {
    const { stdout } = tsbpf(['inspect', bootstrap, '--relocated', '--json', '--full', '--btf', btf]);
    const {
      programs,
      btf: types,
      map_operations,
    } = JSON.parse(stdout) as { programs: unknown[]; btf: unknown; map_operations: unknown[] };
    expect(programs[0]).toMatchObject({
      license: 'Dual BSD/GPL',
      func_info: expect.stringMatching(/^00000000/),
      line_info_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(types).toMatchObject({ size: expect.any(Number), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(map_operations).toContainEqual({ operation: 'freeze', map: 'bootstra.rodata' });
  });

  test('as text: instructions with what they refer to, and each relocation', () => {
    const { status, stdout } = tsbpf(['inspect', bootstrap, '--relocated', '--btf', btf]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^handle_exit: section tp\/sched\/sched_process_exit, \d+ instructions$/m);
    expect(stdout).toMatch(/r1 = map\[fd:0\] +; map rb$/m);
    expect(stdout).toMatch(/; <byte_off> struct task_struct\.real_parent \(0:2 @ offset 8\): 8 -> 8 from /);
  });

  test('asks the kernel for no BPF, loads no koffi, and needs no rights', () => {
    if (spawnSync('strace', ['-V']).status !== 0) {
      console.warn('not traced: there is no strace');
      return;
    }
    const log = join(tmpdir(), `tsbpf-strace-${process.pid}`);
    const as = ['strace', '-f', '-o', log, '-e', 'trace=bpf,perf_event_open,openat'];
    expect(tsbpf(['inspect', bootstrap, '--relocated', '--json', '--btf', btf], { as }).status).toBe(0);
    const calls = readFileSync(log, 'utf8');
    expect(calls).not.toMatch(/ (bpf|perf_event_open)\(/);
    expect(calls).not.toContain('koffi');
    expect(calls).not.toContain('/sys/kernel');
  });

  test('an object that is none: the error as JSON, exit 1', () => {
    const { status, stdout } = tsbpf(['inspect', import.meta.filename, '--relocated', '--json']);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'ERR_TSBPF_FORMAT',
        message: expect.stringContaining('Not an ELF file'),
        where: { file: import.meta.filename },
      },
    });
  });
});
