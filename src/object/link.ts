// Calls: making one program out of an entry function and all that it calls. The kernel takes one array of instructions; the
// functions of .text that a program needs are appended to it, each once, in the order of the first call.

import type { FuncInfo, LineInfo } from '../btf/index.js';
import { RelocationError, UnsupportedError } from '../errors.js';
import { insnCount, patchInsn, readInsn } from '../insn/index.js';
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CALL } from '../uapi/insn.js';
import type { BpfFunction, BpfObject, Reference } from './object.js';

/** A reference that only the kernel's answers can fill in: the fd of a map, an extern. `insn` is a slot of the linked program. */
export type KernelReference = Extract<Reference, { kind: 'map' | 'map_value' | 'extern' }>;

export interface LinkedProgram {
  readonly program: BpfFunction;
  readonly insns: Uint8Array;
  readonly references: readonly KernelReference[];
  /** In slots of the linked program; empty when the object has none for the entry function. */
  readonly funcInfo: readonly FuncInfo[];
  readonly lineInfo: readonly LineInfo[];
  /** Where each function came to lie, the entry function first at 0. */
  readonly functions: readonly { readonly name: string; readonly start: number }[];
}

/** The kernel takes no more functions in one program (BPF_MAX_SUBPROGS, kernel/bpf/verifier.c), and no more instructions. */
const MOST_FUNCTIONS = 256;
const MOST_INSNS = 1_000_000;

/**
 * Of all programs of one object, each with the functions that it calls: a thousand programs that call one large function are an
 * attack on our memory. Of the kernel's own selftests the largest has 2.6 MB, its source lines counted.
 */
const MOST_LINKED_BYTES = 16 * 1024 * 1024;
/** A function, a source line: what is kept of one takes so many bytes of memory, counted as instructions are. */
const RECORD_BYTES = 64;
/** What is kept of a program that cannot be linked: the stack of its error has all that was linked of it. */
const FAILED_BYTES = 64 * 1024;

/** Links the programs of one object, one after the other, until they are too large together. */
export class ProgramLinker {
  #bytes = 0;

  /** @throws {UnsupportedError} for the program with which they are too large, and all after it; see also `linkProgram`. */
  link(object: BpfObject, program: BpfFunction): LinkedProgram {
    if (this.#bytes <= MOST_LINKED_BYTES) {
      this.#bytes += FAILED_BYTES;
      const linked = linkProgram(object, program);
      this.#bytes -= FAILED_BYTES;
      this.#bytes += linked.insns.length + RECORD_BYTES * (linked.funcInfo.length + linked.lineInfo.length);
      if (this.#bytes <= MOST_LINKED_BYTES) return linked;
    }
    throw new UnsupportedError(`The programs, each with the functions that it calls, take more than ${MOST_LINKED_BYTES} bytes`, {
      where: { ...object.where, program: program.name },
      remedy: 'Load fewer programs of this object: switch some off with autoload.',
    });
  }
}

/**
 * Links one entry program. The object's functions are not changed.
 * @throws {RelocationError} for a call whose target is no function of .text, or a program larger than any
 *         kernel takes.
 * @see libbpf bpf_object__reloc_code, src/libbpf.c
 */
export function linkProgram(object: BpfObject, program: BpfFunction): LinkedProgram {
  const text = object.programs.filter((candidate) => candidate.isSubprogram);
  const starting = new Map([...text].reverse().map((candidate) => [candidate.start, candidate]));
  const placed = new Map<BpfFunction, number>();
  const parts: Uint8Array[] = [];
  const references: KernelReference[] = [];
  let end = 0;

  const place = (fn: BpfFunction): number => {
    const start = end;
    if (placed.size >= MOST_FUNCTIONS)
      throw refuse(
        object,
        program,
        0,
        `it calls more than ${MOST_FUNCTIONS} functions`,
        'Make some of them inline: the kernel takes no more in one program.',
      );
    if (start + insnCount(fn.insns) > MOST_INSNS)
      throw refuse(
        object,
        program,
        0,
        `it has more than ${MOST_INSNS} instructions`,
        'Split it up with tail calls: no kernel takes more.',
      );
    const insns = fn.insns.slice();
    placed.set(fn, start);
    parts.push(insns);
    end += insnCount(insns);
    const refs = new Map(fn.references.map((reference) => [reference.insn, reference]));
    for (let i = 0; i < insnCount(insns); i++) {
      const reference = refs.get(i);
      if (reference?.kind === 'map' || reference?.kind === 'map_value' || reference?.kind === 'extern')
        references.push({ ...reference, insn: start + i });
      const target = callTarget(fn, insns, i, reference);
      if (target === undefined) continue;
      const callee =
        starting.get(target) ??
        text.find((candidate) => target >= candidate.start && target < candidate.start + insnCount(candidate.insns));
      if (!callee)
        throw refuse(
          object,
          fn,
          i,
          `it calls instruction ${target} of .text, where no function is`,
          'Was the symbol of a function stripped? Use llvm-strip -g, which keeps what a loader needs.',
        );
      const at = placed.get(callee) ?? place(callee);
      patchInsn(insns, i, { imm: at - (start + i) - 1, ...(reference?.kind === 'subprog_addr' && { src: BPF_PSEUDO_FUNC }) });
    }
    return start;
  };
  place(program);
  const callback = text.find(({ name }) => name === program.exceptionCallback);
  if (callback && !placed.has(callback)) place(callback);

  const funcInfo = [...placed].flatMap(([fn, start]) => moved(object.ext.funcInfo.get(fn.section), fn, start));
  const lineInfo = [...placed].flatMap(([fn, start]) => moved(object.ext.lineInfo.get(fn.section), fn, start));
  return {
    program,
    insns: concat(parts),
    references,
    funcInfo: funcInfo[0]?.insn === 0 ? funcInfo : [],
    lineInfo: lineInfo[0]?.insn === 0 ? lineInfo : [],
    functions: [...placed].map(([{ name }, start]) => ({ name, start })),
  };
}

/** The slot of .text that this instruction calls or takes the address of. */
function callTarget(fn: BpfFunction, insns: Uint8Array, i: number, reference: Reference | undefined): number | undefined {
  if (reference?.kind === 'call' || reference?.kind === 'subprog_addr') return reference.target;
  const { code, src, dst, off, imm } = readInsn(insns, i);
  if (reference || code !== CALL || src !== BPF_PSEUDO_CALL || dst !== 0 || off !== 0) return undefined;
  return fn.start + i + imm + 1; // a static function of the same section, which needs no relocation
}

/** The records of one function, from slots of its section to slots of the linked program. */
function moved<T extends { readonly insn: number }>(records: readonly T[] | undefined, fn: BpfFunction, start: number): T[] {
  const end = fn.start + insnCount(fn.insns);
  return (records ?? [])
    .filter(({ insn }) => insn >= fn.start && insn < end)
    .map((record) => ({ ...record, insn: record.insn - fn.start + start }));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const refuse = (object: BpfObject, fn: BpfFunction, insn: number, what: string, remedy: string) =>
  new RelocationError(`Cannot link ${fn.name}: ${what}`, { where: { ...object.where, program: fn.name, insn }, remedy });
