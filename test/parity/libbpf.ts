// libbpf as a witness: what it would give to the kernel for an object, next to what we would.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe } from 'vitest';
import { OpenObject } from '../../src/api/open.js';
import { fromHex, hex, region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { BpfError } from '../../src/errors.js';
import { disassembleAll } from '../../src/insn/index.js';
import { openObject } from '../../src/object/index.js';
import { type Attr, isWithFds, type KernelFacts, type Step, wanted } from '../../src/plan/index.js';
import { kernelBtf, kernelConfig, kernelVersion, read, readBtf, readFacts, readKallsyms } from '../../src/syscall/index.js';

/** One program as BPF_PROG_LOAD would take it; bytes in hexadecimal, descriptors of maps as 0. */
export interface Load {
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  readonly attachBtfId: number;
  readonly flags: number;
  readonly insns: string;
  readonly funcInfo: string;
  readonly lineInfo: string;
}
/** `core` has what libbpf says of CO-RE. */
export type Answer = ({ readonly programs: readonly Load[] } | { readonly refused: string }) & {
  readonly core?: readonly string[];
};

/** An object, and the types to relocate it against if not the running kernel's. */
export interface Question {
  readonly object: string;
  readonly btf?: string;
}

const HERE = import.meta.dirname;
const FLAGS = ['-target', 'bpf', '-O2', '-g', '-Wall'];
export const COMPILERS = ['clang-19', 'clang-16', 'clang-14', 'clang-11'].filter((name) =>
  (process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, name))),
);

/** Why there can be no comparison here; undefined when there can. */
function missing(): string | undefined {
  if (process.platform !== 'linux') return 'not Linux';
  if (!COMPILERS.includes('clang-19')) return 'no clang-19 (apt-get install clang-19)';
  if (spawnSync('gcc', ['--version']).status !== 0) return 'no gcc (apt-get install gcc)';
  if (!existsSync('/usr/include/bpf/libbpf.h')) return 'no libbpf (apt-get install libbpf-dev)';
  if (!existsSync('/sys/kernel/btf/vmlinux')) return 'this kernel has no BTF';
  if (process.getuid?.() !== 0) return 'not root, which libbpf needs to make maps';
  return undefined;
}

/** `describe` for comparisons with libbpf: skipped, with the reason, where that is not possible. */
export function describeWithLibbpf(name: string, tests: () => void): void {
  const reason = missing();
  if (reason === undefined) {
    describe(name, tests);
    return;
  }
  console.warn(`tests against libbpf are skipped: ${reason}`);
  describe.skip(`${name} (${reason})`, tests);
}

/** Where compiled things go; the system clears it. */
export const folder = (): string => mkdtempSync(join(tmpdir(), 'tsbpf-parity-'));

/** Compiles a harness: what libbpf would load, or what it links. */
export function buildHarness(to: string, name: 'libbpf-insns' | 'libbpf-link' = 'libbpf-insns'): string {
  const harness = join(to, name);
  const libbpf = process.env.TSBPF_LIBBPF_A; // another libbpf than the system's
  execFileSync('gcc', [
    '-O2',
    '-Wall',
    '-Wextra',
    '-Werror',
    join(HERE, `${name}.c`),
    '-o',
    harness,
    ...(libbpf ? [libbpf, '-lelf', '-lz'] : ['-lbpf']),
    '-ldl',
  ]);
  return harness;
}

/** Compiles a program of progs/ and gives the object's path. */
export function compile(to: string, source: string, compiler: string, cpu: string): string {
  const object = join(to, `${basename(source, '.bpf.c')}.${compiler}.${cpu}.bpf.o`);
  execFileSync(compiler, [
    '-target',
    'bpf',
    `-mcpu=${cpu}`,
    '-O2',
    '-g',
    '-Wall',
    '-c',
    join(HERE, 'progs', source),
    '-o',
    object,
  ]);
  return object;
}

/** Compiles a source once for each value of PART. */
export const compileParts = (to: string, source: string, count: number): string[] =>
  Array.from({ length: count }, (_, part) => {
    const object = join(to, `${basename(source, '.bpf.c')}.${part}.bpf.o`);
    execFileSync('clang-19', [...FLAGS, '-mcpu=v4', `-DPART=${part}`, '-c', join(HERE, source), '-o', object]);
    return object;
  });

/** An answer with its instructions in words, so that a difference can be read. Why something is refused is not compared. */
export const readable = (answer: Answer): readonly object[] | 'refused' =>
  'refused' in answer
    ? 'refused'
    : answer.programs.map(({ insns, ...rest }) => ({
        ...rest,
        insns: disassembleAll(fromHex(insns)).map(({ text }) => text),
        bytes: insns,
      }));

/** Asks libbpf, all at once. */
export function askLibbpf(harness: string, questions: readonly Question[]): Answer[] {
  const input = questions.map(({ object, btf }) => `${object}${btf ? `\t${btf}` : ''}\n`).join('');
  const { stdout, stderr, status } = spawnSync(harness, { input, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (status !== 0) throw new Error(`the libbpf harness ended with ${status}: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line): Answer => {
      const { error, warning, programs, core } = JSON.parse(line) as {
        error: number;
        warning: string;
        programs: Load[];
        core: string[];
      };
      return error === 0 ? { programs, core } : { refused: `${error} ${warning}`, core };
    });
}

/** Asks ourselves. Nothing is asked of the machine but its types, so sections need no tracefs. */
export function askTsbpf({ object: path, btf }: Question): Answer {
  const facts: KernelFacts = {
    pageSize: 4096,
    possibleCpus: 1,
    kernelVersion: kernelVersion(),
    kernelBtf: kernelBtf(),
    coreBtf: btf ? readBtf(btf) : undefined,
    tracepointIds: new Map(),
    features: new Map(),
    kconfig: undefined,
    kallsyms: new Map(),
    modules: [],
    pins: new Map(),
    pinFolders: new Map(),
    programBtfs: new Map(),
  };
  try {
    const object = openObject(parseElf(region(read(path), { file: path })));
    const asked = wanted(object);
    const { steps } = new OpenObject(object, undefined).plan({
      facts: {
        ...facts,
        kconfig: asked.kconfig ? kernelConfig() : undefined,
        kallsyms: readKallsyms(asked.kallsyms),
        features: readFacts({ ...asked, tracepoints: [], pins: [] }).features,
      },
    });
    const names = object.programs.filter((program) => !program.isSubprogram).map(({ name }) => name);
    return { programs: steps.flatMap((step) => toLoad(step, names)) };
  } catch (error) {
    if (error instanceof BpfError) return { refused: error.message };
    throw error;
  }
}

function toLoad(step: Step, names: readonly string[]): Load[] {
  if (step.call !== 'bpf' || step.cmd !== 'BPF_PROG_LOAD') return [];
  const { attr } = step;
  return [
    {
      name: names.find((name) => step.id === `prog ${name}`) ?? step.id,
      type: numberOf(attr, 'prog_type'),
      attachType: numberOf(attr, 'expected_attach_type'),
      attachBtfId: numberOf(attr, 'attach_btf_id'),
      flags: numberOf(attr, 'prog_flags'),
      insns: hexOf(attr, 'insns'),
      funcInfo: hexOf(attr, 'func_info'),
      lineInfo: hexOf(attr, 'line_info'),
    },
  ];
}

const numberOf = (attr: Attr, name: string): number => Number(attr[name] ?? 0);
function hexOf(attr: Attr, name: string): string {
  const value = attr[name];
  if (value instanceof Uint8Array) return hex(value);
  return typeof value === 'object' && isWithFds(value) ? hex(value.bytes) : '';
}
