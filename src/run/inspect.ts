// The relocated form of an object as JSON: the contract that comparisons with other loaders use.

import { createRequire } from 'node:module';
import { encodeBtf, lastLine, parseBtf } from '../btf/index.js';
import { hex } from '../bytes/index.js';
import { BpfError, type CoreExplanation } from '../errors.js';
import type { BpfFunction, BpfMapDef, BpfObject } from '../object/index.js';
import {
  fitMaps,
  type KernelFacts,
  type PlannedProgram,
  planLoad,
  type RelocatedProgram,
  resolveStructOps,
  sanitizeBtf,
} from '../plan/index.js';
import { type Fixup, showSpec } from '../relocate/index.js';
import { mapTypeName, short } from './describe.js';
import { describeError } from './json.js';

/** Loaded when it is needed: it takes as long to load as all else that `tsbpf inspect` reads of Node. */
const crypto = () => createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
const sha256 = (bytes: Uint8Array): string => crypto().createHash('sha256').update(bytes).digest('hex');

export interface InspectOptions {
  /** Also what is handed to the kernel besides instructions and maps. */
  readonly full: boolean;
}

/**
 * @param programs As `relocatedPrograms` has them.
 * @returns        A value that `toJson` takes. Programs that fail have an `error` in place of their instructions.
 */
export function relocatedJson(
  object: BpfObject,
  facts: KernelFacts,
  programs: readonly RelocatedProgram[],
  { full }: InspectOptions,
): Record<string, unknown> {
  const fixups = new Map<string, Fixup>();
  const explanations = new Map<Fixup, CoreExplanation>();
  for (const planned of programs) {
    if ('error' in planned) continue;
    for (const fixup of planned.fixups) fixups.set(`${fixup.program} ${fixup.insn} ${fixup.kind}`, fixup);
    for (const [fixup, found] of planned.explanations) explanations.set(fixup, found);
  }
  const owners = ownersOf(object);
  return {
    programs: programs.map((planned) => programJson(planned, full)),
    maps: fitMaps(object, facts).maps.map(mapJson),
    externs: object.externs,
    relocations: [...fixups.values()].map((fixup) => relocationJson(object, owners, fixup, explanations.get(fixup))),
    ...(full && fullJson(object, facts)),
  };
}

function programJson(planned: RelocatedProgram, full: boolean): Record<string, unknown> {
  const { name, section, type, def } = planned.program;
  const head = {
    name,
    section,
    type: short(type, 'BPF_PROG_TYPE_'),
    expected_attach_type: def?.attachType ? short(def.attachType, 'BPF_') : null,
  };
  if ('error' in planned) return { ...head, error: describeError(planned.error) };
  const { attr } = planned.step;
  return {
    ...head,
    attach_btf_id: attr.attach_btf_id ?? 0,
    flags: attr.prog_flags ?? 0,
    insns: hex(planned.insns),
    refs: planned.refs,
    ...(planned.unattached && { attach_error: describeError(planned.unattached) }),
    ...(full && handedOver(planned)),
  };
}

function handedOver({ step: { attr }, modules }: PlannedProgram): Record<string, unknown> {
  const bytes = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array());
  return {
    license: attr.license,
    kern_version: attr.kern_version,
    func_info: hex(bytes(attr.func_info)),
    line_info_sha256: sha256(bytes(attr.line_info)),
    fd_array: modules,
  };
}

export const mapJson = (map: BpfMapDef): Record<string, unknown> => ({
  name: map.name,
  type: mapTypeName(map.type),
  key_size: map.keySize,
  value_size: map.valueSize,
  max_entries: map.maxEntries,
  map_flags: map.flags,
  map_extra: map.extra,
  numa_node: map.numaNode,
  pinning: map.pinPath === undefined ? 'none' : 'by_name',
  inner: map.inner ? mapJson(map.inner) : null,
  data_sha256: map.data ? sha256(map.data.image) : null,
});

/** Functions by name; of several of one name the first. */
export const ownersOf = ({ programs }: BpfObject): ReadonlyMap<string, BpfFunction> =>
  new Map([...programs].reverse().map((program) => [program.name, program]));

/** One relocation with its line of C and its verdict. */
export function relocationJson(
  { btf, ext }: Pick<BpfObject, 'btf' | 'ext'>,
  owners: ReadonlyMap<string, BpfFunction>,
  fixup: Fixup,
  explanation: CoreExplanation | undefined,
): Record<string, unknown> {
  const owner = owners.get(fixup.program);
  const at = fixup.insn + (owner?.start ?? 0);
  const line = lastLine(ext.lineInfo.get(owner?.section ?? '') ?? [], at);
  const target = fixup.verdicts.find(({ spec }) => spec)?.spec;
  return {
    program: fixup.program,
    insn: fixup.insn,
    source: line && btf ? { file: btf.string(line.fileName), line: line.line, text: btf.string(line.text).trim() } : null,
    kind: fixup.kind,
    local: showSpec(fixup.local),
    target: target ? showSpec(target) : null,
    before: fixup.before,
    after: fixup.after === 'poison' ? null : fixup.after,
    verdict:
      fixup.after === 'poison' ? `poisoned: ${fixup.reason}` : target || fixup.kind === 'local_type_id' ? 'resolved' : 'absent',
    ...(explanation && { explanation }),
  };
}

/** The types, and what is done to maps, in order. A map that fails hides no other. */
function fullJson(object: BpfObject, facts: KernelFacts): Record<string, unknown> {
  const btf = object.btf && sanitizeBtf(object.btf, facts.features);
  return {
    btf: btf ? { size: btf.length, sha256: sha256(btf) } : null,
    map_operations: object.maps.flatMap((map) => orError(map.name, () => mapOperations(object, map, facts))),
    struct_ops: object.maps
      .filter(({ structOps }) => structOps)
      .flatMap((map) => orError(map.name, () => structOpsJson(object, map, facts))),
  };
}

function orError(map: string, ask: () => Record<string, unknown>[]): Record<string, unknown>[] {
  try {
    return ask();
  } catch (error) {
    if (error instanceof BpfError) return [{ map, error: describeError(error) }];
    throw error;
  }
}

/** What is done to a map depends on whether there are types, not on which: all of them anew for each map would take too long. */
const SOME_TYPES = parseBtf(encodeBtf([]));

function mapOperations(object: BpfObject, map: BpfMapDef, facts: KernelFacts): Record<string, unknown>[] {
  const btf = object.btf && !map.structOps ? SOME_TYPES : object.btf;
  const inPlan = planLoad({ ...object, btf, programs: [], externs: [], maps: [map] }, { ...facts, pinFolders: new Map() });
  return inPlan.flatMap((step) =>
    step.where?.map !== map.name
      ? []
      : step.call === 'bpf'
        ? [{ operation: short(step.cmd, step.cmd.startsWith('BPF_MAP_') ? 'BPF_MAP_' : 'BPF_'), map: map.name }]
        : [{ operation: step.call, map: map.name }],
  );
}

function structOpsJson(object: BpfObject, map: BpfMapDef, facts: KernelFacts): Record<string, unknown>[] {
  return [...resolveStructOps({ ...object, maps: [map] }, facts)].map(([name, { wrapper, size, module, value }]) => ({
    map: name,
    value_type_id: wrapper,
    module: module ?? null,
    size,
    value: hex(value.bytes),
    programs: value.fds.map(({ at, ref }) => ({ offset: at, name: ref.fd.replace(/^prog /, '') })),
  }));
}
