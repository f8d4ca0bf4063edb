// Instructions: 8-byte slots <-> values. Everywhere in tsbpf instructions are bytes in little-endian order, which is that of
// every machine we run on; those of a big-endian object are turned around once, at the door.

import { FormatError, type Where } from '../errors.js';
import { BPF_INSN_SZ, LD_IMM64 } from '../uapi/insn.js';

/** struct bpf_insn. `code` is unsigned, `off` and `imm` are signed. */
export interface Insn {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}

const viewOf = (insns: Uint8Array) => new DataView(insns.buffer, insns.byteOffset, insns.byteLength);

export const insnCount = (insns: Uint8Array): number => insns.length / BPF_INSN_SZ;

/** Slot `index` of a program whose length is a multiple of 8. */
export function readInsn(insns: Uint8Array, index: number): Insn {
  const view = viewOf(insns);
  const at = index * BPF_INSN_SZ;
  const registers = view.getUint8(at + 1);
  return {
    code: view.getUint8(at),
    dst: registers & 0xf,
    src: registers >> 4,
    off: view.getInt16(at + 2, true),
    imm: view.getInt32(at + 4, true),
  };
}

/** Writes the given fields of slot `index`, in place. */
export function patchInsn(insns: Uint8Array, index: number, fields: Partial<Insn>): void {
  const view = viewOf(insns);
  const at = index * BPF_INSN_SZ;
  const { code, dst, src, off, imm } = { ...readInsn(insns, index), ...fields };
  view.setUint8(at, code);
  view.setUint8(at + 1, (src << 4) | dst);
  view.setInt16(at + 2, off, true);
  view.setInt32(at + 4, imm, true);
}

/** An ld_imm64 takes two slots; everything else one. */
export const isLdImm64 = (insns: Uint8Array, index: number): boolean =>
  insns[index * BPF_INSN_SZ] === LD_IMM64 && index + 1 < insnCount(insns);

/** The 64-bit constant of the ld_imm64 at `index`. */
export const ldImm64Value = (insns: Uint8Array, index: number): bigint =>
  (BigInt(readInsn(insns, index + 1).imm >>> 0) << 32n) | BigInt(readInsn(insns, index).imm >>> 0);

/**
 * A copy in little-endian order.
 * @throws {FormatError} when the length is not a multiple of 8.
 */
export function importInsns(bytes: Uint8Array, littleEndian: boolean, where: Where): Uint8Array<ArrayBuffer> {
  if (bytes.length % BPF_INSN_SZ !== 0)
    throw new FormatError(`Instructions take 8 bytes each, but there are ${bytes.length}`, { where });
  const insns = new Uint8Array(bytes); // not slice(), which shares memory when `bytes` is a Buffer
  if (littleEndian) return insns;
  const view = viewOf(insns);
  for (let at = 0; at < insns.length; at += BPF_INSN_SZ) {
    const registers = view.getUint8(at + 1);
    view.setUint8(at + 1, ((registers & 0xf) << 4) | (registers >> 4));
    view.setInt16(at + 2, view.getInt16(at + 2, false), true);
    view.setInt32(at + 4, view.getInt32(at + 4, false), true);
  }
  return insns;
}
