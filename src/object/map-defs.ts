// Section .maps: maps defined by the types of their variables. The section's bytes are never read; its relocations say what
// initial values name (`map-slots.ts`).

import { type Btf, type BtfMember, type BtfType, findType, resolved, sizeOf, spell } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import type { ElfFile } from '../elf/index.js';
import { FormatError, UnsupportedError, type Where } from '../errors.js';
import { BTF_VAR_GLOBAL_ALLOCATED } from '../uapi/btf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { emptyMap } from './map-names.js';
import type { BpfMapDef } from './object.js';
import { section } from './sections.js';

/** A map and where its variable lies in the section, in bytes. */
export interface PlacedMap {
  readonly map: BpfMapDef;
  readonly offset: number;
  readonly size: number;
  /** Where its initial values start, from `offset`; undefined without a field `values`. */
  readonly valuesAt: number | undefined;
}

/**
 * @throws {FormatError} naming map and field when a definition is malformed.
 * @see libbpf parse_btf_map_def, src/libbpf.c
 */
export function collectMaps(elf: ElfFile, btf: Btf | undefined): PlacedMap[] {
  const elfSection = section(elf, '.maps');
  if (!elfSection || !btf) return [];
  const where = elfSection.data.where;
  const datasec = findType(btf, '.maps', 'DATASEC');
  const type = datasec === undefined ? undefined : btf.type(datasec);
  if (type?.kind !== 'DATASEC')
    throw new FormatError('Section .maps has no DATASEC in BTF', { where, remedy: 'Compile with clang -g.' });
  return type.vars.map(({ type: id, offset, size }) => {
    const variable = btf.type(id);
    if (variable.kind !== 'VAR' || !variable.name)
      throw new FormatError(`Section .maps lists type ${id}, which is no named variable`, { where });
    const at = { ...where, map: variable.name };
    if (offset + size > elfSection.size)
      throw new FormatError(`Map ${variable.name} ends at ${offset + size}, past the ${elfSection.size} bytes of .maps`, {
        where: at,
      });
    if (variable.linkage !== BTF_VAR_GLOBAL_ALLOCATED)
      throw new UnsupportedError(`Map ${variable.name} is static or extern`, {
        where: at,
        remedy: 'Remove static, or extern, from its definition.',
      });
    const definition = resolved(btf, variable.type);
    if (definition.kind !== 'STRUCT')
      throw new FormatError(`Map ${variable.name} is defined by ${spell(btf, variable.type)}; a struct is expected`, {
        where: at,
        remedy:
          'Write struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); __type(value, u64); __uint(max_entries, 1024); } name SEC(".maps");',
      });
    const values = definition.members.find(({ name }) => name === 'values');
    return {
      map: readDefinition(btf, variable.name, definition.members, at),
      offset,
      size,
      valuesAt: values && values.bitOffset / 8,
    };
  });
}

/** Where maps are pinned by their name, unless the user says where. */
export const PIN_ROOT = '/sys/fs/bpf';

type Draft = { -readonly [K in keyof BpfMapDef]: BpfMapDef[K] };

function readDefinition(btf: Btf, name: string, members: readonly BtfMember[], where: Where, isInner = false): BpfMapDef {
  const map: Draft = { ...emptyMap(name), name };
  const most = Object.keys(FIELDS).length;
  if (members.length > most)
    throw new FormatError(`Map ${name} has ${members.length} fields, of ${most} that there are`, {
      where,
      remedy: `Known fields, each at most once: ${Object.keys(FIELDS).join(', ')}.`,
    });
  for (const member of members) {
    const field = Object.hasOwn(FIELDS, member.name) ? FIELDS[member.name] : undefined;
    if (!field) {
      const similar = nearest(member.name, Object.keys(FIELDS));
      throw new UnsupportedError(`Map ${name} has a field "${member.name}" that no loader knows`, {
        where,
        remedy: `${similar ? `Did you mean "${similar}"? ` : ''}Known fields: ${Object.keys(FIELDS).join(', ')}.`,
      });
    }
    field(map, { btf, type: btf.type(member.type), name: member.name, where, isInner, isLast: member === members.at(-1) });
  }
  if (map.type === 0) throw new FormatError(`Map ${name} has no type`, { where, remedy: 'Add __uint(type, BPF_MAP_TYPE_…).' });
  return map;
}

interface FieldContext {
  readonly btf: Btf;
  readonly type: BtfType;
  readonly name: string;
  readonly where: Where;
  /** The definition is that of the values of another map. */
  readonly isInner: boolean;
  readonly isLast: boolean;
}

/** `__uint(name, N)` is `int (*name)[N]`. */
function uint({ btf, type, name, where }: FieldContext): number {
  const pointer = resolved(btf, type.id);
  const array = pointer.kind === 'PTR' ? btf.type(pointer.type) : undefined;
  if (array?.kind !== 'ARRAY')
    throw new FormatError(`Field "${name}" is ${spell(btf, type.id)}, which is no number`, {
      where,
      remedy: `Write __uint(${name}, …), of bpf_helpers.h.`,
    });
  return array.nelems;
}

