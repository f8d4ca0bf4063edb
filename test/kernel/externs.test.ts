// Externs on the running kernel: what a program sees of its configuration, symbols, variables and functions.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from '../../src/api/index.js';
import { RelocationError, VerifierError } from '../../src/errors.js';
import { kernelConfig, kernelVersion, readKallsyms } from '../../src/syscall/index.js';
import { describeWithKernel, holdings, runSyscallProgram } from '../support/kernel.js';

/** Externs of the configuration need one; the program is compiled here because nothing else uses it. */
function missing(): string | undefined {
  if (spawnSync('clang-19', ['--version']).status !== 0) return 'no clang-19 (apt-get install clang-19)';
  try {
    kernelConfig();
    readFileSync('/sys/kernel/btf/vmlinux');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const reason = missing();
if (reason !== undefined) console.warn(`tests of externs are skipped: ${reason}`);

describeWithKernel('externs', () => {
  let folder = '';
  let path = '';
  beforeAll(() => {
    if (reason !== undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'tsbpf-externs-'));
    path = join(folder, 'externs.bpf.o');
    const source = join(import.meta.dirname, 'externs.bpf.c');
    execFileSync('clang-19', ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror', '-c', source, '-o', path]);
  });
  afterAll(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const setting = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, 'm').exec(kernelConfig().text)?.[1];

  it.skipIf(reason)('are what the kernel has', () => {
    const before = holdings();
    const notes: string[] = [];
    {
      using loaded = open(path).load({ note: (text) => notes.push(text) });
      expect(runSyscallProgram(loaded.fd('program', 'look'), new Uint8Array(8))).toBe(7);
      const { bss } = loaded;
      const [text] = readKallsyms(['_text']).get('_text') ?? [];
      expect({ ...bss }).toEqual({
        version: kernelVersion(),
        hz: Number(setting('CONFIG_HZ')),
        is_this: 1,
        cookie: 1,
        wrapper: 1,
        bpf_syscall: 1,
        bpf: 1,
        net: 'y'.charCodeAt(0),
        weak_virtual: 0,
        weak_config: 0,
        has_symbol: 0,
        has_variable: 0,
        has_function: 0,
        text,
        compiler: setting('CONFIG_CC_VERSION_TEXT')?.slice(1, 8),
      });
      expect(loaded.section('.kconfig').CONFIG_HZ).toBe(bss.hz);
      expect(() => {
        loaded.section('.kconfig').CONFIG_HZ = 1;
      }).toThrow('Cannot set "CONFIG_HZ"');
    }
    expect(notes.join('\n')).toMatch(/kernel configuration: \/.*\nkernel symbols: /);
    expect(holdings()).toEqual(before);
  });

  it.skipIf(reason)('cannot be set from outside', () => {
    using object = open(path);
    expect(() => {
      object.section('.kconfig').CONFIG_HZ = 1;
    }).toThrow('Cannot set "CONFIG_HZ": externs get their values from the kernel\'s configuration');
  });

  it.skipIf(reason)('a function that is not there may be called where that cannot be reached; else the error names it', () => {
    const text = open(path).object;
    const careless = {
      ...text,
      programs: text.programs.map((program) => ({ ...program, autoload: program.name === 'careless' })),
    };
    const object = open(path);
    Object.assign(object, { object: careless });
    let error: unknown;
    try {
      object.load().close();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(VerifierError);
    expect((error as VerifierError).message).toContain(
      'Program careless calls no_such_function, which this kernel does not have',
    );
    expect((error as VerifierError).where).toMatchObject({ program: 'careless', insn: 1 });
  });

  it.skipIf(reason)('a strong one that is not there is refused before anything is made', () => {
    const before = holdings();
    const object = open(path);
    Object.assign(object, {
      object: { ...object.object, externs: object.object.externs.map((extern) => ({ ...extern, weak: false })) },
    });
    expect(() => object.load()).toThrow(RelocationError);
    expect(holdings()).toEqual(before);
  });

  it.skipIf(reason)('the configuration is that of /proc/config.gz, where there is none in /boot', () => {
    const { file, text } = kernelConfig();
    const bytes = readFileSync(file);
    expect(text).toBe((bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString());
  });
});
