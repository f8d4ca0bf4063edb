// What an object is, as plain data for people and programs: no kernel is asked anything.

import { type Btf, spell } from '../btf/index.js';
import { BpfError } from '../errors.js';
import { insnCount, readInsn } from '../insn/index.js';
import { variablesOf } from '../maps/index.js';
import { type BpfFunction, type BpfMapDef, type BpfObject, type LinkedProgram, ProgramLinker } from '../object/index.js';
import { wanted } from '../plan/index.js';
import { BPF_FUNC, BPF_MAP_TYPE } from '../uapi/enums.js';
import { CALL } from '../uapi/insn.js';
import { describeError } from './json.js';
import { leastJson, type Needed, requirementJson } from './requirements.js';

/** `BPF_PROG_TYPE_TRACEPOINT` -> `tracepoint`, as bpftool writes it. */
export const short = (name: string, prefix: string): string => name.slice(prefix.length).toLowerCase();

const nameOf = (names: Readonly<Record<string, number>>, prefix: string, number: number): string => {
  const name = Object.entries(names).find(([, value]) => value === number)?.[0];
  return name ? name.slice(prefix.length) : String(number);
};
export const mapTypeName = (type: number): string =>
  nameOf(BPF_MAP_TYPE, 'BPF_MAP_TYPE_', type)
    .replace(/_DEPRECATED$/, '')
    .toLowerCase();
const helperName = (number: number): string => `bpf_${nameOf(BPF_FUNC, 'BPF_FUNC_', number)}`;

export interface ProgramDescription {
  readonly name: string;
  readonly section: string;
  readonly type: string;
  readonly expected_attach_type: string | null;
  readonly autoload: boolean;
  readonly sleepable: boolean;
  /** With the functions that it calls. */
  readonly instructions: number;
  readonly functions: readonly string[];
  readonly maps: readonly string[];
  readonly helpers: readonly string[];
  readonly externs: readonly string[];
  readonly core_relocations: number;
  readonly error?: Record<string, unknown>;
}

export interface MapDescription {
  readonly name: string;
  readonly type: string;
  readonly key: string | null;
  readonly key_size: number;
  readonly value: string | null;
  readonly value_size: number;
  readonly max_entries: number;
  readonly map_flags: number;
  readonly pinned: string | null;
  readonly inner: MapDescription | null;
  readonly initial: readonly string[];
}

export interface VariableDescription {
  readonly section: string;
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly size: number;
  /** As JavaScript has it; undefined for what has no value that can be shown. */
  readonly value: unknown;
}

export interface ObjectDescription {
  readonly name: string;
  readonly file: string | null;
  readonly little_endian: boolean;
  readonly license: string;
  readonly programs: readonly ProgramDescription[];
  readonly maps: readonly MapDescription[];
  readonly variables: readonly VariableDescription[];
  readonly struct_ops: readonly {
    readonly name: string;
    readonly type: string;
    readonly link: boolean;
    readonly functions: Record<string, string>;
  }[];
  readonly externs: readonly {
    readonly name: string;
    readonly section: string;
    readonly kind: string;
    readonly type: string;
    readonly weak: boolean;
  }[];
  /** What a kernel is asked before a load. */
  readonly asks: ReturnType<typeof wanted>;
  readonly least_kernel: ReturnType<typeof leastJson>;
  /** What it must have; `needed_by` names programs and maps, each with its line of C. */
  readonly requirements: readonly Record<string, unknown>[];
}

/** @param needed As `neededAnywhere` has it. */
export function describeObject(object: BpfObject, needed: Needed): ObjectDescription {
  const { btf } = object;
  const linker = new ProgramLinker();
  return {
    name: object.name,
    file: object.where.file ?? null,
    little_endian: object.littleEndian,
    license: object.license,
    programs: object.programs
      .filter(({ isSubprogram }) => !isSubprogram)
      .map((program) => describeProgram(object, program, linker)),
    maps: object.maps
      .filter(({ data, structOps, type }) => !structOps && (!data || type !== BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY))
      .map((map) => describeMap(btf, map)),
    variables: object.maps.flatMap((map) => (btf ? describeVariables(btf, map) : [])),
    struct_ops: object.maps.flatMap((map) => (btf && map.structOps ? [describeStructOps(btf, map)] : [])),
    externs: object.externs.map((extern) => ({
      name: extern.name,
      section: extern.section,
      kind: extern.kind,
      type: extern.kind === 'kconfig' ? extern.value : extern.type === 0 || !btf ? 'void' : spell(btf, extern.type),
      weak: extern.weak,
    })),
    asks: wanted(object),
    least_kernel: leastJson(needed),
    requirements: needed.requirements.map(requirementJson),
  };
}

