// The same way into a type of the kernel: does this candidate have it, and where?

import { type Btf, type BtfOf, essentialName, resolved, sizeOf, type TypeId } from '../btf/index.js';
import { RelocationError } from '../errors.js';
import { fieldsAreCompatible, typesAreCompatible, typesMatch } from './compatible.js';
import { Effort } from './effort.js';
import { classOf } from './kinds.js';
import { type Accessor, isFlexibleArray, MAX_SPEC_LENGTH, type Spec } from './spec.js';

/** Where matching stopped: at accessor `step` of the local spec, looked for in type `owner` of the candidate's BTF. */
export interface MismatchPlace {
  readonly step: number;
  readonly owner: TypeId;
  /** The way up to there. */
  readonly reached: Spec;
  /** From there to the member of that name, through anonymous ones, where there is one but of an incompatible kind. */
  readonly unlike?: readonly Hop[];
}

/** One member on the way to another; its offset is in `owner`. */
export interface Hop {
  readonly owner: TypeId;
  readonly index: number;
  readonly bitOffset: number;
  readonly type: TypeId;
}

/** `spec` if the candidate matches; else why not, in words for people, and where. Whole types that differ have no place. */
export type Match = { readonly spec: Spec } | { readonly mismatch: string; readonly at?: MismatchPlace };

/**
 * Fits a local spec to one candidate type of the target.
 * @throws {RelocationError} when types are nested too deep to tell.
 * @see libbpf bpf_core_spec_match, src/relo_core.c
 */
export function matchSpec(local: Spec, btf: Btf, root: TypeId, effort = new Effort()): Match {
  const target = { btf, kind: local.kind, root };
  switch (classOf(local.kind)) {
    case 'type': {
      const same = local.kind === 'type_matches' ? typesMatch : typesAreCompatible;
      if (!same(local.btf, local.root, btf, root, effort)) return { mismatch: 'the types are not alike' };
      return { spec: { ...target, raw: [0], accessors: [], bitOffset: 0 } };
    }
    case 'enumval':
      return matchEnumerator(local, target);
    case 'field':
      return matchField(local, target);
  }
}

type Target = Pick<Spec, 'btf' | 'kind' | 'root'>;

function matchEnumerator(local: Spec, target: Target): Match {
  const name = local.accessors[0]?.name as string;
  const type = resolved(target.btf, target.root);
  const at = { step: 0, owner: type.id, reached: { ...target, raw: [], accessors: [], bitOffset: 0 } };
  if (type.kind !== 'ENUM' && type.kind !== 'ENUM64') return { mismatch: 'it is no enum', at };
  const index = type.values.findIndex((value) => essentialName(value.name) === essentialName(name));
  const value = type.values[index];
  if (!value) return { mismatch: `it has no enumerator ${essentialName(name)}`, at };
  return { spec: { ...target, raw: [index], accessors: [{ type: type.id, index, name: value.name }], bitOffset: 0 } };
}

function matchField(local: Spec, target: Target): Match {
  const { btf } = target;
  const raw: number[] = [];
  const accessors: Accessor[] = [];
  let bitOffset = 0;
  let current = resolved(btf, target.root);
  for (const [i, step] of local.accessors.entries()) {
    const owner = current.id;
    if (step.name !== undefined) {
      const found = findMember({ local, step, btf, without: new Set() }, owner, MAX_SPEC_LENGTH - raw.length);
      if (!found || found.mismatch !== undefined) {
        const at = { step: i, owner, reached: { ...target, raw, accessors, bitOffset } };
        if (!found) return { mismatch: `it has no member ${step.name}`, at };
        return { mismatch: found.mismatch ?? '', at: { ...at, unlike: found.path } };
      }
      for (const hop of found.path) {
        raw.push(hop.index);
        bitOffset += hop.bitOffset;
      }
      const last = found.path.at(-1) as Hop;
      accessors.push({ type: last.owner, index: last.index, name: step.name });
      current = resolved(btf, last.type);
      continue;
    }
    if (i > 0) {
      if (current.kind !== 'ARRAY' || (step.index >= current.nelems && !isFlexibleArray(btf, accessors.at(-1), current.nelems))) {
        const why = current.kind === 'ARRAY' ? `has only ${current.nelems} elements` : 'is no array';
        const reached = { ...target, raw, accessors, bitOffset };
        return { mismatch: `${pathOf(local, i)} ${why}`, at: { step: i, owner, reached } };
      }
      current = resolved(btf, current.type);
    }
    if (raw.length === MAX_SPEC_LENGTH) throw tooLong();
    raw.push(step.index);
    accessors.push({ type: current.id, index: step.index });
    if (step.index > 0) bitOffset += step.index * sizeOf(btf, current.id) * 8;
  }
  return { spec: { ...target, raw, accessors, bitOffset } };
}

const tooLong = () => new RelocationError(`A CO-RE path has more than ${MAX_SPEC_LENGTH} levels in the target`);

const pathOf = (spec: Spec, end: number): string =>
  spec.accessors
    .slice(0, end)
    .map(({ name, index }, i) => (name ? `${i > 1 ? '.' : ''}${name}` : i > 0 ? `[${index}]` : ''))
    .join('');

interface Search {
  readonly local: Spec;
  readonly step: Accessor;
  readonly btf: Btf;
  /** Structs that were looked through in vain: two ways may lead to one, and many to those below. */
  readonly without: Set<TypeId>;
}

/**
 * A member by name, looking through anonymous ones; the first of that name decides. Flavors do not apply to members.
 * @param room How many hops the path may still take.
 * @returns    The path, anonymous hops in it, and why the member there will not do, if so; or undefined where there is none.
 */
function findMember(
  search: Search,
  id: TypeId,
  room: number,
): { readonly path: readonly Hop[]; readonly mismatch?: string } | undefined {
  const { step, btf, without } = search;
  const type = resolved(btf, id);
  if ((type.kind !== 'STRUCT' && type.kind !== 'UNION') || without.has(type.id)) return undefined;
  if (room === 0 && type.members.length > 0) throw tooLong();
  const hop = (index: number): Hop => {
    const member = type.members[index] as (typeof type.members)[number];
    return { owner: type.id, index, bitOffset: member.bitOffset, type: member.type };
  };
  for (let index = 0; index < type.members.length; index++) {
    const member = type.members[index] as (typeof type.members)[number];
    if (member.name === '') {
      const inner = findMember(search, member.type, room - 1);
      if (inner) return { ...inner, path: [hop(index), ...inner.path] };
    } else if (member.name === step.name) {
      const mismatch = incompatibility(search, member.type);
      return { path: [hop(index)], ...(mismatch !== undefined && { mismatch }) };
    }
  }
  without.add(type.id);
  return undefined;
}

function incompatibility({ local, step, btf }: Search, found: TypeId): string | undefined {
  const owner = local.btf.type(step.type) as BtfOf<'STRUCT'>;
  const { type: wanted } = owner.members[step.index] as (typeof owner.members)[number];
  if (fieldsAreCompatible(local.btf, wanted, btf, found)) return undefined;
  return `its member ${step.name} is of an incompatible kind (${resolved(btf, found).kind}, not ${resolved(local.btf, wanted).kind})`;
}
