// Section .maps: maps defined by the types of their variables. The section's bytes are never read.

import { type Btf, type BtfMember, type BtfType, findType, resolved, sizeOf, spell } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import type { ElfFile } from '../elf/index.js';
import { FormatError, UnsupportedError, type Where } from '../errors.js';
import { BTF_VAR_GLOBAL_ALLOCATED } from '../uapi/btf.js';
import { kernelName } from './data-sections.js';
import type { BpfMapDef } from './object.js';
import { section } from './sections.js';

/**
 * @throws {FormatError} naming map and field when a definition is malformed.
 * @see libbpf parse_btf_map_def, src/libbpf.c
 */
export function collectMaps(elf: ElfFile, btf: Btf | undefined): BpfMapDef[] {
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
        remedy: 'Remove static from its definition.',
      });
    const definition = resolved(btf, variable.type);
    if (definition.kind !== 'STRUCT')
      throw new FormatError(`Map ${variable.name} is defined by ${spell(btf, variable.type)}; a struct is expected`, {
        where: at,
      });
    return readDefinition(btf, variable.name, definition.members, at);
  });
}

type Draft = { -readonly [K in keyof BpfMapDef]: BpfMapDef[K] };

function readDefinition(btf: Btf, name: string, members: readonly BtfMember[], where: Where): BpfMapDef {
  const map: Draft = {
    name,
    kernelName: kernelName(name),
    type: 0,
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
    flags: 0,
    numaNode: 0,
    extra: 0n,
    pinned: false,
  };
  const most = Object.keys(FIELDS).length;
  if (members.length > most)
    throw new FormatError(`Map ${name} has ${members.length} fields, of ${most} that there are`, { where });
  for (const member of members) {
    const field = Object.hasOwn(FIELDS, member.name) ? FIELDS[member.name] : undefined;
    if (!field) {
      const similar = nearest(member.name, Object.keys(FIELDS));
      throw new UnsupportedError(`Map ${name} has a field "${member.name}" that no loader knows`, {
        where,
        remedy: `${similar ? `Did you mean "${similar}"? ` : ''}Known fields: ${Object.keys(FIELDS).join(', ')}.`,
      });
    }
    field(map, { btf, type: btf.type(member.type), name: member.name, where });
  }
  if (map.type === 0) throw new FormatError(`Map ${name} has no type`, { where, remedy: 'Add __uint(type, BPF_MAP_TYPE_…).' });
  return map;
}

interface FieldContext {
  readonly btf: Btf;
  readonly type: BtfType;
  readonly name: string;
  readonly where: Where;
}

/** `__uint(name, N)` is `int (*name)[N]`. */
function uint({ btf, type, name, where }: FieldContext): number {
  const pointer = resolved(btf, type.id);
  const array = pointer.kind === 'PTR' ? btf.type(pointer.type) : undefined;
  if (array?.kind !== 'ARRAY')
    throw new FormatError(`Field "${name}" is ${spell(btf, type.id)}; write __uint(${name}, …)`, { where });
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
      { where: context.where },
    );
  return BigInt.asUintN(64, value);
}

/** `__type(name, T)` is `T *name`. */
function typeField({ btf, type, name, where }: FieldContext): { readonly id: number; readonly size: number } {
  if (type.kind !== 'PTR')
    throw new FormatError(`Field "${name}" is ${spell(btf, type.id)}; write __type(${name}, …)`, { where });
  return { id: type.type, size: sizeOf(btf, type.type) };
}

function setSize(map: Draft, what: 'keySize' | 'valueSize', size: number, { name, where }: FieldContext): void {
  if (map[what] !== 0 && map[what] !== size)
    throw new FormatError(`Field "${name}" says ${size} bytes, an earlier one ${map[what]}`, { where });
  map[what] = size;
}

const notYet = (map: Draft, { name, where }: FieldContext) => {
  throw new UnsupportedError(`Map ${map.name}: field "${name}" is not supported yet`, { where });
};

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
  values: notYet,
  pinning: (map, context) => {
    const pinning = uint(context);
    if (pinning > 1)
      throw new FormatError(`Field "pinning" is ${pinning}; 0 (none) or 1 (by name) expected`, { where: context.where });
    map.pinned = pinning === 1;
  },
  map_extra: (map, context) => {
    map.extra = ulong(context);
  },
};
