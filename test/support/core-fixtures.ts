// One CO-RE relocation at a time: types of an object, types of a kernel, an instruction, and what comes of it.

import type { BtfTypeInput } from '../../src/btf/index.js';
import { fromHex, hex } from '../../src/bytes/index.js';
import {
  CORE_KINDS,
  type CoreKind,
  type CoreTarget,
  coreValue,
  type Fixup,
  parseSpec,
  type Relocatable,
  relocate,
} from '../../src/relocate/index.js';
import { btfOf } from './btf-types.js';

/** Instructions whose constant is the object's own value: how a compiler would ask for it. */
export const mov = (value: number): string => `b7010000${le32(value)}`;
export const ldImm64 = (value: bigint): string =>
  `18010000${le32(Number(BigInt.asIntN(32, value)))}00000000${le32(Number(BigInt.asIntN(32, value >> 32n)))}`;
/** r1 = *(u32 *)(r2 + off), and for other sizes. */
export const load = (bytes: 1 | 2 | 4 | 8, off: number): string =>
  `${{ 1: '71', 2: '69', 4: '61', 8: '79' }[bytes]}21${le16(off)}00000000`;
export const store = (bytes: 1 | 2 | 4 | 8, off: number): string =>
  `${{ 1: '73', 2: '6b', 4: '63', 8: '7b' }[bytes]}21${le16(off)}00000000`;
export const POISON = '850000001023ad0b';

const le16 = (value: number): string => hex(new Uint8Array(Int16Array.of(value).buffer));
const le32 = (value: number): string => hex(new Uint8Array(Int32Array.of(value).buffer));

/** A relocation record and its instruction. */
export interface Row {
  readonly type: number;
  readonly access: string;
  readonly kind: CoreKind | number;
  /** Hexadecimal. */
  readonly insn: string;
}

/** An object with a program of one instruction for each record. */
export const objectOf = (types: readonly BtfTypeInput[], records: readonly Row[], { littleEndian = true } = {}): Relocatable => {
  let slot = 0;
  const relos = records.map(({ type, access, kind, insn }) => {
    const at = slot;
    slot += insn.length / 16;
    return { insn: at, type, access, kind: typeof kind === 'number' ? kind : CORE_KINDS.findIndex(({ name }) => name === kind) };
  });
  return {
    btf: btfOf(types),
    littleEndian,
    coreRelos: new Map([['raw_tp/x', relos]]),
    programs: [{ name: 'prog', section: 'raw_tp/x', start: 0, insns: fromHex(records.map(({ insn }) => insn).join('')) }],
  };
};

/** What the records come to against a kernel: one Fixup each, and the instructions. */
export function relocated(
  local: readonly BtfTypeInput[],
  kernel: readonly BtfTypeInput[],
  records: readonly Row[],
  options: { readonly littleEndian?: boolean; readonly modules?: CoreTarget['modules'] } = {},
): { readonly fixups: readonly Fixup[]; readonly insns: string } {
  const target = { kernel: btfOf(kernel), ...(options.modules && { modules: options.modules }) };
  const { object, fixups } = relocate(objectOf(local, records, options), target);
  return { fixups, insns: hex(object.programs[0]?.insns ?? new Uint8Array()) };
}

/** The value of one relocation, as a number; the instruction does not matter and holds what it must. */
export function valueIn(
  local: readonly BtfTypeInput[],
  kernel: readonly BtfTypeInput[],
  type: number,
  access: string,
  kind: CoreKind,
  options: { readonly littleEndian?: boolean } = {},
): number | bigint | 'poison' {
  const probe = (insn: string) => relocated(local, kernel, [{ type, access, kind, insn }], options).fixups[0]?.after;
  const before = BigInt(ownValue(local, type, access, kind, options));
  const after = probe(ldImm64(before)) as bigint | 'poison';
  return typeof after === 'bigint' && after < 0x1_0000_0000n ? Number(after) : after;
}

/** What the object's own instruction would hold: a relocation against one's own types changes nothing. */
function ownValue(types: readonly BtfTypeInput[], type: number, access: string, kind: CoreKind, { littleEndian = true }): bigint {
  const btf = btfOf(types);
  return coreValue(parseSpec(btf, type, access, kind), { littleEndian }).value;
}
