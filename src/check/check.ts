// An object against a kernel that is not at hand.

import { BpfError } from '../errors.js';
import type { BpfMapDef, BpfObject } from '../object/index.js';
import { loadable, resolveStructOps, structOpsNames } from '../plan/index.js';
import { BPF_ATTACH_TYPE, BPF_MAP_TYPE } from '../uapi/enums.js';
import { ATTACH_TYPE_SINCE, MAP_TYPE_SINCE } from '../uapi/since.js';
import { type CheckVerdict, CONCERNS, type Concern, type Finding, verdictOf, worst } from './finding.js';
import { type CheckedKernel, factsOf, hasNumber, unlessPartial } from './kernel.js';
import { checkNeeds, mapNeeds, type Need, structOpsNeeds, TYPES } from './needs.js';
import { type OpenQuestion, openQuestions } from './open.js';
import { checkProgram, type ProgramCheck } from './program.js';
import { checkExterns, type ExternCheck } from './symbols.js';

export interface ObjectCheck {
  readonly kernel: string;
  /** The worst of all. */
  readonly verdict: CheckVerdict;
  /** The worst of what is met while loading; programs may load and still have nothing to attach to. */
  readonly load: CheckVerdict;
  readonly programs: readonly ProgramCheck[];
  /** Of the object as a whole: its maps, and externs that no program refers to. */
  readonly findings: readonly Finding[];
  readonly externs: readonly ExternCheck[];
  /** What the object as a whole needs a kernel to be built with; what programs need is theirs. */
  readonly needs: readonly Need[];
  /** What nothing tells that was given of this kernel. */
  readonly open: readonly OpenQuestion[];
}

/** What no check of this kind can tell, for people. */
export const CANNOT_KNOW: readonly string[] = [
  'It is not the verifier: a program may be refused for what it does, for its size, or for a helper or kernel function that its type may not call.',
  'Switches such as lsm= or lockdown are not seen, nor which functions ftrace cannot reach (notrace), nor categories of tracepoints.',
  'Types of modules count only where they are given; rights, limits and what is mounted do not count.',
];

/**
 * Every program that would be loaded, each by itself, and every map.
 * @throws nothing of ours: what is wrong is a finding.
 */
export function checkObject(object: BpfObject, kernel: CheckedKernel): ObjectCheck {
  const facts = factsOf(object, kernel);
  const externs = checkExterns(object, kernel, facts);
  const programs = loadable(object).map((program) => checkProgram(object, program, kernel, facts, externs));
  const used = new Set(programs.flatMap(({ uses }) => uses.externs.map(({ name }) => name)));
  const findings = [
    ...checkOrder(object),
    ...object.maps.filter(({ autocreate }) => autocreate).flatMap((map) => checkMap(map, kernel)),
    ...checkStructOps(object, kernel),
    ...[...externs].flatMap(([name, { finding }]) => (used.has(name) || !finding ? [] : [finding])),
  ];
  const needs = objectNeeds(object);
  findings.push(...checkNeeds(kernel, needs));
  const all = [...findings, ...programs.flatMap((program) => program.findings)];
  return {
    kernel: kernel.name,
    verdict: worst([verdictOf(findings), ...programs.map(({ verdict }) => verdict)]),
    load: verdictOf(all.filter(({ stage }) => stage === 'load')),
    programs,
    findings,
    externs: [...externs.values()],
    needs,
    open: openQuestions(kernel, programs, needs, [...externs.values()]),
  };
}

/** By concern, for a table; those without a finding are ok. */
export const byConcern = (findings: readonly Finding[]): Record<Concern, CheckVerdict> =>
  Object.fromEntries(
    CONCERNS.map((concern) => [concern, verdictOf(findings.filter((finding) => finding.concern === concern))]),
  ) as Record<Concern, CheckVerdict>;

const withInner = (map: BpfMapDef): BpfMapDef[] => [map, ...(map.inner ? withInner(map.inner) : [])];

