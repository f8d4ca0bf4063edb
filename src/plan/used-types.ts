// What an object reads of the kernel's types, as far as its CO-RE records and externs say: what a change there would break.

import { type Btf, essentialName, findType, resolved, skipModsAndTypedefs, type TypeId, type UsedTypes } from '../btf/index.js';
import type { BpfObject } from '../object/index.js';
import { CORE_KINDS, classOf, parseSpec, type Spec } from '../relocate/index.js';

interface Use {
  readonly parts: Set<string>;
  size: boolean;
}

const WORDS: Readonly<Record<string, string>> = {
  STRUCT: 'struct',
  UNION: 'union',
  ENUM: 'enum',
  ENUM64: 'enum',
  TYPEDEF: 'typedef',
};
/** Records that ask how big a type is, and those that compare all that the object declares of it. */
const SIZE = 'type_size';
const MATCH = 'type_matches';

/**
 * By names as `diffBtf` has them.
 * @throws {RelocationError} when a record does not fit the object's own types.
 */
export function usedTypes(object: BpfObject): UsedTypes {
  const uses = new Map<string, Use>();
  const use = (name: string): Use => {
    const known = uses.get(name) ?? { parts: new Set<string>(), size: false };
    uses.set(name, known);
    return known;
  };
  const { btf } = object;
  if (!btf) return uses;
  for (const relos of object.coreRelos.values()) {
    for (const { type, access, kind } of relos) {
      const name = CORE_KINDS[kind]?.name;
      if (!name) continue;
      const spec = parseSpec(btf, type, access, name, object.where);
      const root = use(nameOf(btf, type));
      if (classOf(name) === 'field') addFields(spec, use);
      else if (classOf(name) === 'enumval') root.parts.add(essentialName(spec.accessors[0]?.name ?? ''));
      else if (name === SIZE) root.size = true;
      else if (name === MATCH) addMatched(btf, type, use);
    }
  }
  for (const { name, section } of object.externs) {
    if (section !== '.ksyms') continue;
    const isFunction = findType(btf, name, 'FUNC') !== undefined;
    use(`${isFunction ? 'func' : 'var'} ${essentialName(name)}`);
  }
  return uses;
}

/** `struct task_struct` for `task_struct___old`. */
function nameOf(btf: Btf, id: TypeId): string {
  const { kind, name } = btf.type(id);
  const type = WORDS[kind] ? { kind, name } : resolved(btf, id);
  return `${WORDS[type.kind] ?? type.kind.toLowerCase()} ${essentialName(type.name)}`;
}

/** Each named step is a member of the last struct that has a name, with a path through those that have none. */
function addFields({ btf, root, accessors }: Spec, use: (name: string) => Use): void {
  let owner = nameOf(btf, root);
  let path = '';
  for (const { type, name } of accessors) {
    if (name === undefined) continue;
    const isNamed = btf.name(type) !== '';
    if (isNamed) owner = nameOf(btf, type);
    path = isNamed || path === '' ? name : `${path}.${name}`;
    use(owner).parts.add(path);
  }
}

/** All that the object declares of a type and of those that it is made of; of what is behind a pointer, only the name is compared. */
function addMatched(btf: Btf, root: TypeId, use: (name: string) => Use): void {
  const todo = [{ id: skipModsAndTypedefs(btf, root), owner: use(nameOf(btf, root)), path: '' }];
  const seen = new Set<TypeId>();
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { id, owner, path } = next;
    const type = btf.type(id);
    if (seen.has(id)) continue;
    seen.add(id);
    if ('values' in type) for (const { name } of type.values) owner.parts.add(essentialName(name));
    if (!('members' in type)) continue;
    for (const member of type.members) {
      const name = [path, member.name].filter(Boolean).join('.');
      if (member.name !== '') owner.parts.add(name);
      const inner = btf.type(elementOf(btf, member.type));
      if (inner.name === '') {
        if ('members' in inner) todo.push({ id: inner.id, owner, path: name });
      } else if ('members' in inner || 'values' in inner)
        todo.push({ id: inner.id, owner: use(nameOf(btf, inner.id)), path: '' });
    }
  }
}

/** What a member is, or is an array of. */
function elementOf(btf: Btf, id: TypeId): TypeId {
  let at = skipModsAndTypedefs(btf, id);
  for (let depth = 0; depth < MOST_DIMENSIONS; depth++) {
    const type = btf.type(at);
    if (type.kind !== 'ARRAY') break;
    at = skipModsAndTypedefs(btf, type.type);
  }
  return at;
}
const MOST_DIMENSIONS = 32;
