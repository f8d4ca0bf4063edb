// Instructions of loaded programs, as graphs and as machine code, next to bpftool's (TSBPF_BPFTOOL names another one, built with LLVM)
// and, for machine code, next to llvm-objdump on the same bytes.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LoadedObject, open } from '../../src/api/index.js';
import { machineDisassembler } from '../../src/cli/machine.js';
import { type JitedCode, jitedJson, jitedText, writeJson, xlatedGraph } from '../../src/live/index.js';
import { jitedCode, progInfo, xlatedCode } from '../../src/syscall/index.js';
import { compilePart, describeWithCompiler } from '../support/compile.js';
import { describeWithKernel } from '../support/kernel.js';

const BPFTOOL = process.env.TSBPF_BPFTOOL ?? 'bpftool';
const bpftool = (...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(BPFTOOL, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`bpftool ${args.join(' ')}: ${stderr}`);
  return stdout;
};
const about = spawnSync(BPFTOOL, ['version'], { encoding: 'utf8' }).stdout ?? '';
const [, major = 0, minor = 0] = (/v(\d+)\.(\d+)/.exec(about) ?? []).map(Number);
/** Graphs have lines of C and opcodes since. */
const noGraphs = major * 100 + minor >= 703 ? undefined : `no bpftool 7.3 or later: TSBPF_BPFTOOL names one`;
const noLlvm = /features:.*\bllvm\b/.test(about) ? undefined : 'no bpftool that is built with LLVM: TSBPF_BPFTOOL names one';
const noObjdump =
  spawnSync('llvm-objdump-19', ['--version']).status === 0 ? undefined : 'no llvm-objdump-19 (apt-get install llvm-19)';
for (const reason of [noGraphs, noLlvm, noObjdump])
  if (reason) console.warn(`a comparison of instructions is skipped: ${reason}`);

const INCLUDES: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const OPTIONS = [{}, { opcodes: true }, { linum: true }, { opcodes: true, linum: true }];

describeWithCompiler('instructions of compiled programs', () => {
  describeWithKernel('in the kernel', () => {
    const loaded: LoadedObject[] = [];
    const fds = new Map<string, number>();
    const id = (name: string) => String(progInfo(fds.get(name) as number).id);
    let folder: string;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'tsbpf-code-'));
      const files = [
        compilePart('test/parity/code.bpf.c', 1, `-I/usr/include/${INCLUDES[process.arch]}`),
        'fixtures/bootstrap.bpf.o',
        'fixtures/bench.bpf.o',
      ];
      for (const file of files) {
        const object = open(file).load();
        loaded.push(object);
        for (const name of PROGRAMS[loaded.length - 1] ?? []) fds.set(name, object.fd('program', name));
      }
    });
    afterAll(() => {
      for (const object of loaded) object[Symbol.dispose]();
      if (folder) rmSync(folder, { recursive: true });
    });

    const PROGRAMS = [['ways', 'numbers', 'functions', 'callbacks'], ['handle_exec', 'handle_exit'], ['produce']];
    const each = test.each(PROGRAMS.flat().flatMap((name) => OPTIONS.map((options) => [name, options] as const)));
    const words = (options: object): string[] => Object.keys(options);

    describe.skipIf(noGraphs !== undefined)(`graphs are those of bpftool ${major}.${minor}`, () => {
      each('%s, %j', (name, options) => {
        if (name === 'callbacks') return; // bpftool takes a callback for a part of the function before it
        const ours = xlatedGraph(xlatedCode(fds.get(name) as number), options);
        const theirs = bpftool('prog', 'dump', 'xlated', 'id', id(name), 'visual', ...words(options));
        expect(withoutLines(ours)).toBe(withoutLines(exitsLeave(wholeNames(theirs, ours))));
        expect(firstCluster(ours)).toBe(firstCluster(exitsLeave(wholeNames(theirs, ours))));
      });
    });

    test('a callback is a function of its own, and lines of a function are its own', () => {
      const graph = xlatedGraph(xlatedCode(fds.get('callbacks') as number), {});
      const [, main, callback] = graph.split('subgraph');
      expect(main).toContain('; int callbacks(struct __sk_buff * skb):\\l\\\n');
      expect(callback).toMatch(/^ "cluster_1" {\n\tstyle="dashed";\n\tcolor="black";\n\tlabel="func_1 \(\)";/);
      expect(callback).toContain('label="{\\\n; long called_back(__u32 i, void * context):\\l\\\n; total\\ +=\\ i;\\l\\\n0: ');
      const { stdout, stderr } = spawnSync('dot', ['-Tsvg'], { input: graph, encoding: 'utf8' });
      if (stdout) expect(stderr).toBe('');
    });

    describe.skipIf(noObjdump !== undefined)('machine code', () => {
      test.each(PROGRAMS.flat())('%s is what llvm-objdump reads in the same bytes', async (name) => {
        const code = jitedCode(fds.get(name) as number);
        const disassemble = await machineDisassembler();
        let start = 0;
        for (const [i, length] of code.lengths.entries()) {
          const bytes = code.code.subarray(start, start + length);
          start += length;
          const address = code.ksyms[i] as bigint;
          let at = address;
          const ours = disassemble(bytes, address).map(({ size, operation, operands }) => {
            at += BigInt(size);
            return [at - BigInt(size), `${operation}${operands && `\t${operands}`}`];
          });
          expect(ours).toEqual(objdump(folder, bytes, address));
        }
      });
    });

    describe.skipIf(noLlvm !== undefined)('machine code, as bpftool has it with LLVM', () => {
      test.each(PROGRAMS.flat())('%s', async (name) => {
        const options = { opcodes: true, linum: true };
        const code: JitedCode = jitedCode(fds.get(name) as number);
        const disassemble = await machineDisassembler();
        const said = ['prog', 'dump', 'jited', 'id', id(name), ...words(options)];
        expect(jitedText(code, options, disassemble)).toBe(lockedText(bpftool(...said)));
        expect(JSON.parse(writeJson(jitedJson(code, options, disassemble)))).toEqual(
          lockedJson(JSON.parse(bpftool('-j', ...said))),
        );
      });
    });
  });
});

