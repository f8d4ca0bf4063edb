// When is a type of the kernel "the same" as one of the object's? CO-RE has three answers of rising strictness.

import { type Btf, type BtfOf, type BtfType, essentialName, resolved, type TypeId } from '../btf/index.js';
import { RelocationError } from '../errors.js';
import { BTF_INT_SIGNED } from '../uapi/btf.js';
import { Effort } from './effort.js';

const MAX_DEPTH = 32;
const tooDeep = () => new RelocationError(`Types are nested more than ${MAX_DEPTH} deep, perhaps in a circle`);

const isEnum = (type: BtfType): type is BtfOf<'ENUM'> | BtfOf<'ENUM64'> => type.kind === 'ENUM' || type.kind === 'ENUM64';
const isComposite = (type: BtfType): type is BtfOf<'STRUCT'> | BtfOf<'UNION'> => type.kind === 'STRUCT' || type.kind === 'UNION';
export const sameKind = (a: BtfType, b: BtfType): boolean => a.kind === b.kind || (isEnum(a) && isEnum(b));

/**
 * May a field of type `a` (local) be read where the kernel has `b`? Names decide for enums, nothing but the kind for structs and pointers.
 * @see libbpf bpf_core_fields_are_compat, src/relo_core.c
 */
export function fieldsAreCompatible(localBtf: Btf, localId: TypeId, targetBtf: Btf, targetId: TypeId): boolean {
  let local = resolved(localBtf, localId);
  let target = resolved(targetBtf, targetId);
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (isComposite(local) && isComposite(target)) return true;
    if (!sameKind(local, target)) return false;
    switch (local.kind) {
      case 'PTR':
      case 'FLOAT':
        return true;
      case 'FWD':
      case 'ENUM':
      case 'ENUM64':
        return !local.name || !target.name || essentialName(local.name) === essentialName(target.name);
      case 'INT':
        return local.bitOffset === 0 && (target as BtfOf<'INT'>).bitOffset === 0;
      case 'ARRAY': {
        local = resolved(localBtf, local.type);
        target = resolved(targetBtf, (target as BtfOf<'ARRAY'>).type);
        break;
      }
      default:
        return false;
    }
  }
  throw tooDeep();
}

/**
 * Is the kernel's type of the same shape, names, sizes and members aside? Decides type_exists, type_size, target_type_id, ksyms.
 * @see libbpf __bpf_core_types_are_compat, src/relo_core.c
 */
export function typesAreCompatible(
  localBtf: Btf,
  localId: TypeId,
  targetBtf: Btf,
  targetId: TypeId,
  effort = new Effort(),
  level = MAX_DEPTH,
): boolean {
  if (!sameKind(localBtf.type(localId), targetBtf.type(targetId))) return false;
  let local = resolved(localBtf, localId);
  let target = resolved(targetBtf, targetId);
  effort.spendOnComparison(localBtf.elementCount(local.id) + targetBtf.elementCount(target.id));
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (!sameKind(local, target)) return false;
    switch (local.kind) {
      case 'VOID':
      case 'STRUCT':
      case 'UNION':
      case 'ENUM':
      case 'ENUM64':
      case 'FWD':
        return true;
      case 'INT':
        return local.bitOffset === 0 && (target as BtfOf<'INT'>).bitOffset === 0;
      case 'FUNC_PROTO': {
        const { params, type } = target as BtfOf<'FUNC_PROTO'>;
        if (local.params.length !== params.length) return false;
        for (const [i, param] of local.params.entries()) {
          if (level <= 0) throw tooDeep();
          const other = resolved(targetBtf, (params[i] as { type: TypeId }).type);
          if (!typesAreCompatible(localBtf, resolved(localBtf, param.type).id, targetBtf, other.id, effort, level - 1))
            return false;
        }
        local = resolved(localBtf, local.type);
        target = resolved(targetBtf, type);
        break;
      }
      case 'PTR':
      case 'ARRAY': {
        local = resolved(localBtf, local.type);
        target = resolved(targetBtf, (target as BtfOf<'PTR'>).type);
        break;
      }
      default:
        return false;
    }
  }
  throw tooDeep();
}

