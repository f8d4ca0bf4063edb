// What an object reads of the kernel's types, as far as its CO-RE records and externs say: what a change there would break.

import { type Btf, essentialName, findType, resolved, type TypeId, type UsedTypes } from '../btf/index.js';
import type { BpfObject } from '../object/index.js';
import { CORE_KINDS, classOf, parseSpec, type Spec } from '../relocate/index.js';

interface Use {
  readonly parts: Set<string>;
  size: boolean;
  whole: boolean;
}

const WORDS: Readonly<Record<string, string>> = {
  STRUCT: 'struct',
  UNION: 'union',
  ENUM: 'enum',
  ENUM64: 'enum',
  TYPEDEF: 'typedef',
};
/** Records that ask how big a type is, and those that compare all of it. */
const SIZE = 'type_size';
const WHOLE = 'type_matches';

/**
 * By names as `diffBtf` has them.
 * @throws {RelocationError} when a record does not fit the object's own types.
 */
export function usedTypes(object: BpfObject): UsedTypes {
  const uses = new Map<string, Use>();
  const use = (name: string): Use => {
    const known = uses.get(name) ?? { parts: new Set<string>(), size: false, whole: false };
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
      else if (name === WHOLE) root.whole = true;
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
