// What this kernel lacks, said before it is asked to load anything; and that the kernel then agrees about what is guarded.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from '../../src/api/index.js';
import { type CoreExplanation, VerifierError } from '../../src/errors.js';
import { drive, execute, FRAME_LINES, verifierFrame } from '../../src/load/index.js';
import { explainRelocations, planLoad, showExplanation } from '../../src/plan/index.js';
import { relocate } from '../../src/relocate/index.js';
import { kernelVersion, realKernel } from '../../src/syscall/index.js';
import { describeWithKernel } from '../support/kernel.js';

const reason =
  spawnSync('clang-19', ['--version']).status !== 0
    ? 'no clang-19 (apt-get install clang-19)'
    : existsSync('/sys/kernel/btf/vmlinux')
      ? undefined
      : 'no /sys/kernel/btf/vmlinux';
if (reason !== undefined) console.warn(`tests of explanations are skipped: ${reason}`);

/** i_atime went in Linux 6.11, task_struct.state in 5.14: an older kernel has what the test says is missing. */
const before = (major: number, minor: number): string | undefined =>
  reason ?? (kernelVersion() < (major << 16) + (minor << 8) ? `Linux ${major}.${minor} or later` : undefined);

describeWithKernel('relocations that this kernel has no answer for', () => {
  let folder = '';
  let path = '';
  beforeAll(() => {
    if (reason !== undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'tsbpf-explain-'));
    path = join(folder, 'missing.bpf.o');
    const source = join(import.meta.dirname, 'missing.bpf.c');
    execFileSync('clang-19', ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-c', source, '-o', path]);
  });
  afterAll(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  /** What is said of one program, and what comes of loading it. */
  function tried(name: string): { found: CoreExplanation; refused: VerifierError | undefined } {
    const opened = open(path);
    const { facts } = opened.plan();
    const programs = opened.object.programs.map((fn) => ({ ...fn, autoload: fn.name === name }));
    const { object, fixups } = relocate({ ...opened.object, programs }, facts.kernelBtf && { kernel: facts.kernelBtf });
    const steps = planLoad(object, facts);
    const [found, ...others] = explainRelocations({ object, facts, fixups, steps }).values();
    if (!found) throw new Error('nothing is poisoned');
    expect(others).toEqual([]);
    try {
      drive(execute(steps, realKernel))[Symbol.dispose]();
      return { found, refused: undefined };
    } catch (error) {
      if (error instanceof VerifierError) return { found, refused: error };
      throw error;
    }
  }

  it.skipIf(before(6, 11))(
    'i_atime, which is i_atime_sec since Linux 6.11, is told with its flavor; the kernel refuses the program',
    () => {
      const { found, refused } = tried('atime');
      expect(found).toMatchObject({
        program: 'atime',
        kind: 'byte_off',
        local: 'struct inode.i_atime.tv_sec',
        failed: { component: 'i_atime', type: 'struct inode' },
        nearest: expect.arrayContaining(['i_atime_sec']),
        guarded: false,
        suggestion: expect.stringContaining('time64_t i_atime_sec;'),
        source: { file: expect.stringMatching(/missing\.bpf\.c$/), line: expect.any(Number) },
      });
      expect(refused?.insn).toBe(found.insn);
      expect(refused?.source).toMatchObject({ line: found.source?.line, function: 'atime' });
    },
  );

  it.skipIf(before(5, 14))('what bpf_core_field_exists() keeps out of reach is guarded, and loads', () => {
    const { found, refused } = tried('guarded');
    expect(found).toMatchObject({ guarded: true, guards: ['<field_exists> struct task_struct.state = 0'] });
    expect(found.nearest).toContain('__state');
    expect(refused).toBeUndefined();
    expect(showExplanation(found).join('\n')).toContain('it cannot be reached, so the program loads');
  });

  it.skipIf(reason)('so is what a constant of .rodata keeps out of reach', () => {
    const { found, refused } = tried('by_rodata');
    expect(found).toMatchObject({ guarded: true, guards: [], nearest: [] });
    expect(refused).toBeUndefined();
  });

  it.skipIf(reason)('a type that is not there is told with the nearest', () => {
    const { found, refused } = tried('type');
    expect(found).toMatchObject({ failed: { component: 'struct task_structs' }, guarded: false, candidates: [] });
    expect(found.nearest[0]).toBe('task_struct');
    expect(refused).toBeDefined();
  });

  it.skipIf(reason)('an enumerator that is not there is told with the nearest', () => {
    const { found, refused } = tried('enumerator');
    expect(found).toMatchObject({ failed: { component: 'BPF_MAP_TYPE_ARAY', type: 'enum bpf_map_type' }, guarded: false });
    expect(found.nearest[0]).toBe('BPF_MAP_TYPE_ARRAY');
    expect(refused).toBeDefined();
  });

  it.skipIf(before(6, 11))('the error of load() carries the explanation, and its frame shows it', () => {
    const opened = open(path);
    const object = { ...opened.object, programs: opened.object.programs.map((fn) => ({ ...fn, autoload: fn.name === 'atime' })) };
    let error: unknown;
    try {
      Object.assign(opened, { object }).load();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(VerifierError);
    const { explanation, reason: why } = error as VerifierError;
    expect(explanation).toMatchObject({ local: 'struct inode.i_atime.tv_sec', guarded: false });
    expect(why).toContain('CO-RE relocation <byte_off> struct inode.i_atime.tv_sec failed');
    const frame = verifierFrame(error as VerifierError);
    expect(frame).toContain('struct inode___new {');
    expect(frame).toContain('the kernel has: i_atime_sec');
    expect(frame.split('\n').length).toBeLessThanOrEqual(FRAME_LINES);
  });
});
