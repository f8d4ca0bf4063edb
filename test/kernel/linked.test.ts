// What objects are made of besides programs and plain maps, on this kernel: maps in maps, tail calls, structures of functions,
// arenas, pins, exceptions.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { open } from '../../src/api/index.js';
import { UsageError, VerifierError } from '../../src/errors.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { describeWithKernel, holdings, runPacketProgram, runSyscallProgram } from '../support/kernel.js';

const PARTS = { values: 0, structOps: 1, arena: 2, pinned: 3, exception: 4 } as const;
const compile = (part: keyof typeof PARTS, ...options: string[]) =>
  compilePart(join(import.meta.dirname, 'linked.bpf.c'), PARTS[part], ...options);
const NO_CONTEXT = new Uint8Array(8);

describeWithCompiler('compiled for the occasion', () => {
  describeWithKernel('initial values', () => {
    test('are the maps and programs that the source names', () => {
      const before = holdings().fds;
      {
        using object = open(compile('values'));
        const loaded = object.load();
        // outer[0], outer[3] and hashed[2]; told by the program that the first one jumps to.
        expect(runPacketProgram(loaded.fd('program', 'start'))).toBe(0b0100_1001);
      }
      expect(holdings().fds).toEqual(before);
    });
  });

  describeWithKernel('struct_ops', () => {
    const available = () => readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8').trim().split(' ');

    test('are in use while they are attached, with a link and without', () => {
      const before = holdings().fds;
      {
        using object = open(compile('structOps'));
        const loaded = object.load();
        expect(available()).not.toContain('tsbpf_linked');
        using links = loaded.attach();
        expect(links.names).toEqual(['link linked']);
        expect(available()).toEqual(expect.arrayContaining(['tsbpf_linked', 'tsbpf_plain']));
        links.close();
        expect(available()).not.toContain('tsbpf_linked');
        expect(available()).not.toContain('tsbpf_plain');
        expect(() => loaded.attach()).toThrow('A structure without a link can be attached once');
      }
      expect(holdings().fds).toEqual(before);
    });

    test('with a link can be attached again', () => {
      using object = open(compile('structOps'));
      object.map('plain').autocreate = false;
      const loaded = object.load();
      for (const _ of [1, 2]) {
        using _links = loaded.attach();
        expect(available()).toContain('tsbpf_linked');
      }
      expect(available()).not.toContain('tsbpf_linked');
    });

    test('that are not created leave their programs out', () => {
      using object = open(compile('structOps'));
      object.map('plain').autocreate = false;
      expect(object.program('ssthresh').autoload).toBe(true);
      object.map('linked').autocreate = false;
      expect(object.program('ssthresh').autoload).toBe(false);
      expect(object.plan().steps.map(({ id }) => id)).toEqual(['btf']);
    });

    test('have fields that can be set before they are loaded', () => {
      using object = open(compile('structOps'));
      const linked = object.structOps('linked') as { name: string; ssthresh: string | null };
      expect(linked.name).toBe('tsbpf_linked');
      expect(linked.ssthresh).toBe('ssthresh');
      linked.name = 'tsbpf_other';
      using _links = object.load().attach();
      expect(available()).toContain('tsbpf_other');
    });
  });

  describeWithKernel('an arena', () => {
    test.each([[[]], [['-DAT=(1ull << 43)']]])('has its variables, which both sides see %s', (options) => {
      using object = open(compile('arena', ...options));
      const loaded = object.load();
      expect(runSyscallProgram(loaded.fd('program', 'bump'), NO_CONTEXT)).toBe(42);
      const { buffer, byteOffset, length } = loaded.arenaVariables();
      expect(buffer).toBe(loaded.arena());
      const memory = new DataView(buffer, byteOffset, length);
      expect(memory.getBigUint64(0, true)).toBe(42n);
      memory.setBigUint64(0, 50n, true);
      expect(runSyscallProgram(loaded.fd('program', 'bump'), NO_CONTEXT)).toBe(52);
      loaded.close();
      expect(memory.getBigUint64(0, true)).toBe(0n); // stale, and harmless
      const again = object.load();
      expect(runSyscallProgram(again.fd('program', 'bump'), NO_CONTEXT)).toBe(42);
      again.close();
      expect(runSyscallProgram(object.load().fd('program', 'bump'), NO_CONTEXT)).toBe(42);
    });
  });

  describeWithKernel('a pinned map', () => {
    const path = '/sys/fs/bpf/tsbpf_pinned';
    afterAll(() => rmSync(path, { force: true }));

    test('outlives the process that made it, and is found again', () => {
      rmSync(path, { force: true });
      for (const count of [1, 2]) {
        using object = open(compile('pinned'));
        const loaded = object.load();
        expect(runSyscallProgram(loaded.fd('program', 'count'), NO_CONTEXT)).toBe(count);
      }
      expect(existsSync(path)).toBe(true);
    });

    test('of another size is not taken', () => {
      using object = open(compile('pinned', '-DENTRIES=2'));
      expect(() => object.load()).toThrow(UsageError);
      expect(() => object.load()).toThrow(`Another map is pinned at ${path}: max_entries is 1, the object wants 2`);
    });

    test('is not left behind by a load that fails', () => {
      rmSync(path, { force: true });
      using object = open(compile('pinned', '-DREFUSED'));
      expect(() => object.load()).toThrow(VerifierError);
      expect(existsSync(path)).toBe(false);
    });
  });

  describeWithKernel('an exception', () => {
    test('is caught by the function that the program names', () => {
      using object = open(compile('exception'));
      expect(runSyscallProgram(object.load().fd('program', 'throws'), NO_CONTEXT)).toBe(42);
    });
  });
});
