// Following references: what a type is under its typedefs and modifiers, how big it is, how it is aligned.

import { FormatError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import type { BtfOf, BtfType, TypeId } from './types.js';

/** libbpf follows at most this many references; it also ends cycles. */
const MAX_DEPTH = 32;

const bits = (...kinds: number[]) => kinds.reduce((set, kind) => set | (1 << kind), 0);
const MODIFIERS_AND_TYPEDEFS = bits(BTF_KIND.CONST, BTF_KIND.VOLATILE, BTF_KIND.RESTRICT, BTF_KIND.TYPE_TAG, BTF_KIND.TYPEDEF);

const tooDeep = (btf: Btf, id: TypeId) =>
  new FormatError(`Type ${id} goes through more than ${MAX_DEPTH} references, perhaps in a circle`, { where: btf.where });

/** The id under const, volatile, restrict, type tags and typedefs. */
export function skipModsAndTypedefs(btf: Btf, id: TypeId): TypeId {
  let at = id;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (((1 << btf.kindNumber(at)) & MODIFIERS_AND_TYPEDEFS) === 0) return at;
    at = (btf.type(at) as BtfOf<'TYPEDEF'>).type;
  }
  throw tooDeep(btf, id);
}
/** The decoded type under modifiers and typedefs. */
export const resolved = (btf: Btf, id: TypeId): BtfType => btf.type(skipModsAndTypedefs(btf, id));

/**
 * Bytes that a value of this type takes.
 * @throws {FormatError} for what has no size (void, a forward, a function), for circles, and for arrays past 4 GiB.
 * @see libbpf btf__resolve_size, src/btf.c
 */
export function sizeOf(btf: Btf, id: TypeId): number {
  let at = id;
  let count = 1;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const type = btf.type(at);
    switch (type.kind) {
      case 'INT':
      case 'STRUCT':
      case 'UNION':
      case 'ENUM':
      case 'ENUM64':
      case 'DATASEC':
      case 'FLOAT':
        return checkedSize(btf, id, count * type.size);
      case 'PTR':
        return checkedSize(btf, id, count * btf.pointerSize);
      case 'ARRAY':
        count = checkedSize(btf, id, count * type.nelems);
        at = type.type;
        break;
      case 'TYPEDEF':
      case 'VOLATILE':
      case 'CONST':
      case 'RESTRICT':
      case 'VAR':
      case 'DECL_TAG':
      case 'TYPE_TAG':
        at = type.type;
        break;
      case 'VOID':
      case 'FWD':
      case 'FUNC':
      case 'FUNC_PROTO':
        throw new FormatError(`Type ${id} has no size: it is ${type.kind} ${type.name}`, { where: btf.where });
      default:
        return type satisfies never;
    }
  }
  throw tooDeep(btf, id);
}

function checkedSize(btf: Btf, id: TypeId, size: number): number {
  if (size > 0xffffffff) throw new FormatError(`Type ${id} would take ${size} bytes`, { where: btf.where });
  return size;
}

/**
 * Alignment of a type in bytes; 1 for a packed struct.
 * @see libbpf btf__align_of, src/btf.c
 */
export const alignOf = (btf: Btf, id: TypeId): number => alignment(btf, id, new Map(), 0);

/** `known` has what was computed on the way: without it, structs that hold another twice cost twice as much a level. */
function alignment(btf: Btf, id: TypeId, known: Map<TypeId, number>, depth: number): number {
  if (depth > MAX_DEPTH) throw tooDeep(btf, id);
  const align = known.get(id) ?? computeAlignment(btf, btf.type(id), (inner) => alignment(btf, inner, known, depth + 1));
  known.set(id, align);
  return align;
}

function computeAlignment(btf: Btf, type: BtfType, alignOfInner: (id: TypeId) => number): number {
  switch (type.kind) {
    case 'INT':
    case 'ENUM':
    case 'ENUM64':
    case 'FLOAT':
      return Math.max(1, Math.min(btf.pointerSize, type.size));
    case 'PTR':
      return btf.pointerSize;
    case 'TYPEDEF':
    case 'VOLATILE':
    case 'CONST':
    case 'RESTRICT':
    case 'TYPE_TAG':
    case 'VAR':
    case 'ARRAY':
      return alignOfInner(type.type);
    case 'STRUCT':
    case 'UNION': {
      let most = 1;
      for (const member of type.members) {
        const align = alignOfInner(member.type);
        most = Math.max(most, align);
        if (member.bitfieldSize === 0 && member.bitOffset % (8 * align) !== 0) return 1;
      }
      return type.size % most === 0 ? most : 1;
    }
    default:
      throw new FormatError(`Type ${type.id} has no alignment: it is ${type.kind} ${type.name}`, { where: btf.where });
  }
}
