// Code of loaded programs, as `prog dump` shows it.

import { parseBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { controlFlow, disassembleAll, reach } from '../../src/insn/index.js';
import {
  arm64Syntax,
  calledAddresses,
  type JitedCode,
  jitedJson,
  jitedText,
  type LoadedCode,
  type MachineDisassembler,
  writeJson,
  x86Syntax,
  xlatedGraph,
  xlatedJson,
  xlatedRows,
  xlatedText,
} from '../../src/live/index.js';
import { mutatedBtf } from '../mutate.js';
import type { Random } from '../random.js';
import type { ProgSample } from '../samples.js';
import { someBtf } from './btf.js';
import { mutatedBytes, randomBytes } from './bytes.js';
import { mustParse, type Reader } from './reader.js';
import { inventedBtf } from './types.js';

const OPCODES = [0x18, 0x85, 0x95, 0x05, 0x06, 0x15, 0x55, 0x1d, 0x61, 0x7b, 0xb7, 0xbf, 0x07, 0x0d, 0xe5, 0xdb, 0xc3] as const;

/** Instructions whose jumps and calls most often stay inside. */
function inventedInsns(random: Random): Uint8Array<ArrayBuffer> {
  const count = 1 + random.below(random.pick([10, 100, random.chance(0.02) ? 20_000 : 30]));
  const bytes = new Uint8Array(8 * count);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const to = random.chance(0.97) ? random.below(count) - i - 1 : random.next() | 0;
    view.setUint8(8 * i, i === count - 1 && random.chance(0.9) ? 0x95 : random.pick(OPCODES));
    view.setUint8(8 * i + 1, random.pick([0x10, 0x00, 0x01, 0x21, 0x40, random.below(256)]));
    view.setInt16(8 * i + 2, to, true);
    view.setInt32(8 * i + 4, random.chance(0.6) ? to : random.next() | 0, true);
  }
  return bytes;
}

/** Numbers of records: mostly in their order, as a kernel demands it, and some anywhere. */
const places = (random: Random, count: number, most: number): number[] =>
  Array.from({ length: count }, () => (random.chance(0.97) ? random.below(most + 1) : random.next())).sort(
    random.chance(0.9) ? (a, b) => a - b : () => 0,
  );

function lines(random: Random, insns: number): LoadedCode['lineInfo'] {
  return places(random, random.below(random.chance(0.01) ? 20_000 : 30), insns).map((insn) => ({
    insn,
    fileName: random.pick([0, 1, 5, random.below(200), random.next()]),
    text: random.pick([0, 1, 5, random.below(200), random.chance(0.02) ? random.next() : 9]),
    line: random.below(1 << 22),
    column: random.below(1 << 10),
  }));
}

const address = (random: Random): bigint => BigInt(random.pick([0, 1, 0x1000, random.next()])) + 0xffffffffc0000000n;

/** Some hex digits, as an opcode table's row. */
const OPERANDS = [
  '',
  '%rax',
  '$0x7f, 0x10(%rax, %rbx, 4)',
  '0xffff',
  '$-1, %eax',
  'w0, #0x10',
  'x0, [x1, #-08]',
  '#',
  '0',
  '$1, %al',
  '()',
];

/** In place of Capstone, which need not be there: any sizes, and operands of both processors. */
function disassembler(random: Random): MachineDisassembler {
  const syntax = random.pick([x86Syntax, arm64Syntax]);
  const sizes = Array.from({ length: 16 }, () => 1 + random.below(8));
  const picked = Array.from(
    { length: 16 },
    () => [random.pick(['movq', '.byte', 'lock addq', 'b', 'and', 'shll', 'x']), random.pick(OPERANDS)] as const,
  );
  return (code) => {
    const insns = [];
    for (let at = 0, i = 0; at < code.length; i++) {
      const size = sizes[i % 16] as number;
      const [operation, operands] = picked[i % 16] as readonly [string, string];
      insns.push({ size, operation, operands: syntax(operation, operands, code.subarray(at, at + size)) });
      at += size;
    }
    return insns;
  };
}

interface Seeds {
  readonly insns: readonly Uint8Array[];
  readonly btfs: readonly Uint8Array[];
  readonly progs: readonly ProgSample[];
}

