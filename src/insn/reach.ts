// Which instructions of a program can be reached, as far as constants tell: jumps that compare known numbers go one way only. It is
// what the verifier does, in small: registers that hold constants are followed, joined where ways meet; the stack is not.

import {
  BPF_ALU,
  BPF_ALU64,
  BPF_CALL,
  BPF_DW,
  BPF_EXIT,
  BPF_FETCH,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MOV,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_VALUE,
  BPF_STX,
  BPF_X,
} from '../uapi/insn.js';
import { compare, compute } from './constants.js';
import { type Insn, insnCount, isLdImm64, ldImm64Value, readInsn } from './insn.js';

export interface ReachOptions {
  /** What an ld_imm64 of a map's value points at, if it never changes: the frozen bytes from that address on. */
  readonly frozen?: (insn: number) => Uint8Array | undefined;
  /** An instruction after which the values of registers are anybody's guess, as where one was poisoned. */
  readonly opaque?: (insn: Insn) => boolean;
}

export interface Reach {
  /** Of every slot, whether it can be reached. The second slot of an ld_imm64 is reached if its first is. */
  readonly reached: readonly boolean[];
  /** Conditional jumps that go one way only, with the instructions that the compared numbers come from. */
  readonly decided: ReadonlyMap<number, readonly number[]>;
}

/** A number, or an address in memory that never changes; `from` are the instructions that it was made of. */
type Value =
  | { readonly kind: 'number'; readonly value: bigint; readonly from: readonly number[] }
  | { readonly kind: 'address'; readonly bytes: Uint8Array; readonly at: number; readonly from: readonly number[] };
type Registers = readonly (Value | undefined)[];

const REGISTERS = 11;
const NOTHING: Registers = Array<undefined>(REGISTERS).fill(undefined);
/** Each slot is looked at again at most as often as registers lose their values there. */
const MOST_VISITS = 2_000_000;
/** A state is kept for each. */
const MOST_SLOTS = 250_000;
const MOST_ORIGINS = 8;

/**
 * From slot 0 of a linked program.
 * @returns undefined when it takes too long, or the program jumps to where only its own run decides.
 */
export function reach(insns: Uint8Array, { frozen, opaque }: ReachOptions = {}): Reach | undefined {
  const count = insnCount(insns);
  if (count > MOST_SLOTS) return undefined;
  const states: (Registers | undefined)[] = Array<undefined>(count).fill(undefined);
  const work: number[] = [];
  const enter = (slot: number, registers: Registers): void => {
    if (slot < 0 || slot >= count) return;
    const before = states[slot];
    const after = before ? joined(before, registers) : registers;
    if (after === before) return;
    states[slot] = after;
    work.push(slot);
  };
  if (count > 0) enter(0, NOTHING);
  const decided = new Map<number, readonly number[]>();
  let visits = 0;
  for (let slot = work.pop(); slot !== undefined; slot = work.pop()) {
    if (++visits > MOST_VISITS) return undefined;
    const registers = states[slot] as Registers;
    const insn = readInsn(insns, slot);
    if (opaque?.(insn)) {
      enter(slot + 1, NOTHING);
      continue;
    }
    const group = insn.code & 0x07;
    if (group !== BPF_JMP && group !== BPF_JMP32) {
      if (isLdImm64(insns, slot)) {
        if (insn.src === BPF_PSEUDO_FUNC) enter(slot + insn.imm + 1, NOTHING);
        enter(slot + 2, withRegister(registers, insn.dst, constantOf(insns, slot, insn, frozen)));
      } else enter(slot + 1, step(insn, registers, slot));
      continue;
    }
    switch (insn.code & 0xf0) {
      case BPF_EXIT:
        break;
      case BPF_CALL: {
        if (insn.src === BPF_PSEUDO_CALL)
          enter(
            slot + insn.imm + 1,
            registers.map((value, i) => (i >= 1 && i <= 5 ? value : undefined)),
          );
        enter(
          slot + 1,
          registers.map((value, i) => (i <= 5 ? undefined : value)),
        );
        break;
      }
      case BPF_JA: {
        if (insn.code & BPF_X) return undefined; // through a table
        enter(slot + 1 + (group === BPF_JMP32 ? insn.imm : insn.off), registers);
        break;
      }
      case BPF_JCOND: {
        enter(slot + 1, registers);
        enter(slot + 1 + insn.off, registers);
        break;
      }
      default: {
        const taken = outcome(insn, registers);
        if (taken) decided.set(slot, taken.from);
        else decided.delete(slot);
        if (taken?.value !== false) enter(slot + 1 + insn.off, registers);
        if (taken?.value !== true) enter(slot + 1, registers);
      }
    }
  }
  const reached = states.map((state) => state !== undefined);
  for (let slot = 0; slot < count; slot++) if (reached[slot] && isLdImm64(insns, slot)) reached[slot + 1] = true;
  return { reached, decided };
}

