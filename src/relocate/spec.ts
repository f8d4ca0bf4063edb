// A CO-RE spec: a root type and a way into it, parsed from an access string such as `0:95:1`.

import { type Btf, type BtfType, resolved, sizeOf, skipModsAndTypedefs, spell, type TypeId } from '../btf/index.js';
import { RelocationError, type Where } from '../errors.js';
import { type CoreKind, classOf } from './kinds.js';

/** One step that means something: a named member, or an array element (the first step indexes the root as a pointer would). */
export interface Accessor {
  /** The struct that has the member, or the element's type; under its modifiers and typedefs. */
  readonly type: TypeId;
  readonly index: number;
  /** Absent for array elements. */
  readonly name?: string;
}

export interface Spec {
  readonly btf: Btf;
  readonly kind: CoreKind;
  readonly root: TypeId;
  /** Every index of the access string, anonymous members included. */
  readonly raw: readonly number[];
  readonly accessors: readonly Accessor[];
  readonly bitOffset: number;
}

/** libbpf's BPF_CORE_SPEC_MAX_LEN. */
export const MAX_SPEC_LENGTH = 64;

/**
 * Parses an access string against the object's own BTF.
 * @throws {RelocationError} when it is malformed or does not fit the type.
 * @see libbpf bpf_core_parse_spec, src/relo_core.c
 */
export function parseSpec(btf: Btf, root: TypeId, access: string, kind: CoreKind, where: Where = {}): Spec {
  const refuse = (what: string) =>
    new RelocationError(`CO-RE access string "${access}" of ${spell(btf, root)}: ${what}`, { where });
  if (!/^\d{1,10}(:\d{1,10})*$/.test(access)) throw refuse('indexes separated by colons expected');
  const raw = access.split(':').map(Number);
  if (raw.length > MAX_SPEC_LENGTH) throw refuse(`${raw.length} levels, at most ${MAX_SPEC_LENGTH}`);
  const spec = { btf, kind, root, raw };
  const type = resolved(btf, root);

  switch (classOf(kind)) {
    case 'type': {
      if (access !== '0') throw refuse('a type relocation has just 0');
      return { ...spec, accessors: [], bitOffset: 0 };
    }
    case 'enumval': {
      if (type.kind !== 'ENUM' && type.kind !== 'ENUM64') throw refuse('an enumerator of something that is no enum');
      const value = raw.length === 1 ? type.values[raw[0] as number] : undefined;
      if (!value) throw refuse(`one index below ${type.values.length} expected`);
      return { ...spec, accessors: [{ type: type.id, index: raw[0] as number, name: value.name }], bitOffset: 0 };
    }
    case 'field':
      return { ...spec, ...walk(btf, type, raw, refuse) };
  }
}

function walk(
  btf: Btf,
  root: BtfType,
  raw: readonly number[],
  refuse: (what: string) => Error,
): Pick<Spec, 'accessors' | 'bitOffset'> {
  const [first, ...rest] = raw as [number, ...number[]];
  const accessors: Accessor[] = [{ type: root.id, index: first }];
  let bitOffset = first === 0 ? 0 : first * sizeOf(btf, root.id) * 8;
  let current = root;
  for (const index of rest) {
    if (current.kind === 'STRUCT' || current.kind === 'UNION') {
      const member = current.members[index];
      if (!member) throw refuse(`member ${index} does not exist: ${spell(btf, current.id)} has ${current.members.length}`);
      bitOffset += member.bitOffset;
      if (member.name) accessors.push({ type: current.id, index, name: member.name });
      current = resolved(btf, member.type);
    } else if (current.kind === 'ARRAY') {
      if (index >= current.nelems && !isFlexibleArray(btf, accessors.at(-1), current.nelems))
        throw refuse(`${spell(btf, current.id)} has no element ${index}`);
      current = resolved(btf, current.type);
      accessors.push({ type: current.id, index });
      bitOffset += index * sizeOf(btf, current.id) * 8;
    } else throw refuse(`${spell(btf, current.id)} has no members or elements`);
  }
  return { accessors, bitOffset };
}

/** An array without elements that is the last member of its struct: any index is allowed. */
export function isFlexibleArray(btf: Btf, owner: Accessor | undefined, nelems: number): boolean {
  if (nelems !== 0 || owner?.name === undefined) return false;
  const type = btf.type(owner.type);
  return (type.kind === 'STRUCT' || type.kind === 'UNION') && owner.index === type.members.length - 1;
}

/** `struct task_struct.real_parent.tgid (0:95:1 @ offset 1280)`: libbpf's wording, which people search for. */
export function showSpec({ btf, kind, root, raw, accessors, bitOffset }: Spec): string {
  const head = spellRoot(btf, root);
  const [first] = accessors;
  if (classOf(kind) === 'type') return head;
  if (classOf(kind) === 'enumval') {
    const type = resolved(btf, root);
    const value = (type.kind === 'ENUM' || type.kind === 'ENUM64') && first ? type.values[first.index]?.value : undefined;
    return `${head}::${first?.name} = ${value}`;
  }
  const path = accessors.map(({ name, index }, i) => (name ? `.${name}` : i > 0 || index > 0 ? `[${index}]` : '')).join('');
  const bits = bitOffset % 8;
  return `${head}${path} (${raw.join(':')} @ offset ${Math.floor(bitOffset / 8)}${bits ? `.${bits}` : ''})`;
}

function spellRoot(btf: Btf, root: TypeId): string {
  const type = btf.type(root);
  return `${type.kind.toLowerCase()} ${type.name || '<anon>'}`;
}

/** The type that a field spec ends at, under modifiers and typedefs, and its place in a struct if it is a member. */
export function endOf({ btf, accessors }: Spec): {
  readonly type: BtfType;
  readonly bitfieldSize: number;
  readonly isMember: boolean;
} {
  const last = accessors.at(-1) as Accessor;
  const type = btf.type(skipModsAndTypedefs(btf, last.type));
  if (last.name === undefined || (type.kind !== 'STRUCT' && type.kind !== 'UNION'))
    return { type, bitfieldSize: 0, isMember: false };
  const member = type.members[last.index] as (typeof type.members)[number];
  return { type: resolved(btf, member.type), bitfieldSize: member.bitfieldSize, isMember: true };
}
