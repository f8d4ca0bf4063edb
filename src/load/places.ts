// From an instruction of a program that is being loaded to its line of C. The plan has all that it takes: the step's own func_info
// and line_info, and the BTF of an earlier step for their strings. So it works where the kernel's log has no source lines,
// and where the kernel was given none.

import { type Btf, type LineInfo, linesAround, parseBtf, sourceLineAt } from '../btf/index.js';
import { region } from '../bytes/index.js';
import { BpfError, type SourceLine } from '../errors.js';
import { disassemble, insnCount, readInsn } from '../insn/index.js';
import { isFdRef, isWithFds, type Step } from '../plan/index.js';

export interface Place {
  readonly insnText: string | undefined;
  readonly source: SourceLine | undefined;
  readonly context: readonly SourceLine[];
}

/** Of instruction `insn` of the program that the step with this id loads. What the plan does not have is left out. */
export function placeInPlan(plan: readonly Step[], id: string, insn: number): Place {
  const step = plan.find((candidate) => candidate.id === id);
  const attr = step?.call === 'bpf' ? step.attr : {};
  const insns =
    attr.insns !== undefined && typeof attr.insns === 'object' && isWithFds(attr.insns) ? attr.insns.bytes : undefined;
  const insnText = insns && textAt(insns, insn);
  const btf = typesOf(plan, attr.prog_btf_fd);
  if (!btf) return { insnText, source: undefined, context: [] };
  const functions = functionsOf(btf, attr.func_info);
  const fn = functions.findLast(({ start }) => start <= insn);
  const next = functions.find(({ start }) => start > insn)?.start ?? Number.POSITIVE_INFINITY;
  // Those of a neighbour in the file would only confuse.
  const lines = linesOf(attr.line_info).filter((line) => line.insn >= (fn?.start ?? 0) && line.insn < next);
  const source = sourceLineAt(btf, lines, insn, fn?.start);
  if (!source) return { insnText, source, context: [] };
  return { insnText, source: { ...source, ...(fn && { function: fn.name }) }, context: linesAround(btf, lines, source) };
}

function textAt(insns: Uint8Array, insn: number): string | undefined {
  if (insn >= insnCount(insns)) return undefined;
  return disassemble(readInsn(insns, insn), insn + 1 < insnCount(insns) ? { next: readInsn(insns, insn + 1) } : {});
}

type Value = Extract<Step, { call: 'bpf' }>['attr'][string] | undefined;

function typesOf(plan: readonly Step[], ref: Value): Btf | undefined {
  if (typeof ref !== 'object' || !isFdRef(ref)) return undefined;
  const made = plan.find(({ id }) => id === ref.fd);
  const bytes = made?.call === 'bpf' ? made.attr.btf : undefined;
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    return parseBtf(region(bytes, {}));
  } catch (error) {
    if (error instanceof BpfError) return undefined; // the refusal is told without its source
    throw error;
  }
}

const wordsOf = (value: Value): Uint32Array =>
  value instanceof Uint8Array ? new Uint32Array(value.slice().buffer) : new Uint32Array();

/** struct bpf_func_info: insn_off, type_id. */
function functionsOf(btf: Btf, value: Value): { start: number; name: string }[] {
  const words = wordsOf(value);
  return Array.from({ length: words.length / 2 }, (_, i) => ({
    start: words[i * 2] as number,
    name: (words[i * 2 + 1] as number) < btf.length ? btf.name(words[i * 2 + 1] as number) : '',
  }));
}

/** struct bpf_line_info: insn_off, file_name_off, line_off, line_col. */
function linesOf(value: Value): LineInfo[] {
  const words = wordsOf(value);
  return Array.from({ length: words.length / 4 }, (_, i) => {
    const [insn = 0, fileName = 0, text = 0, place = 0] = words.subarray(i * 4, i * 4 + 4);
    return { insn, fileName, text, line: place >>> 10, column: place & 0x3ff };
  });
}