const same = (a: Value | undefined, b: Value | undefined): boolean =>
  a === b ||
  (a?.kind === 'number' && b?.kind === 'number' && a.value === b.value) ||
  (a?.kind === 'address' &&
    b?.kind === 'address' &&
    a.bytes.buffer === b.bytes.buffer &&
    a.bytes.byteOffset + a.at === b.bytes.byteOffset + b.at);

/** What is known on both ways; the first value itself where nothing is lost. */
function joined(a: Registers, b: Registers): Registers {
  if (a.every((value, i) => value === undefined || same(value, b[i]))) return a;
  return a.map((value, i) => (same(value, b[i]) ? value : undefined));
}

const withRegister = (registers: Registers, register: number, value: Value | undefined): Registers =>
  registers[register] === value ? registers : registers.map((old, i) => (i === register ? value : old));

function constantOf(insns: Uint8Array, slot: number, { src }: Insn, frozen: ReachOptions['frozen']): Value | undefined {
  if (src === 0) return { kind: 'number', value: BigInt.asUintN(64, ldImm64Value(insns, slot)), from: [slot] };
  const bytes = src === BPF_PSEUDO_MAP_VALUE ? frozen?.(slot) : undefined;
  return bytes && { kind: 'address', bytes, at: 0, from: [slot] };
}

/** The registers after an instruction that is no jump. */
function step(insn: Insn, registers: Registers, slot: number): Registers {
  switch (insn.code & 0x07) {
    case BPF_ALU:
    case BPF_ALU64:
      return withRegister(registers, insn.dst, arithmetic(insn, registers, slot));
    case BPF_LDX:
      return withRegister(registers, insn.dst, loaded(insn, registers));
    case BPF_LD:
      return registers.map((value, i) => (i <= 5 ? undefined : value)); // packet loads, which call
    case BPF_STX:
      return (insn.code & 0xe0) === BPF_MEM ? registers : afterAtomic(insn, registers);
    default:
      return registers;
  }
}

/** An atomic operation may leave the old value in its source register, or in r0, and a load is one too. */
const afterAtomic = ({ dst, src, imm }: Insn, registers: Registers): Registers =>
  registers.map((value, i) => (i === 0 || i === src || ((imm & BPF_FETCH) === 0 && i === dst) ? undefined : value));

function operand({ code, src, imm }: Insn, registers: Registers): Value | undefined {
  return code & BPF_X ? registers[src] : { kind: 'number', value: BigInt.asUintN(64, BigInt(imm)), from: [] };
}

function arithmetic(insn: Insn, registers: Registers, slot: number): Value | undefined {
  const bits = (insn.code & 0x07) === BPF_ALU64 ? 64 : 32;
  const operation = insn.code & 0xf0;
  const a = registers[insn.dst];
  const b = operand(insn, registers);
  if (!b) return undefined;
  if (operation === BPF_MOV) {
    if (insn.off !== 0) return undefined; // sign-extending, or a cast of address spaces
    if (b.kind === 'address') return bits === 64 ? b : undefined;
    const from = insn.code & BPF_X ? b.from : [slot];
    return { kind: 'number', value: compute(BPF_MOV, 0n, b.value, bits) as bigint, from };
  }
  if (!a || b.kind !== 'number' || insn.off !== 0) return undefined;
  const from = [...new Set([...a.from, ...b.from, ...(insn.code & BPF_X ? [] : [slot])])].slice(0, MOST_ORIGINS);
  const value = compute(operation, a.kind === 'number' ? a.value : BigInt(a.at), b.value, bits);
  if (value === undefined) return undefined;
  if (a.kind === 'number') return { kind: 'number', value, from };
  return operation === 0 && bits === 64 ? { ...a, at: Number(BigInt.asIntN(32, value)), from } : undefined;
}

const BYTES: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1, [BPF_DW]: 8 };

/** A load from memory that never changes. */
function loaded({ code, src, off }: Insn, registers: Registers): Value | undefined {
  const base = registers[src];
  const size = BYTES[code & 0x18] as number;
  if ((code & 0xe0) !== BPF_MEM || base?.kind !== 'address') return undefined;
  const at = base.at + off;
  if (at < 0 || at + size > base.bytes.length) return undefined;
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(base.bytes[at + i] as number);
  return { kind: 'number', value, from: base.from };
}

/** Whether a conditional jump is taken, if that is known. */
function outcome(insn: Insn, registers: Registers): { readonly value: boolean; readonly from: readonly number[] } | undefined {
  const a = registers[insn.dst];
  const b = operand(insn, registers);
  if (a?.kind !== 'number' || b?.kind !== 'number') return undefined;
  const value = compare(insn.code & 0xf0, a.value, b.value, (insn.code & 0x07) === BPF_JMP ? 64 : 32);
  return value === undefined ? undefined : { value, from: [...a.from, ...b.from] };
}
