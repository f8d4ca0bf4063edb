// Arithmetic and comparisons on numbers that are known, as the machine does them.

import {
  BPF_ADD,
  BPF_AND,
  BPF_ARSH,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  BPF_LSH,
  BPF_MOV,
  BPF_MUL,
  BPF_OR,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from '../uapi/insn.js';

const ARITHMETIC: Readonly<Record<number, (a: bigint, b: bigint, bits: number) => bigint>> = {
  [BPF_MOV]: (_, b) => b,
  [BPF_ADD]: (a, b) => a + b,
  [BPF_SUB]: (a, b) => a - b,
  [BPF_MUL]: (a, b) => a * b,
  [BPF_AND]: (a, b) => a & b,
  [BPF_OR]: (a, b) => a | b,
  [BPF_XOR]: (a, b) => a ^ b,
  [BPF_LSH]: (a, b, bits) => a << (b & BigInt(bits - 1)),
  [BPF_RSH]: (a, b, bits) => a >> (b & BigInt(bits - 1)),
  [BPF_ARSH]: (a, b, bits) => BigInt.asIntN(bits, a) >> (b & BigInt(bits - 1)),
};

/** The result, as 64 unsigned bits; undefined for operations that are not followed. Operands are unsigned 64-bit numbers. */
export function compute(operation: number, a: bigint, b: bigint, bits: 32 | 64): bigint | undefined {
  const result = ARITHMETIC[operation]?.(BigInt.asUintN(bits, a), BigInt.asUintN(bits, b), bits);
  return result === undefined ? undefined : BigInt.asUintN(bits, result);
}

const COMPARISONS: Readonly<Record<number, (a: bigint, b: bigint) => boolean>> = {
  [BPF_JEQ]: (a, b) => a === b,
  [BPF_JNE]: (a, b) => a !== b,
  [BPF_JGT]: (a, b) => a > b,
  [BPF_JGE]: (a, b) => a >= b,
  [BPF_JLT]: (a, b) => a < b,
  [BPF_JLE]: (a, b) => a <= b,
  [BPF_JSET]: (a, b) => (a & b) !== 0n,
};
const SIGNED: Readonly<Record<number, number>> = {
  [BPF_JSGT]: BPF_JGT,
  [BPF_JSGE]: BPF_JGE,
  [BPF_JSLT]: BPF_JLT,
  [BPF_JSLE]: BPF_JLE,
};

/** Whether a conditional jump is taken; undefined for one that is not known. */
export function compare(operation: number, a: bigint, b: bigint, bits: 32 | 64): boolean | undefined {
  const signed = SIGNED[operation];
  const narrow = signed === undefined ? BigInt.asUintN : BigInt.asIntN;
  return COMPARISONS[signed ?? operation]?.(narrow(bits, a), narrow(bits, b));
}