/** `__ulong(name, V)` is an enum with one enumerator. */
function ulong(context: FieldContext): bigint {
  const type = resolved(context.btf, context.type.id);
  if (type.kind === 'PTR') return BigInt(uint(context));
  const value = type.kind === 'ENUM' || type.kind === 'ENUM64' ? type.values[0]?.value : undefined;
  if (value === undefined)
    throw new FormatError(
      `Field "${context.name}" is ${spell(context.btf, context.type.id)}; write __ulong(${context.name}, …)`,
      { where: context.where, remedy: 'Old versions of gcc and of bpf_helpers.h write it in another way: take newer ones.' },
    );
  return BigInt.asUintN(64, value);
}

/** `__type(name, T)` is `T *name`. */
function typeField({ btf, type, name, where }: FieldContext): { readonly id: number; readonly size: number } {
  if (type.kind !== 'PTR')
    throw new FormatError(`Field "${name}" is ${spell(btf, type.id)}, which names no type`, {
      where,
      remedy: `Write __type(${name}, …), of bpf_helpers.h; a size alone is __uint(${name}_size, …).`,
    });
  return { id: type.type, size: sizeOf(btf, type.type) };
}

function setSize(map: Draft, what: 'keySize' | 'valueSize', size: number, { name, where }: FieldContext): void {
  if (map[what] !== 0 && map[what] !== size)
    throw new FormatError(`Field "${name}" says ${size} bytes, an earlier one ${map[what]}`, {
      where,
      remedy: `Leave one of them out: __type(${what === 'keySize' ? 'key' : 'value'}, …) says the size, too.`,
    });
  map[what] = size;
}

/** What the values of a map may name, by its type. */
const VALUES: Readonly<Record<number, 'STRUCT' | 'FUNC_PROTO'>> = {
  [BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY_OF_MAPS]: 'STRUCT',
  [BPF_MAP_TYPE.BPF_MAP_TYPE_HASH_OF_MAPS]: 'STRUCT',
  [BPF_MAP_TYPE.BPF_MAP_TYPE_PROG_ARRAY]: 'FUNC_PROTO',
};
/** Values are descriptors. */
const FD_SIZE = 4;

/** `__array(values, T)` is `T *values[]`. The kernel learns from T, a map's definition, what the maps in this map are like. */
function values(map: Draft, { btf, type, where, isInner, isLast }: FieldContext): void {
  const wanted = VALUES[map.type];
  if (isInner)
    throw new UnsupportedError('Maps in maps in maps: the kernel allows one level only', {
      where,
      remedy: 'Leave out the field "values" of the inner map.',
    });
  if (!wanted)
    throw new UnsupportedError('Field "values" is for maps of maps and program arrays, and stands after "type"', {
      where,
      remedy:
        'Say first what the map is: __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS), …_HASH_OF_MAPS or …_PROG_ARRAY. Other maps are filled from user space.',
    });
  if (!isLast)
    throw new FormatError('Field "values" must be the last one', {
      where,
      remedy: 'Move __array(values, …) to the end of the definition.',
    });
  if (map.valueSize !== 0 && map.valueSize !== FD_SIZE)
    throw new FormatError(`Values of this map take ${FD_SIZE} bytes, but an earlier field says ${map.valueSize}`, {
      where,
      remedy: 'Leave the earlier field out: __array(values, …) says it all.',
    });
  const pointer = type.kind === 'ARRAY' && type.nelems === 0 ? resolved(btf, type.type) : undefined;
  const element = pointer?.kind === 'PTR' ? resolved(btf, pointer.type) : undefined;
  if (element?.kind !== wanted)
    throw new FormatError(
      `Field "values" is ${spell(btf, type.id)}, which is no array of ${wanted === 'STRUCT' ? 'maps' : 'programs'}`,
      {
        where,
        remedy:
          wanted === 'STRUCT' ? 'Write __array(values, struct { …a map definition… }).' : 'Write __array(values, int (void *)).',
      },
    );
  map.valueSize = FD_SIZE;
  if (element.kind === 'STRUCT') map.inner = readDefinition(btf, `${map.name}.inner`, element.members, where, true);
}

const FIELDS: Readonly<Record<string, (map: Draft, context: FieldContext) => void>> = {
  type: (map, context) => {
    map.type = uint(context);
  },
  max_entries: (map, context) => {
    map.maxEntries = uint(context);
  },
  map_flags: (map, context) => {
    map.flags = uint(context);
  },
  numa_node: (map, context) => {
    map.numaNode = uint(context);
  },
  key_size: (map, context) => setSize(map, 'keySize', uint(context), context),
  value_size: (map, context) => setSize(map, 'valueSize', uint(context), context),
  key: (map, context) => {
    const { id, size } = typeField(context);
    setSize(map, 'keySize', size, context);
    map.keyType = id;
  },
  value: (map, context) => {
    const { id, size } = typeField(context);
    setSize(map, 'valueSize', size, context);
    map.valueType = id;
  },
  values,
  pinning: (map, context) => {
    if (context.isInner)
      throw new FormatError('The maps in a map cannot be pinned by its definition', {
        where: context.where,
        remedy: 'Leave out the field "pinning" of the inner map.',
      });
    const pinning = uint(context);
    if (pinning > 1)
      throw new FormatError(`Field "pinning" is ${pinning}; 0 (none) or 1 (by name) expected`, {
        where: context.where,
        remedy: 'Write __uint(pinning, LIBBPF_PIN_BY_NAME), or leave it out.',
      });
    if (pinning === 1) map.pinPath = `${PIN_ROOT}/${map.name}`;
  },
  map_extra: (map, context) => {
    map.extra = ulong(context);
  },
};
