// Which type are the records of a ring buffer? BTF does not say; programs leave hints.

import { type Btf, type BtfParam, findType, resolved, type TypeId, typesOf } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import type { BpfMapDef, BpfObject } from '../object/index.js';

/**
 * The type of a ring buffer's records: the one named, else that of `__type(value, …)` on the map, else that of the only
 * variable that no program touches, which is there for its type, else the only struct that has no other use.
 * @param name `event`, `struct event`, or undefined.
 * @throws {UsageError} listing the candidates when there is not exactly one.
 */
export function eventType(object: BpfObject, map: BpfMapDef, name: string | undefined): TypeId {
  const { btf } = object;
  if (!btf)
    throw new UsageError('The object has no BTF, so events have no types', {
      remedy: 'Compile with clang -g, or read raw records.',
    });
  if (name !== undefined) return namedType(btf, name);
  if (map.valueType !== undefined) return map.valueType;
  const byVariable = untouchedVariableTypes(object, btf);
  if (byVariable.length === 1) return byVariable[0] as TypeId;
  const structs = byVariable.length > 1 ? byVariable : loneStructs(object, btf);
  if (structs.length === 1) return structs[0] as TypeId;
  const list = structs.map((id) => `"${btf.name(id)}"`).join(', ');
  throw new UsageError(`The type of ${map.name}'s records is not clear: ${structs.length} candidates`, {
    where: { ...object.where, map: map.name },
    remedy: `${list ? `Name one of ${list}` : 'Name a type'}, or add a global "struct event *unused_event __attribute__((unused));" to the source: a variable that nothing uses, of the records' type.`,
  });
}

function namedType(btf: Btf, name: string): TypeId {
  const bare = name.replace(/^(struct|union|enum)\s+/, '');
  const id = findType(btf, bare, 'STRUCT', 'UNION', 'TYPEDEF', 'INT', 'ENUM', 'ENUM64', 'FLOAT');
  if (id !== undefined) return id;
  const names = [...typesOf(btf, 'STRUCT'), ...typesOf(btf, 'TYPEDEF')]
    .map((candidate) => btf.name(candidate))
    .filter((candidate) => candidate !== '');
  const similar = nearest(bare, names);
  throw new UsageError(`The object's BTF has no type "${name}"`, similar ? { remedy: `Did you mean "${similar}"?` } : {});
}

/** Structs that variables without a reference point to, or are. */
function untouchedVariableTypes({ programs, maps }: BpfObject, btf: Btf): TypeId[] {
  const touched = programs.flatMap(({ references }) => references.filter((ref) => ref.kind === 'map_value'));
  const found = maps.flatMap((map) => {
    const datasec = map.data && map.valueType !== undefined ? btf.type(map.valueType) : undefined;
    if (datasec?.kind !== 'DATASEC') return [];
    return datasec.vars.flatMap(({ type, offset, size }) => {
      // Programs may refer to a member or an element, which is somewhere inside.
      if (touched.some((ref) => ref.map === map.name && ref.offset >= offset && ref.offset < offset + size)) return [];
      const variable = resolvedVariable(btf, type);
      const target = variable.kind === 'PTR' ? resolved(btf, variable.type) : variable;
      return target.kind === 'STRUCT' && target.name ? [target.id] : [];
    });
  });
  return [...new Set(found)];
}

const resolvedVariable = (btf: Btf, id: TypeId) => {
  const variable = btf.type(id);
  return variable.kind === 'VAR' ? resolved(btf, variable.type) : variable;
};

/**
 * Named structs that are neither the kernel's (roots of CO-RE relocations and what they lead to), nor keys or values of maps, nor
 * contexts of programs.
 */
function loneStructs({ programs, maps, coreRelos }: BpfObject, btf: Btf): TypeId[] {
  const used = new Set<TypeId>();
  const use = (root: TypeId): void => {
    const open = [root]; // not by recursion: types may refer to each other in a chain that is longer than any stack
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const type = resolved(btf, id);
      if (used.has(type.id)) continue;
      used.add(type.id);
      if (type.kind === 'STRUCT' || type.kind === 'UNION') for (const member of type.members) open.push(member.type);
      else if (type.kind === 'PTR' || type.kind === 'ARRAY') open.push(type.type);
    }
  };
  for (const relos of coreRelos.values()) for (const relo of relos) use(relo.type);
  for (const { name, isSubprogram } of programs) if (!isSubprogram) for (const { type } of parametersOf(btf, name)) use(type);
  for (const { keyType, valueType, data } of maps)
    if (!data) for (const id of [keyType, valueType]) if (id !== undefined) use(id);
  return [...typesOf(btf, 'STRUCT')].filter((id) => btf.name(id) !== '' && !used.has(id));
}

function parametersOf(btf: Btf, functionName: string): readonly BtfParam[] {
  const id = findType(btf, functionName, 'FUNC');
  const type = id === undefined ? undefined : btf.type(id);
  const signature = type?.kind === 'FUNC' ? btf.type(type.type) : undefined;
  return signature?.kind === 'FUNC_PROTO' ? signature.params : [];
}
