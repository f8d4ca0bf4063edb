// Instructions as people read them: the lines of C that they came from, what they refer to by name, and where jumps go.

import type { SourceLine } from '../errors.js';
import { disassembleAll, type Insn } from '../insn/index.js';
import { BPF_JA, BPF_JMP, BPF_JMP32, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, CALL, LD_IMM64 } from '../uapi/insn.js';

export interface ListingParts {
  /** The line of C that a slot came from. */
  readonly source?: (slot: number) => SourceLine | undefined;
  /** Whatever is known of a slot. */
  readonly notes?: (slot: number) => readonly string[];
  /** The function that starts at a slot. */
  readonly functionAt?: (slot: number) => string | undefined;
}

const TEXT_WIDTH = 40;

/** A line for each instruction; slots count from the start of `insns`. */
export function listing(insns: Uint8Array, { source, notes, functionAt }: ListingParts = {}): string {
  const rows = disassembleAll(insns);
  const targets = new Set(rows.flatMap(({ index, insn }) => jumpTarget(index, insn) ?? []));
  let line: string | undefined;
  const lines = rows.flatMap(({ index, insn, text }) => {
    const name = functionAt?.(index);
    const found = source?.(index);
    const shown = found && found.text.trim() !== '' ? `; ${found.text.trim()} @ ${found.file}:${found.line}` : undefined;
    const head = shown === line ? [] : shown ? [shown] : [];
    line = shown ?? line;
    const known = [jumpNote(index, insn), callNote(index, insn, functionAt), ...(notes?.(index) ?? [])].filter(Boolean);
    const body = `${targets.has(index) ? '>' : ' '}${String(index).padStart(5)}: ${text}`;
    return [...(name ? [`${name}:`] : []), ...head, known.length > 0 ? `${body.padEnd(TEXT_WIDTH)} ; ${known.join('; ')}` : body];
  });
  return lines.map((each) => `${each}\n`).join('');
}

const CLASS = 0x07;
const OPERATION = 0xf0;
const CALLS_AND_EXIT: ReadonlySet<number> = new Set([0x80, 0x90]);

/** Where a jump goes; undefined for what is none. */
function jumpTarget(index: number, { code, off, imm }: Insn): number | undefined {
  const kind = code & CLASS;
  if ((kind !== BPF_JMP && kind !== BPF_JMP32) || CALLS_AND_EXIT.has(code & OPERATION)) return undefined;
  return index + 1 + (kind === BPF_JMP32 && (code & OPERATION) === BPF_JA ? imm : off);
}

function jumpNote(index: number, insn: Insn): string | undefined {
  const target = jumpTarget(index, insn);
  return target === undefined ? undefined : `to ${target}`;
}

function callNote(index: number, { code, src, imm }: Insn, functionAt: ListingParts['functionAt']): string | undefined {
  const isCall = (code === CALL && src === BPF_PSEUDO_CALL) || (code === LD_IMM64 && src === BPF_PSEUDO_FUNC);
  return isCall ? functionAt?.(index + imm + 1) : undefined;
}