/**
 * Does the kernel's type contain the local one, name by name and member by member? Decides type_matches.
 * @see libbpf __bpf_core_types_match, src/relo_core.c
 */
export function typesMatch(
  localBtf: Btf,
  localId: TypeId,
  targetBtf: Btf,
  targetId: TypeId,
  effort = new Effort(),
  behindPointer = false,
  level = MAX_DEPTH,
): boolean {
  if (level <= 0) throw tooDeep();
  let local = resolved(localBtf, localId);
  let target = resolved(targetBtf, targetId);
  let behind = behindPointer;
  effort.spendOnComparison(localBtf.elementCount(local.id) + targetBtf.elementCount(target.id));
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (!namesMatch(local, target)) return false;
    if (local.kind === 'FWD' || (behind && isComposite(local))) return forwardsMatch(local, target, behind);
    if (!sameKind(local, target)) return false;
    switch (local.kind) {
      case 'VOID':
        return true;
      case 'ENUM':
      case 'ENUM64':
        return enumsMatch(local, target as BtfOf<'ENUM'>);
      case 'STRUCT':
      case 'UNION':
        return compositesMatch(localBtf, local, targetBtf, target as BtfOf<'STRUCT'>, effort, behind, level);
      case 'INT':
        return (
          local.size === (target as BtfOf<'INT'>).size &&
          (local.encoding & BTF_INT_SIGNED) === ((target as BtfOf<'INT'>).encoding & BTF_INT_SIGNED)
        );
      case 'PTR':
        behind = true;
        break;
      case 'ARRAY': {
        if (local.nelems !== (target as BtfOf<'ARRAY'>).nelems) return false;
        break;
      }
      case 'FUNC_PROTO': {
        const { params } = target as BtfOf<'FUNC_PROTO'>;
        if (local.params.length !== params.length) return false;
        for (const [i, param] of local.params.entries()) {
          const other = (params[i] as { type: TypeId }).type;
          if (!typesMatch(localBtf, param.type, targetBtf, other, effort, behind, level - 1)) return false;
        }
        break;
      }
      default:
        return false;
    }
    local = resolved(localBtf, (local as BtfOf<'PTR'>).type);
    target = resolved(targetBtf, (target as BtfOf<'PTR'>).type);
  }
  throw tooDeep();
}

const namesMatch = (local: BtfType, target: BtfType): boolean => essentialName(local.name) === essentialName(target.name);

/** Behind a pointer a forward stands for the whole type. */
function forwardsMatch(local: BtfType, target: BtfType, behind: boolean): boolean {
  const isUnion = (type: BtfType): boolean | undefined =>
    type.kind === 'FWD' ? type.union : isComposite(type) ? type.kind === 'UNION' : undefined;
  if (local.kind === 'FWD' && !behind && target.kind !== 'FWD') return false;
  return isUnion(target) !== undefined && isUnion(local) === isUnion(target);
}

function enumsMatch(local: BtfOf<'ENUM'> | BtfOf<'ENUM64'>, target: BtfOf<'ENUM'> | BtfOf<'ENUM64'>): boolean {
  if (local.size !== target.size || local.values.length > target.values.length) return false;
  const names = new Set(target.values.map((value) => essentialName(value.name)));
  return local.values.every((value) => names.has(essentialName(value.name)));
}

type Composite = BtfOf<'STRUCT'> | BtfOf<'UNION'>;

function compositesMatch(
  localBtf: Btf,
  local: Composite,
  targetBtf: Btf,
  target: Composite,
  effort: Effort,
  behind: boolean,
  level: number,
): boolean {
  if (local.members.length > target.members.length) return false;
  const byName = new Map<string, TypeId[]>();
  for (const { name, type } of target.members) {
    const sameName = byName.get(essentialName(name));
    if (sameName) sameName.push(type);
    else byName.set(essentialName(name), [type]);
  }
  return local.members.every((member) =>
    (byName.get(essentialName(member.name)) ?? []).some((other) =>
      typesMatch(localBtf, member.type, targetBtf, other, effort, behind, level - 1),
    ),
  );
}
