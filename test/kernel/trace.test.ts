// Programs that hook in by type, on this kernel: a tracepoint counts, an iterator is read, and a refusal is not the verifier's.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { encodeBtf } from '../../src/btf/index.js';
import { SyscallError, VerifierError } from '../../src/errors.js';
import { INT } from '../support/btf-types.js';
import { describeWithKernel, holdings } from '../support/kernel.js';
import { workload } from '../support/workload.js';

const PARTS = { tracepoint: 0, iterator: 1, patching: 2 } as const;
const whyNot =
  spawnSync('clang-19', ['--version']).status !== 0
    ? 'no clang-19 (apt-get install clang-19)'
    : existsSync('/usr/include/bpf/bpf_helpers.h')
      ? undefined
      : 'no bpf_helpers.h (apt-get install libbpf-dev)';
if (whyNot) console.warn(`tests of programs that hook in by type are skipped: ${whyNot}`);

describe.skipIf(whyNot !== undefined)(`compiled for the occasion${whyNot ? ` (${whyNot})` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsbpf-trace-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const compile = (part: keyof typeof PARTS): string => {
    const object = join(folder, `${part}.bpf.o`);
    const options = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', `-DPART=${PARTS[part]}`];
    execFileSync('clang-19', [...options, '-c', join(import.meta.dirname, 'trace.bpf.c'), '-o', object]);
    return object;
  };
  type Counters = { count: bigint; last_pid: number };

  describeWithKernel('a tp_btf program', () => {
    test('runs at its tracepoint while it is attached, beside a program that is attached by its user', async () => {
      const before = holdings().fds;
      {
        using object = open(compile('tracepoint'));
        const loaded = object.load();
        const bss = loaded.bss as Counters;
        await workload([0]);
        expect(bss.count).toBe(0n);
        using links = loaded.attach();
        expect(links.names).toEqual(['link traced']);
        const [job] = await workload([0]);
        const { count } = bss;
        expect(count).toBeGreaterThan(0n);
        expect(job?.pid).toBeGreaterThan(0);
        expect(bss.last_pid).toBeGreaterThan(0);
        links.close();
        const last = bss.count;
        await workload([0]);
        expect(bss.count).toBe(last);
      }
      expect(holdings().fds).toEqual(before);
    });

    test("takes its id from the running kernel's types when others are given for relocations", () => {
      // Types without a task_struct: the access is poisoned, but the attach target is found all the same.
      using object = open(compile('tracepoint'), { btf: encodeBtf([INT]) });
      const { facts, fixups, steps } = object.plan();
      expect(fixups.map(({ after }) => after)).toEqual(['poison']);
      const step = steps.find(({ id }) => id === 'prog traced');
      const id = step?.call === 'bpf' ? Number(step.attr.attach_btf_id) : 0;
      expect(facts.kernelBtf?.name(id)).toBe('btf_trace_sched_process_exec');
    });
  });

  describeWithKernel('an iterator', () => {
    test('lists what it is made for, each time that it is read', () => {
      const before = holdings().fds;
      {
        using object = open(compile('iterator'));
        const loaded = object.load();
        for (let times = 0; times < 2; times++) {
          const bytes = loaded.iterate('listed');
          const pids = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
          expect(pids.length).toBeGreaterThan(0);
          expect(pids).toContain(process.pid);
        }
        using links = loaded.attach();
        expect(links.names).toEqual(['link listed']);
        expect(() => loaded.iterate('lsted')).toThrow('Did you mean "listed"?');
      }
      expect(holdings().fds).toEqual(before);
    });
  });

  describeWithKernel('a program that the kernel must patch itself for', () => {
    test('loads, or is refused with the reason, which is not the verifier', () => {
      const before = holdings().fds;
      using object = open(compile('patching'));
      let error: unknown;
      try {
        using loaded = object.load();
        using _links = loaded.attach();
        expect((loaded.bss as Counters).count).toBeGreaterThanOrEqual(0n);
      } catch (caught) {
        error = caught;
      }
      object.close();
      expect(holdings().fds).toEqual(before);
      if (error === undefined) return; // this kernel takes them
      expect(error).toBeInstanceOf(SyscallError);
      expect(error).not.toBeInstanceOf(VerifierError);
      expect((error as SyscallError).errno).toBe('EPERM');
      expect((error as SyscallError).message).toContain('The kernel refused before its verifier looked at the program');
      expect((error as SyscallError).message).toContain('lockdown');
      expect((error as SyscallError).message).not.toContain('The verifier says');
    });
  });
});