const options = (random: Random) => ({ opcodes: random.chance(0.5), linum: random.chance(0.5) });
const whole = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length - (bytes.length % 8));

export const codeReaders = ({ insns: own, btfs, progs }: Seeds): Reader[] => [
  {
    name: 'prog dump xlated',
    draw: (random, notes) => {
      const sample = progs.length > 0 && random.chance(0.4) ? random.pick(progs) : undefined;
      const from = sample?.xlated.insns ?? (own.length > 0 && random.chance(0.5) ? random.pick(own) : inventedInsns(random));
      const insns = whole(random.chance(0.8) ? mutatedBytes(from, random, notes) : from);
      const types = sample?.btf
        ? random.chance(0.3)
          ? mutatedBtf(sample.btf, random, notes)
          : sample.btf
        : someBtf(random, notes, btfs);
      const count = insns.length / 8;
      const funcs = places(random, random.below(5), count).map((insn) => ({ insn, type: random.below(60) }));
      const code: Omit<LoadedCode, 'btf'> = {
        insns,
        funcInfo: sample && random.chance(0.6) ? sample.xlated.funcInfo : funcs,
        lineInfo: sample && random.chance(0.6) ? sample.xlated.lineInfo : lines(random, count),
        ksyms: Array.from({ length: random.below(4) }, () => address(random)),
        callBase: random.chance(0.5) ? address(random) : undefined,
        symbols: sample?.xlated.symbols ?? new Map([[0xffffffffc0001000n, 'known']]),
      };
      const chosen = options(random);
      return {
        input: insns,
        run: (stages) => {
          const btf = stages.run('parseBtf', () => parseBtf(region(types)));
          const loaded = { ...code, btf };
          stages.run('calledAddresses', () => calledAddresses(loaded));
          const rows = stages.run('xlatedRows', () => xlatedRows(loaded)) ?? [];
          stages.run('xlatedText', () => xlatedText(rows, chosen));
          mustParse(stages.run('xlatedJson', () => writeJson(xlatedJson(rows, chosen), { pretty: chosen.linum })) ?? '0');
          stages.run('xlatedGraph', () => xlatedGraph(loaded, chosen));
          for (const callIn of ['imm', 'off'] as const) stages.run('controlFlow', () => controlFlow(insns, { callIn }));
          stages.run('reach', () => reach(insns));
          stages.run('disassembleAll', () => disassembleAll(insns));
        },
      };
    },
  },
  {
    name: 'prog dump jited',
    draw: (random, notes) => {
      const jits = progs.flatMap(({ jited, btf }) => (jited ? [{ jited, btf }] : []));
      const sample = jits.length > 0 && random.chance(0.5) ? random.pick(jits) : undefined;
      const code =
        sample && random.chance(0.8) ? mutatedBytes(sample.jited.code, random, notes) : randomBytes(random.below(300), random);
      const types = sample?.btf ?? inventedBtf(random, notes);
      const start = address(random);
      const made: Omit<JitedCode, 'btf'> = {
        code,
        lengths: sample && random.chance(0.5) ? sample.jited.lengths : places(random, random.below(5), code.length),
        ksyms: sample && random.chance(0.5) ? sample.jited.ksyms : Array.from({ length: random.below(4) }, () => start),
        funcInfo: Array.from({ length: random.below(4) }, () => ({ type: random.below(60) })),
        lineInfo: sample && random.chance(0.5) ? sample.jited.lineInfo : lines(random, 30),
        lineAddresses:
          sample && random.chance(0.5)
            ? sample.jited.lineAddresses
            : places(random, random.below(30), code.length).map((at) => start + BigInt(at)),
        symbols: new Map([[start, 'known']]),
      };
      const chosen = options(random);
      const machine = random.chance(0.5) ? disassembler(random) : undefined;
      return {
        input: code,
        run: (stages) => {
          const jited = { ...made, btf: stages.run('parseBtf', () => parseBtf(region(types))) };
          stages.run('jitedText', () => jitedText(jited, chosen, machine));
          mustParse(stages.run('jitedJson', () => writeJson(jitedJson(jited, chosen, machine))) ?? '0');
        },
      };
    },
  },
];
