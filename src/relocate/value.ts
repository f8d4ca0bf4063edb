// What a spec comes to: the number that the instruction needs.

import { type BtfType, resolved, sizeOf } from '../btf/index.js';
import { RelocationError } from '../errors.js';
import { BTF_INT_SIGNED } from '../uapi/btf.js';
import type { CoreKind } from './kinds.js';
import { endOf, type Spec, showSpec } from './spec.js';

/** `access` is there for byte_off: the bytes that a load or store of the field moves, and the field's type. */
export interface CoreValue {
  readonly value: bigint;
  /** The instruction must hold the local value before it is patched. */
  readonly validate: boolean;
  readonly access?: { readonly size: number; readonly type: BtfType };
}

/** What an existence or type question answers when no candidate matches; the other kinds are poisoned then. */
export const NO_TARGET: Readonly<Partial<Record<CoreKind, bigint>>> = {
  field_exists: 0n,
  target_type_id: 0n,
  type_exists: 0n,
  type_size: 0n,
  enumval_exists: 0n,
  type_matches: 0n,
};

const certain = (value: bigint): CoreValue => ({ value, validate: true });
/** Type ids change when objects are linked, and bitfield accesses are the compiler's choice: neither is compared. */
const unchecked = (value: bigint): CoreValue => ({ value, validate: false });

export interface ValueOptions {
  readonly littleEndian?: boolean;
  /** Enumerators of 32 bits are extended to 64 with zeros. */
  readonly unsignedEnums?: boolean;
}

/** How each kind is computed; see the table of section 6 in the CO-RE reference that libbpf's calc functions follow. */
const VALUES: Readonly<Record<CoreKind, (spec: Spec, options: ValueOptions) => CoreValue>> = {
  byte_off: (spec) => {
    const place = fieldPlace(spec);
    const value = BigInt(place.byteOffset);
    return place.bitfield ? unchecked(value) : { value, validate: true, access: { size: place.accessSize, type: place.type } };
  },
  byte_sz: (spec) => {
    const { byteSize, bitfield } = fieldPlace(spec);
    return bitfield ? unchecked(BigInt(byteSize)) : certain(BigInt(byteSize));
  },
  field_exists: () => certain(1n),
  signed: (spec) => {
    const { type } = memberPlace(spec);
    const signed =
      type.kind === 'ENUM' || type.kind === 'ENUM64'
        ? type.signed
        : type.kind === 'INT' && (type.encoding & BTF_INT_SIGNED) !== 0;
    return certain(signed ? 1n : 0n);
  },
  lshift_u64: (spec, { littleEndian = true }) => {
    const { byteOffset, byteSize, bitSize, bitfield } = memberPlace(spec);
    const firstBit = spec.bitOffset - byteOffset * 8;
    const shift = littleEndian ? 64 - (firstBit + bitSize) : (8 - byteSize) * 8 + firstBit;
    return (bitfield ? unchecked : certain)(BigInt.asUintN(64, BigInt(shift)));
  },
  rshift_u64: (spec) => certain(BigInt.asUintN(64, BigInt(64 - memberPlace(spec).bitSize))),
  local_type_id: (spec) => unchecked(BigInt(spec.root)),
  target_type_id: (spec) => unchecked(BigInt(spec.root)),
  type_exists: () => certain(1n),
  type_matches: () => certain(1n),
  type_size: (spec) => certain(BigInt(sizeOf(spec.btf, spec.root))),
  enumval_exists: () => certain(1n),
  // Enums of 32 bits are taken for signed, as in libbpf: BTF of older compilers and kernels does not tell.
  enumval_value: ({ btf, root, accessors }, { unsignedEnums = false }) => {
    const type = resolved(btf, root);
    const value = type.kind === 'ENUM' || type.kind === 'ENUM64' ? (type.values[accessors[0]?.index as number]?.value ?? 0n) : 0n;
    if (type.kind === 'ENUM64') return certain(BigInt.asUintN(64, value));
    return certain(unsignedEnums ? BigInt.asUintN(32, value) : BigInt.asUintN(64, BigInt.asIntN(32, value)));
  },
};

/**
 * The value of a relocation of `spec.kind` for one side, local or target.
 * @throws {RelocationError} for what cannot be expressed: a bitfield that no 64-bit load covers, shifts of an array element.
 * @see libbpf bpf_core_calc_field_relo and its siblings, src/relo_core.c
 */
export const coreValue = (spec: Spec, options: ValueOptions = {}): CoreValue => VALUES[spec.kind](spec, options);

interface Place {
  readonly type: BtfType;
  readonly byteOffset: number;
  readonly byteSize: number;
  readonly bitSize: number;
  readonly bitfield: boolean;
  /** Of the innermost element, where the field is an array. */
  readonly accessSize: number;
}

/** Kinds that only make sense for a member. */
function memberPlace(spec: Spec): Place {
  if (!endOf(spec).isMember)
    throw new RelocationError(`CO-RE ${spec.kind} is only defined for struct members: ${showSpec(spec)}`);
  return fieldPlace(spec);
}

function fieldPlace(spec: Spec): Place {
  const { type, bitfieldSize } = endOf(spec);
  if (bitfieldSize > 0) return bitfieldPlace(spec, type, bitfieldSize);
  const byteSize = sizeOf(spec.btf, type.id);
  return {
    type,
    byteOffset: Math.floor(spec.bitOffset / 8),
    byteSize,
    bitSize: byteSize * 8,
    bitfield: false,
    accessSize: sizeOf(spec.btf, innermostElement(spec, type).id),
  };
}

/** The smallest aligned load that holds all bits of the field. */
function bitfieldPlace(spec: Spec, type: BtfType, bitSize: number): Place {
  let byteSize = sizeOf(spec.btf, type.id);
  if (byteSize === 0) throw new RelocationError(`Bitfield ${showSpec(spec)} is of a type without a size`);
  const offsetFor = (size: number) => Math.floor(spec.bitOffset / 8 / size) * size;
  while (spec.bitOffset + bitSize > (offsetFor(byteSize) + byteSize) * 8) {
    if (byteSize >= 8) throw new RelocationError(`Bitfield ${showSpec(spec)} is not covered by one 64-bit load`);
    byteSize *= 2;
  }
  return { type, byteOffset: offsetFor(byteSize), byteSize, bitSize, bitfield: true, accessSize: byteSize };
}

function innermostElement(spec: Spec, type: BtfType): BtfType {
  let element = type;
  for (let depth = 0; depth < 32 && element.kind === 'ARRAY'; depth++) element = resolved(spec.btf, element.type);
  return element;
}