function objectNeeds(object: BpfObject): Need[] {
  const maps = object.maps.filter(({ autocreate }) => autocreate).flatMap(withInner);
  const typed = object.externs.some((extern) => extern.section === '.ksyms' && extern.kind === 'variable' && extern.type !== 0);
  return [
    { setting: 'CONFIG_BPF_SYSCALL', what: 'bpf(2)', concern: 'type', stage: 'load' },
    ...(typed ? [TYPES] : []),
    ...maps.flatMap(({ type, name }) => mapNeeds(mapTypeName(type), name)),
    ...structOpsNeeds(structOpsNames(object)),
  ];
}

const checkOrder = ({ littleEndian }: BpfObject): Finding[] =>
  littleEndian
    ? []
    : [
        {
          concern: 'instructions',
          verdict: 'red',
          stage: 'load',
          what: 'The object is big-endian, and tsbpf loads into little-endian kernels',
          remedy: 'Compile with clang -target bpfel.',
        },
      ];

export const mapTypeName = (type: number): string =>
  Object.entries(BPF_MAP_TYPE).find(([, number]) => number === type)?.[0] ?? `map type ${type}`;

function checkMap(map: BpfMapDef, kernel: CheckedKernel): Finding[] {
  const type = mapTypeName(map.type);
  const since = MAP_TYPE_SINCE[type];
  const has = hasNumber(kernel, 'bpf_map_type', map.type, since);
  const own: Finding[] =
    has === true
      ? []
      : [
          {
            concern: 'maps',
            verdict: has === false ? 'red' : 'unknown',
            stage: 'load',
            what:
              has === false
                ? `The kernel has no ${type}, the type of map ${map.name}`
                : `whether the kernel has ${type}, for map ${map.name}`,
            since,
          },
        ];
  return [...own, ...checkShape(map, type), ...(map.inner ? checkMap(map.inner, kernel) : [])];
}

/** Maps that have no size of their own, or get theirs from the loader. */
const WITHOUT_SIZE = /PERF_EVENT_ARRAY|_STORAGE|STRUCT_OPS/;

/** Objects leave some of it to the programs that load them. */
function checkShape({ name, maxEntries, inner }: BpfMapDef, type: string): Finding[] {
  const open = (what: string, remedy?: string): Finding => ({
    concern: 'maps',
    verdict: 'unknown',
    stage: 'load',
    what: `map ${name} has no ${what}: whoever loads it must set it`,
    remedy,
  });
  return [
    ...(maxEntries > 0 || WITHOUT_SIZE.test(type) ? [] : [open('max_entries', `object.map('${name}').maxEntries = …`)]),
    ...(inner || !type.endsWith('_OF_MAPS') ? [] : [open('inner map')]),
  ];
}

const LINKS = ATTACH_TYPE_SINCE.BPF_STRUCT_OPS;

/** The kernel refuses the map for its flag, BPF_F_LINK. */
const withoutLinks = ({ name }: BpfMapDef): Finding => ({
  concern: 'struct_ops',
  verdict: 'red',
  stage: 'load',
  what: `The kernel has no links to structures of functions, which SEC(".struct_ops.link") asks for (${name})`,
  remedy: 'SEC(".struct_ops") does without.',
  since: LINKS,
});

function checkStructOps(object: BpfObject, kernel: CheckedKernel): Finding[] {
  const { btf, modules } = kernel;
  return object.maps.flatMap((map): Finding[] => {
    if (!map.structOps || !map.autocreate) return [];
    if (map.structOps.link && hasNumber(kernel, 'bpf_attach_type', BPF_ATTACH_TYPE.BPF_STRUCT_OPS, LINKS) === false)
      return [withoutLinks(map)];
    try {
      resolveStructOps({ ...object, maps: [map] }, { kernelBtf: btf, modules });
      return [];
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      const { what, remedy } = error;
      return [unlessPartial(kernel, { concern: 'struct_ops', verdict: 'red', stage: 'load', what, remedy })];
    }
  });
}
