// Map definitions: an extern declaration must say the same as the definition, field by field.

import { type Btf, resolved, sizeOf, skipModsAndTypedefs, spell, type TypeId } from '../btf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { Comparison } from './comparison.js';

/** Fields whose value is the length of an array, or an enumerator. */
const NUMBERS = new Set(['type', 'max_entries', 'map_flags', 'numa_node', 'key_size', 'value_size', 'pinning', 'map_extra']);
const TYPES: Readonly<Record<string, string>> = { key: 'key_size', value: 'value_size' };

interface MapDef {
  readonly numbers: ReadonlyMap<string, bigint>;
  readonly types: ReadonlyMap<string, TypeId>;
  /** Type of the inner map's definition. */
  readonly inner: TypeId | undefined;
}

/**
 * What is different between two definitions of a map, in words; undefined if nothing is.
 * @param id1 A VAR.
 * @see libbpf map_defs_match, src/linker.c
 */
export function mapMismatch(first: Btf, id1: TypeId, second: Btf, id2: TypeId): string | undefined {
  const a = first.type(id1);
  const b = second.type(id2);
  if (a.kind !== 'VAR' || b.kind !== 'VAR') return 'one of them is no map';
  return definitionMismatch(first, a.type, second, b.type, a.name);
}

function definitionMismatch(first: Btf, id1: TypeId, second: Btf, id2: TypeId, name: string): string | undefined {
  const a = readDefinition(first, id1, name);
  const b = readDefinition(second, id2, name);
  for (const key of NUMBERS) {
    const one = a.numbers.get(key) ?? 0n;
    const other = b.numbers.get(key) ?? 0n;
    if (one !== other) return `${key} is ${one} in one and ${other} in the other`;
  }
  for (const key of Object.keys(TYPES)) {
    const one = a.types.get(key);
    const other = b.types.get(key);
    if ((one === undefined) !== (other === undefined)) return `only one of them gives the type of its ${key}s`;
    if (one === undefined || other === undefined) continue;
    const difference = new Comparison(first, second).difference(one, other, true, 0);
    if (difference !== undefined)
      return `the ${key} is ${spell(first, one)} in one and ${spell(second, other)} in the other (${difference})`;
  }
  if ((a.inner === undefined) !== (b.inner === undefined)) return 'only one of them says what its inner maps are';
  if (a.inner === undefined || b.inner === undefined) return undefined;
  const inner = definitionMismatch(first, a.inner, second, b.inner, `${name}.inner`);
  return inner && `of the inner map, ${inner}`;
}

/** @see libbpf parse_btf_map_def, src/libbpf.c */
function readDefinition(btf: Btf, id: TypeId, name: string): MapDef {
  const where = { ...btf.where, map: name };
  const definition = resolved(btf, id);
  if (definition.kind !== 'STRUCT')
    throw new FormatError(`Map ${name} is defined by ${spell(btf, id)}; a struct is expected`, { where });
  const numbers = new Map<string, bigint>();
  const types = new Map<string, TypeId>();
  let inner: TypeId | undefined;
  for (const member of definition.members) {
    const sizeField = Object.hasOwn(TYPES, member.name) ? TYPES[member.name] : undefined;
    if (NUMBERS.has(member.name)) {
      const value = numberOf(btf, member.type);
      if (value === undefined)
        throw new FormatError(
          `Map ${name}: field ${member.name} is ${spell(btf, member.type)}; write __uint(${member.name}, …)`,
          {
            where,
          },
        );
      numbers.set(member.name, value);
    } else if (sizeField) {
      const pointer = btf.type(member.type);
      if (pointer.kind !== 'PTR')
        throw new FormatError(
          `Map ${name}: field ${member.name} is ${spell(btf, member.type)}; write __type(${member.name}, …)`,
          {
            where,
          },
        );
      numbers.set(sizeField, BigInt(sizeOf(btf, pointer.type)));
      types.set(member.name, pointer.type);
    } else if (member.name === 'values') {
      inner = innerDefinition(btf, member.type);
      numbers.set('value_size', 4n);
      if (inner !== undefined && name.endsWith('.inner'))
        throw new UnsupportedError(`Map ${name} holds maps of maps`, { where, remedy: 'One level of inner maps is possible.' });
    } else {
      throw new UnsupportedError(`Map ${name} has a field "${member.name}" that no loader knows`, {
        where,
        remedy: `Known fields: ${[...NUMBERS, ...Object.keys(TYPES), 'values'].join(', ')}.`,
      });
    }
  }
  return { numbers, types, inner };
}

/** `int (*name)[N]`, or an enum with one value. */
function numberOf(btf: Btf, id: TypeId): bigint | undefined {
  const type = resolved(btf, id);
  if (type.kind === 'ENUM' || type.kind === 'ENUM64') return type.values[0] && BigInt.asUintN(64, type.values[0].value);
  const array = type.kind === 'PTR' ? btf.type(type.type) : undefined;
  return array?.kind === 'ARRAY' ? BigInt(array.nelems) : undefined;
}

/** `__array(values, struct inner)`: an array of pointers to the struct. Pointers to functions are a prog array, which holds no maps. */
function innerDefinition(btf: Btf, id: TypeId): TypeId | undefined {
  const array = btf.type(id);
  const pointer = array.kind === 'ARRAY' ? resolved(btf, array.type) : undefined;
  if (pointer?.kind !== 'PTR') return undefined;
  const inner = skipModsAndTypedefs(btf, pointer.type);
  return btf.kind(inner) === 'STRUCT' ? inner : undefined;
}