function describeProgram(object: BpfObject, program: BpfFunction, linker: ProgramLinker): ProgramDescription {
  const { name, section, type, def, autoload } = program;
  const head = {
    name,
    section,
    type: short(type, 'BPF_PROG_TYPE_'),
    expected_attach_type: def?.attachType ? short(def.attachType, 'BPF_') : null,
    autoload,
    sleepable: def?.sleepable ?? false,
  };
  try {
    const linked = linker.link(object, program);
    const inside = new Set(linked.functions.map((fn) => fn.name));
    return {
      ...head,
      instructions: insnCount(linked.insns),
      functions: [...inside].filter((fn) => fn !== name),
      maps: unique(linked.references.flatMap((ref) => (ref.kind === 'extern' ? [] : [ref.map]))),
      helpers: helpersOf(linked),
      externs: unique(linked.references.flatMap((ref) => (ref.kind === 'extern' ? [ref.name] : []))),
      core_relocations: countRelocations(object, inside),
    };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    const instructions = insnCount(program.insns);
    return {
      ...head,
      instructions,
      functions: [],
      maps: [],
      helpers: [],
      externs: [],
      core_relocations: 0,
      error: describeError(error),
    };
  }
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];

function helpersOf({ insns, references }: LinkedProgram): string[] {
  const known = new Set(references.map(({ insn }) => insn));
  const found: string[] = [];
  for (let i = 0; i < insnCount(insns); i++) {
    const { code, src, imm } = readInsn(insns, i);
    if (code === CALL && src === 0 && !known.has(i)) found.push(helperName(imm));
  }
  return unique(found);
}

const countRelocations = ({ coreRelos, programs }: BpfObject, names: ReadonlySet<string>): number =>
  programs
    .filter(({ name }) => names.has(name))
    .reduce((sum, { section, start, insns }) => {
      const end = start + insnCount(insns);
      return sum + (coreRelos.get(section) ?? []).filter(({ insn }) => insn >= start && insn < end).length;
    }, 0);

const describeMap = (btf: Btf | undefined, map: BpfMapDef): MapDescription => ({
  name: map.name,
  type: mapTypeName(map.type),
  key: map.keyType === undefined || !btf ? null : spell(btf, map.keyType),
  key_size: map.keySize,
  value: map.valueType === undefined || !btf ? null : spell(btf, map.valueType),
  value_size: map.valueSize,
  max_entries: map.maxEntries,
  map_flags: map.flags,
  pinned: map.pinPath ?? null,
  inner: map.inner ? describeMap(btf, map.inner) : null,
  initial: (map.slots ?? []).map(({ index, name }) => `[${index}] ${name}`),
});

function describeVariables(btf: Btf, { data, valueType }: BpfMapDef): VariableDescription[] {
  const type = data && valueType !== undefined ? btf.type(valueType) : undefined;
  if (!data || valueType === undefined || type?.kind !== 'DATASEC') return [];
  const values = variablesOf(btf, valueType, { section: data.section, bytes: () => data.image });
  return type.vars.flatMap(({ type: id, offset, size }) => {
    const variable = btf.type(id);
    if (variable.kind !== 'VAR') return [];
    const { name } = variable;
    return { section: data.section, name, type: spell(btf, variable.type), offset, size, value: readable(() => values[name]) };
  });
}

/** Functions and forwards have no value. */
function readable(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

function describeStructOps(btf: Btf, { name, structOps }: BpfMapDef): ObjectDescription['struct_ops'][number] {
  const { type: id = 0, programs = new Map<number, string>(), link = false } = structOps ?? {};
  const type = btf.type(id);
  const members = type.kind === 'STRUCT' ? type.members : [];
  const functions = Object.fromEntries([...programs].map(([member, program]) => [members[member]?.name ?? member, program]));
  return { name, type: spell(btf, id), link, functions };
}