/** bpftool leads what exits to the block behind it. */
const exitsLeave = (graph: string): string => {
  const nodes = graph.split('\n\n').filter((node) => /\(95\) exit\\l\\\n(\\ .*\n)?}"\];$/.test(node));
  const exits = new Set(nodes.map((node) => /\t(fn_\d+_bb_\d+) \[shape=record/.exec(node)?.[1]));
  return graph.replaceAll(/^\t(fn_(\d+)_bb_\d+):s -> fn_\d+_bb_\d+:n /gm, (arrow, node: string, func: string) =>
    exits.has(node) ? `\t${node}:s -> fn_${func}_bb_1:n ` : arrow,
  );
};

/** bpftool looks up lines and prototypes by places in the function as if they were places in the program. */
const withoutLines = (graph: string): string => graph.replaceAll(/^(\| )?; .*\n/gm, '').replaceAll(/^\| /gm, '');
const firstCluster = (graph: string): string => graph.slice(0, graph.indexOf('subgraph "cluster_1"'));

/** bpftool cuts an instruction after 63 characters, and its end of line with it. Long ones are calls, in which nothing is escaped. */
const wholeNames = (theirs: string, ours: string): string => {
  const texts = [...ours.matchAll(/^(?:\| )?\d+: (\([\da-f]{2}\) .*)\\l\\$/gm)].map(([, text = '']) => text);
  const long = new Set(texts.filter((text) => text.length >= 63));
  return [...long].reduce((text, whole) => text.replaceAll(whole.slice(0, 63), `${whole}\\l\\\n`), theirs);
};

/** LLVM takes a lock for an instruction of its own. */
const lockedText = (text: string): string =>
  text
    .replaceAll(/^( *[\da-f]+:\t)lock\n *[\da-f]+:\t/gm, '$1lock ')
    .replaceAll(/^( *[\da-f]+:\t)lock\n\tf0 \n *[\da-f]+:\t(.*\n\t)/gm, '$1lock $2f0 ');

interface JsonInsn {
  readonly pc: string;
  readonly operation: string;
  readonly operands: readonly string[];
  readonly opcodes?: readonly string[];
}
const lockedJson = (functions: readonly { readonly insns: readonly JsonInsn[] }[]): unknown =>
  functions.map((func) => ({
    ...func,
    insns: func.insns.flatMap((insn, i) => {
      if (insn.operation === 'lock') return [];
      const lock = func.insns[i - 1];
      if (lock?.operation !== 'lock') return [insn];
      const { opcodes = [] } = insn;
      return [
        {
          ...insn,
          ...lock,
          operation: `lock ${insn.operation}`,
          operands: insn.operands,
          ...(lock.opcodes && { opcodes: [...lock.opcodes, ...opcodes] }),
        },
      ];
    }),
  }));

const TARGETS: Readonly<Record<string, string>> = { x64: 'elf64-x86-64', arm64: 'elf64-littleaarch64' };

/** Addresses, and what is there. */
function objdump(folder: string, bytes: Uint8Array, address: bigint): unknown {
  const [binary, object] = [join(folder, 'code.bin'), join(folder, 'code.o')];
  writeFileSync(binary, bytes);
  const target = TARGETS[process.arch] as string;
  execFileSync('llvm-objcopy-19', [
    '-I',
    'binary',
    '-O',
    target,
    '--rename-section=.data=.text,alloc,code',
    '--strip-all',
    binary,
    object,
  ]);
  const flags = ['-d', '--no-show-raw-insn', '--no-print-imm-hex', `--adjust-vma=0x${address.toString(16)}`];
  if (process.arch === 'arm64') flags.push('--mattr=+all');
  const text = execFileSync('llvm-objdump-19', [...flags, object], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return [...text.replaceAll(/:\s*\tlock\n\s*[\da-f]+:\s*\t/g, ':\tlock ').matchAll(/^\s*([\da-f]+):\s*\t(.*)$/gm)].map(
    ([, at, insn = '']) => [
      BigInt(`0x${at}`),
      insn
        .replace(/ <.*>/, '')
        .replace(/\s+(#|\/\/) .*$/, '')
        .trim(),
    ],
  );
}
