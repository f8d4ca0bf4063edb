// Writing a relocation's value into its instruction.

import { type Insn, isLdImm64, ldImm64Value, patchInsn, readInsn } from '../insn/index.js';
import { BPF_ALU, BPF_ALU64, BPF_B, BPF_DW, BPF_H, BPF_LD, BPF_LDX, BPF_ST, BPF_STX, BPF_W, BPF_X, CALL } from '../uapi/insn.js';

/** The helper number that stands for "this CO-RE relocation failed": no kernel has it, so the verifier refuses it if it is reachable. */
export const CORE_POISON = 0xbad2310;

/** What to write. `from` and `to` are the bytes that a memory access moves, before and after; equal unless the field was resized. */
export interface Patch {
  readonly value: bigint;
  /** What the instruction must hold before; undefined when that is not checked. */
  readonly expected: bigint | undefined;
  readonly access: { readonly from: number; readonly to: number } | undefined;
}

const ACCESS_BITS: Readonly<Record<number, number>> = { 1: BPF_B, 2: BPF_H, 4: BPF_W, 8: BPF_DW };
const ACCESS_BYTES: Readonly<Record<number, number>> = { [BPF_B]: 1, [BPF_H]: 2, [BPF_W]: 4, [BPF_DW]: 8 };
const SIZE_BITS = 0x18;

const mismatch = (found: bigint | number, expected: bigint, value: bigint) =>
  `the instruction holds ${found}, not the object's own value ${expected} (new value ${value})`;
const isOther = (found: number, expected: bigint | undefined) =>
  expected !== undefined && BigInt.asUintN(64, BigInt(found)) !== expected;

/** Patches the immediate of an ALU instruction. */
function patchAlu(insns: Uint8Array, index: number, insn: Insn, { value, expected }: Patch): string | undefined {
  if (insn.code & BPF_X) return 'the instruction takes a register, not a constant';
  if (isOther(insn.imm, expected)) return mismatch(insn.imm, expected as bigint, value);
  patchInsn(insns, index, { imm: Number(BigInt.asIntN(32, value)) });
  return undefined;
}

/** Patches the offset of a load or store, and its size where the kernel's field is wider or narrower. */
function patchMemory(insns: Uint8Array, index: number, insn: Insn, { value, expected, access }: Patch): string | undefined {
  if (isOther(insn.off, expected)) return mismatch(insn.off, expected as bigint, value);
  if (value > 32767n) return `offset ${value} does not fit the instruction's 16 bits`;
  if (!access || access.from === access.to) {
    patchInsn(insns, index, { off: Number(value) });
    return undefined;
  }
  const bytes = ACCESS_BYTES[insn.code & SIZE_BITS];
  if (bytes !== access.from) return `the instruction accesses ${bytes} bytes of a field of ${access.from}`;
  const size = ACCESS_BITS[access.to];
  if (size === undefined) return `the kernel's field has ${access.to} bytes, which no single load or store moves`;
  patchInsn(insns, index, { off: Number(value), code: (insn.code & ~SIZE_BITS) | size });
  return undefined;
}

/** Patches the 64-bit constant of an ld_imm64. */
function patchLdImm64(insns: Uint8Array, index: number, insn: Insn, { value, expected }: Patch): string | undefined {
  if (!isLdImm64(insns, index)) return 'the instruction is a load that no relocation applies to';
  const second = readInsn(insns, index + 1);
  if (insn.src !== 0 || insn.off !== 0 || second.code !== 0 || second.dst !== 0 || second.src !== 0 || second.off !== 0)
    return 'the ld_imm64 is not a plain constant';
  const found = ldImm64Value(insns, index);
  if (expected !== undefined && found !== expected) return mismatch(found, expected, value);
  patchInsn(insns, index, { imm: Number(BigInt.asIntN(32, value)) });
  patchInsn(insns, index + 1, { imm: Number(BigInt.asIntN(32, value >> 32n)) });
  return undefined;
}

type PatchFunction = (insns: Uint8Array, index: number, insn: Insn, patch: Patch) => string | undefined;

/** By instruction class: who knows which field takes the value. No relocation applies to jumps. */
const BY_CLASS: Readonly<Record<number, PatchFunction>> = {
  [BPF_LD]: patchLdImm64,
  [BPF_LDX]: patchMemory,
  [BPF_ST]: patchMemory,
  [BPF_STX]: patchMemory,
  [BPF_ALU]: patchAlu,
  [BPF_ALU64]: patchAlu,
};

/**
 * Patches instruction `index` in place.
 * @returns Why it cannot be done, or undefined when it was.
 * @see libbpf bpf_core_patch_insn, src/relo_core.c
 */
export function patchCore(insns: Uint8Array, index: number, patch: Patch): string | undefined {
  const insn = readInsn(insns, index);
  const apply = BY_CLASS[insn.code & 0x7];
  return apply ? apply(insns, index, insn, patch) : `no relocation applies to an instruction of class ${insn.code & 0x7}`;
}

/** Whether the instruction reads or writes memory, so that a field of another size matters. */
export const isMemoryAccess = (insn: Insn): boolean => [BPF_LDX, BPF_ST, BPF_STX].includes(insn.code & 0x7);

/** Makes instruction `index` one that the verifier refuses if it can be reached; an ld_imm64 loses both its slots. */
export function poisonInsn(insns: Uint8Array, index: number): void {
  const slots = isLdImm64(insns, index) ? [index, index + 1] : [index];
  for (const slot of slots) patchInsn(insns, slot, { code: CALL, dst: 0, src: 0, off: 0, imm: CORE_POISON });
}
