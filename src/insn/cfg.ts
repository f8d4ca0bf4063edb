// The control-flow graph of a program: its functions, their basic blocks, and where each block goes when it ends.

import { FormatError } from '../errors.js';
import { BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_X, CALL } from '../uapi/insn.js';
import { type Insn, insnCount, isLdImm64, readInsn } from './insn.js';

/** Slots that run one after the other: entered at `start` only, left at the last one only. `end` is the slot behind it. */
export interface BasicBlock {
  readonly start: number;
  readonly end: number;
  /** Where it goes, what follows it first. None behind a jump through a table, which only a run decides. */
  readonly edges: readonly CfgEdge[];
}

export interface CfgEdge {
  /**
   * `next` is the block behind this one; `jump` the target of its last instruction; `exit` leaves the function, by `exit` or at its
   * end, where a call that never returns may stand.
   */
  readonly kind: 'next' | 'jump' | 'exit';
  /** A place in `blocks`; -1 for `exit`. */
  readonly to: number;
}

/** Slots `start` to `end`, without `end`. It is entered at its first block. */
export interface CfgFunction {
  /** How many functions were met before it, in the order of the instructions that name them: 0 is where the program starts. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly blocks: readonly BasicBlock[];
}

export interface CfgOptions {
  /** The field of a call that says how far its function is: `imm` in objects, `off` in what a kernel gives back. */
  readonly callIn?: 'imm' | 'off';
}

const OUT: readonly CfgEdge[] = [{ kind: 'exit', to: -1 }];

/**
 * The functions of a linked program, by where they start. Functions are what a call or a function pointer names, and slot 0.
 * @param insns Slots in little-endian order.
 * @throws {FormatError} when a call leads out of the program, or a jump out of its function; no verifier takes such.
 */
export function controlFlow(insns: Uint8Array, { callIn = 'imm' }: CfgOptions = {}): CfgFunction[] {
  const count = Math.floor(insnCount(insns));
  const starts = functionStarts(insns, count, callIn);
  const sorted = [...starts].sort(([a], [b]) => a - b);
  return sorted.map(([start, index], i) => {
    const end = sorted[i + 1]?.[0] ?? count;
    return { index, start, end, blocks: blocksOf(insns, start, end) };
  });
}

/** Slots, with how many were met before. */
function functionStarts(insns: Uint8Array, count: number, callIn: 'imm' | 'off'): Map<number, number> {
  const starts = new Map<number, number>(count > 0 ? [[0, 0]] : []);
  for (const [slot, insn] of eachInsn(insns, 0, count)) {
    const to = slot + 1 + (insn.code === CALL ? insn[callIn] : insn.imm);
    if (!isCall(insn) && !(insn.src === BPF_PSEUDO_FUNC && isLdImm64(insns, slot))) continue;
    if (to < 0 || to >= count) throw outside(slot, to, 'the program', 0, count);
    if (!starts.has(to)) starts.set(to, starts.size);
  }
  return starts;
}

const isCall = ({ code, src }: Insn): boolean => code === CALL && src === BPF_PSEUDO_CALL;

function blocksOf(insns: Uint8Array, start: number, end: number): BasicBlock[] {
  const exits = new Map<number, Exits>();
  const heads = new Set([start]);
  for (const [slot, insn] of eachInsn(insns, start, end)) {
    const ways = exitsOf(insn, slot);
    if (!ways) continue;
    exits.set(slot, ways);
    if (ways.jump !== undefined) {
      if (ways.jump < start || ways.jump >= end) throw outside(slot, ways.jump, 'its function', start, end);
      heads.add(ways.jump);
    }
    if (slot + 1 < end) heads.add(slot + 1);
  }
  const sorted = [...heads].sort((a, b) => a - b);
  const places = new Map(sorted.map((head, i) => [head, i]));
  return sorted.map((head, i) => {
    const next = sorted[i + 1];
    const ways = exits.get((next ?? end) - 1) ?? { falls: true };
    const edges: CfgEdge[] = [];
    if (ways.falls && next !== undefined) edges.push({ kind: 'next', to: i + 1 });
    if (ways.jump !== undefined) edges.push({ kind: 'jump', to: places.get(ways.jump) as number });
    return {
      start: head,
      end: next ?? end,
      edges: ways.leaves || (ways.falls && next === undefined) ? [...edges, ...OUT] : edges,
    };
  });
}

/** How an instruction ends a block. */
interface Exits {
  /** It may go on behind it. */
  readonly falls?: boolean;
  /** A slot. */
  readonly jump?: number;
  /** It returns. */
  readonly leaves?: boolean;
}

/** Nothing for what goes on with the next instruction, as calls do. */
function exitsOf({ code, off, imm }: Insn, slot: number): Exits | undefined {
  const group = code & 0x07;
  const operation = code & 0xf0;
  if ((group !== BPF_JMP && group !== BPF_JMP32) || operation === BPF_CALL) return undefined;
  if (operation === BPF_EXIT) return { leaves: true };
  if (operation !== BPF_JA) return { falls: true, jump: slot + 1 + off };
  return code & BPF_X ? {} : { jump: slot + 1 + (group === BPF_JMP32 ? imm : off) };
}

/** Instructions with their slots; of an ld_imm64 the first. */
function* eachInsn(insns: Uint8Array, start: number, end: number): Generator<[slot: number, insn: Insn]> {
  for (let slot = start; slot < end; slot++) {
    yield [slot, readInsn(insns, slot)];
    if (isLdImm64(insns, slot)) slot++;
  }
}

const outside = (insn: number, to: number, of: string, start: number, end: number): FormatError =>
  new FormatError(`Leads to slot ${to}, but ${of} has slots ${start} to ${end - 1}`, {
    where: { insn },
    remedy: 'A verifier refuses this program too: functions end in exit, and jumps stay inside them.',
  });
