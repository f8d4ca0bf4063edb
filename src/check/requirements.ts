// What an object needs of a machine, said before anything is done: kinds of programs and maps, helpers, instructions, features, rights,
// mounts; and the least kernel that follows.

import type { BpfMapDef, BpfObject } from '../object/index.js';
import { FEATURES, loadable, versionCode, type Wanted, wanted } from '../plan/index.js';
import { BPF_ATTACH_TYPE, BPF_FUNC, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../uapi/enums.js';
import { ATTACH_TYPE_SINCE, HELPER_SINCE, MAP_TYPE_SINCE, PROG_TYPE_SINCE } from '../uapi/since.js';
import { mapTypeName, type ObjectCheck } from './check.js';
import { flagFeatures } from './instructions.js';
import { type CheckedKernel, hasNumber, isSince, type KernelEnum } from './kernel.js';
import { isMet, type Need, olderWay } from './needs.js';
import type { ProgramCheck, Use } from './program.js';
import { isOfRelease } from './release.js';
import { type Capability, HELPER_LOCKDOWN, HELPER_RIGHTS, mapRights, programRights } from './rights.js';

/** In the order in which they are told. */
export const REQUIREMENT_KINDS = [
  'fact',
  'program type',
  'attach type',
  'map type',
  'helper',
  'instruction',
  'kernel function',
  'kernel symbol',
  'setting',
  'option',
  'module',
  'feature',
  'capability',
  'mount',
  'lockdown',
] as const;

export interface Requirement {
  readonly kind: (typeof REQUIREMENT_KINDS)[number];
  /** `BPF_MAP_TYPE_RINGBUF`, `CAP_BPF`. */
  readonly name: string;
  /** The first kernel that has it, where known. */
  readonly since?: string | undefined;
  /** What of the object needs it: names of programs and maps with the line of C where there is one, or a sentence. */
  readonly why: string;
  /** The same as data: programs and maps; none where a sentence says why. */
  readonly by?: readonly Use[];
  /** Of the kernel at hand. `differs`: it is there with another type than is declared. `assumed`: nothing was tried, and a recent kernel has it. */
  readonly status: 'there' | 'missing' | 'differs' | 'assumed' | 'unknown';
  /** The plan does without where it is missing. */
  readonly optional?: true;
}

/** @param kernel That the object was checked against; undefined for an object that needs no kernel's types, where none are at hand. */
export function requirementsOf(object: BpfObject, check: ObjectCheck, kernel: CheckedKernel | undefined): Requirement[] {
  const questions = wanted(object);
  return [
    ...facts(questions, kernel),
    ...numbered(object, check, kernel),
    ...instructions(object, check, kernel),
    ...externs(object, check),
    ...options(check, kernel),
    ...features(questions, kernel),
    ...rights(object, check, questions),
    ...mounts(questions),
    ...lockdown(object, check, questions),
  ];
}

/** The release that all hard requirements with a known release are met by, and the last of them. */
export function leastKernel(
  requirements: readonly Requirement[],
): { readonly since: string; readonly because: Requirement } | undefined {
  let least: { readonly since: string; readonly because: Requirement } | undefined;
  for (const because of requirements) {
    const { since, optional } = because;
    if (since === undefined || optional) continue;
    if (!least || versionCode(since) > versionCode(least.since)) least = { since, because };
  }
  return least;
}

const list = (names: Iterable<string>, most = 6): string => {
  const all = [...new Set(names)];
  return all.length <= most ? all.join(', ') : `${all.slice(0, most).join(', ')} and ${all.length - most} more`;
};

function facts(questions: Wanted, kernel: CheckedKernel | undefined): Requirement[] {
  const row = (asked: boolean, name: string, why: string, found: boolean | undefined, since?: string): Requirement[] =>
    asked ? [{ kind: 'fact', name, why, status: found ? 'there' : found === undefined ? 'unknown' : 'missing', since }] : [];
  const { kernelBtf, attachBtf, kconfig, kallsyms, tracepoints, possibleCpus, pins } = questions;
  const why = attachBtf ? 'types of the running kernel are referred to by number' : 'CO-RE relocations';
  return [
    ...row(kernelBtf, 'kernel BTF', why, kernel !== undefined, attachBtf ? '5.5' : undefined),
    ...row(kconfig, 'kernel configuration', 'externs in .kconfig', kernel?.kconfig ? true : undefined),
    ...row(kallsyms.length > 0, 'kernel symbols', list(kallsyms), kernel?.symbols ? true : undefined),
    ...row(tracepoints.length > 0, 'tracepoint ids', list(tracepoints), undefined),
    ...row(possibleCpus, 'number of CPUs', 'a perf event array has a slot for each', undefined),
    ...row(pins.length > 0, 'pinned maps', list(pins), undefined),
  ];
}

/** Things with a number in an enum of the kernel's: the name, and who needs it. */
function numbered(object: BpfObject, check: ObjectCheck, kernel: CheckedKernel | undefined): Requirement[] {
  const programs = loadable(object);
  const rows = (
    kind: Requirement['kind'],
    of: KernelEnum,
    numbers: Readonly<Record<string, number>>,
    releases: Readonly<Record<string, string>>,
    uses: readonly (readonly [name: string, user: Use])[],
    isOptional: (name: string) => boolean = () => false,
  ): Requirement[] =>
    [...grouped(uses)].map(([name, by]) => {
      const number = numbers[name] ?? Number(name.replace(/\D+/, ''));
      const has = kernel && hasNumber(kernel, of, number, releases[name]);
      return {
        kind,
        name,
        since: releases[name],
        why: list(by.map(userText)),
        status: statusOf(has),
        by,
        ...(isOptional(name) && { optional: true }),
      };
    });
  const maps = object.maps.filter(({ autocreate }) => autocreate).flatMap(withInner);
  return [
    ...rows(
      'program type',
      'bpf_prog_type',
      BPF_PROG_TYPE,
      PROG_TYPE_SINCE,
      programs.map(({ type, name }) => [type, { name }]),
    ),
    ...rows(
      'attach type',
      'bpf_attach_type',
      BPF_ATTACH_TYPE,
      ATTACH_TYPE_SINCE,
      programs.flatMap(({ def, name }) => (def?.attachType ? [[def.attachType, { name }] as const] : [])),
      (type) => programs.every((program) => program.def?.attachType !== type || olderWay(program) !== undefined),
    ),
    ...rows(
      'map type',
      'bpf_map_type',
      BPF_MAP_TYPE,
      MAP_TYPE_SINCE,
      maps.map(({ type, name }) => [mapTypeName(type), { name }]),
    ),
    ...rows(
      'helper',
      'bpf_func_id',
      BPF_FUNC,
      HELPER_SINCE,
      check.programs.flatMap(({ program, uses }) =>
        uses.helpers.map(({ name, source }) => [name, { name: program, source }] as const),
      ),
    ),
  ];
}

const withInner = (map: BpfMapDef): BpfMapDef[] => [map, ...(map.inner ? withInner(map.inner) : [])];

const statusOf = (has: boolean | undefined): Requirement['status'] => (has === undefined ? 'unknown' : has ? 'there' : 'missing');

/** `produce at bench.bpf.c:40`. */
const userText = ({ name, source }: Use): string =>
  source ? `${name} at ${source.file.replace(/^.*\//, '')}:${source.line}` : name;

/** Each user once. */
function grouped(uses: readonly (readonly [name: string, user: Use])[]): Map<string, Use[]> {
  const users = new Map<string, Use[]>();
  for (const [name, user] of uses) {
    const all = users.get(name) ?? [];
    if (!all.some((known) => known.name === user.name)) all.push(user);
    users.set(name, all);
  }
  return users;
}

const groupedNames = (uses: readonly (readonly [name: string, user: string])[]): [string, string][] =>
  [...grouped(uses.map(([name, user]) => [name, { name: user }] as const))].map(([name, users]) => [
    name,
    list(users.map((user) => user.name)),
  ]);

/** Instructions and flags, which only versions tell. */
function instructions(object: BpfObject, check: ObjectCheck, kernel: CheckedKernel | undefined): Requirement[] {
  const uses = [
    ...check.programs.flatMap(({ program, uses }) => uses.instructions.map((feature) => ({ ...feature, program }))),
    ...loadable(object).flatMap(({ def, name }) =>
      def ? flagFeatures(def).map((feature) => ({ ...feature, program: name, source: undefined })) : [],
    ),
  ];
  const since = new Map(uses.map((use) => [use.name, use.since]));
  return [...grouped(uses.map(({ name, program, source }) => [name, { name: program, source }]))].map(([name, by]) => {
    const status = statusOf(kernel && isOfRelease(kernel, since.get(name) as string));
    return { kind: 'instruction', name, since: since.get(name), why: list(by.map(userText)), status, by };
  });
}

const EXTERN_KINDS = { kconfig: 'setting', function: 'kernel function', variable: 'kernel symbol' } as const;

/** Externs that programs refer to, and the modules that have them. */
function externs(object: BpfObject, { programs, externs: checked }: ObjectCheck): Requirement[] {
  const known = new Map(checked.map((extern) => [extern.name, extern]));
  const uses = programs.flatMap(({ program, uses: { externs: used } }) => used.map((one) => ({ ...one, program })));
  const modules = programs.flatMap(({ uses: { kfuncs } }) =>
    kfuncs.flatMap(({ module, name }) => (module === undefined ? [] : [[module, name] as const])),
  );
  return [
    ...object.externs.flatMap(({ name, kind, weak }): Requirement[] => {
      const users = uses.filter((use) => use.name === name);
      if (users.length === 0 && weak) return [];
      const found = known.get(name)?.found;
      const by = users.map(({ program, source }) => ({ name: program, source }));
      // A load looks for it all the same, as libbpf does.
      const why = by.length > 0 ? list(by.map(userText)) : 'no program that is switched on uses it, and it is not weak';
      const status = found === 'absent' ? 'missing' : (found ?? 'unknown');
      return [{ kind: EXTERN_KINDS[kind], name, why: weak ? `${why} (weak)` : why, status, by, ...(weak && { optional: true }) }];
    }),
    ...groupedNames(modules).map(
      ([name, users]): Requirement => ({ kind: 'module', name, why: `it has ${users}`, status: 'there', since: '5.16' }),
    ),
  ];
}

/** Options that a kernel must be built with, and what hangs on each. */
function options({ programs, needs }: ObjectCheck, kernel: CheckedKernel | undefined): Requirement[] {
  const uses = [
    ...needs.map((need) => ({ need, program: undefined })),
    ...programs.flatMap(({ program, uses: { needs: own } }) => own.map((need) => ({ need, program }))),
  ];
  return [...new Set(uses.map(({ need }) => need.setting))].map((name): Requirement => {
    const own = uses.filter(({ need }) => need.setting === name);
    const by = grouped(
      own.flatMap(({ need: { source }, program }) => (program ? [[name, { name: program, source }] as const] : [])),
    ).get(name);
    const users = by ? `: ${list(by.map(userText))}` : '';
    const optional = own.every(({ need: { soft } }) => soft);
    return {
      kind: 'option',
      name,
      why: `${list(own.map(({ need: { what } }) => what))}${users}`,
      status: optionStatus(
        kernel,
        own.map(({ need }) => need),
      ),
      by: by ?? [],
      ...(optional && { optional: true }),
    };
  });
}

/** Where types tell of one that is met by an option, they tell of the option. */
function optionStatus(kernel: CheckedKernel | undefined, needs: readonly Need[]): Requirement['status'] {
  const met = kernel ? needs.map((need) => isMet(kernel, need)) : [];
  return met.includes(true) ? 'there' : met.includes(false) ? 'missing' : 'unknown';
}

/** Nothing is tried: a release that is too old is taken to be without, as the plan takes it. */
const features = ({ features: names }: Wanted, kernel: CheckedKernel | undefined): Requirement[] =>
  [...new Set(names)].map((name) => ({
    kind: 'feature',
    name,
    since: FEATURES[name].since,
    why: `a kernel that ${FEATURES[name].what}; the plan does otherwise where it does not`,
    status: isSince(kernel?.version, FEATURES[name].since) === false ? 'missing' : 'assumed',
    optional: true,
  }));

function rights(object: BpfObject, { programs }: ObjectCheck, { tracepoints, kallsyms, pins }: Wanted): Requirement[] {
  const maps = object.maps.filter(({ autocreate }) => autocreate).flatMap(withInner);
  const typeOf = (type: string): string => type.replace('BPF_PROG_TYPE_', '').toLowerCase();
  const uses: (readonly [Capability, string, typeof MOUNTING?])[] = [
    ...loadable(object).flatMap(({ type }) => programRights(type).map((right) => [right, `${typeOf(type)} programs`] as const)),
    ...maps.flatMap(({ type, name }) => mapRights(mapTypeName(type)).map((right) => [right, `map ${name}`] as const)),
    ...helpersIn(programs).flatMap((name) => {
      const right = HELPER_RIGHTS[name as keyof typeof HELPER_RIGHTS];
      return right ? [[right, name] as const] : [];
    }),
    ...(tracepoints.length > 0
      ? ([
          ['CAP_DAC_READ_SEARCH', 'reading ids of tracepoints'],
          ['CAP_SYS_ADMIN', 'only where tracefs is not mounted', MOUNTING],
        ] as const)
      : []),
    ...(pins.length > 0 ? ([['CAP_SYS_ADMIN', 'only where the BPF file system is not mounted', MOUNTING]] as const) : []),
    ...(kallsyms.length > 0 ? ([['CAP_SYSLOG', 'reading addresses of symbols']] as const) : []),
    ...(programs.some(({ uses: { kfuncs } }) => kfuncs.some(({ module }) => module !== undefined))
      ? ([['CAP_SYS_ADMIN', 'types of modules']] as const)
      : []),
  ];
  const least: Readonly<Partial<Record<Capability, string>>> = { CAP_BPF: '5.8', CAP_PERFMON: '5.8' };
  return groupedNames(uses.map(([name, use]) => [name, use])).map(([name, users]) => {
    const since = least[name as Capability];
    const why = since === undefined ? users : `${users}; CAP_SYS_ADMIN before ${since}`;
    const isOptional = uses.every(([other, , only]) => other !== name || only === MOUNTING);
    return { kind: 'capability', name, why, status: 'unknown', ...(isOptional && { optional: true }) };
  });
}

/** What is mounted already is not mounted for it. */
const MOUNTING = 'mounting';

const helpersIn = (programs: readonly ProgramCheck[]): string[] => [
  ...new Set(programs.flatMap(({ uses }) => uses.helpers.map(({ name }) => name))),
];

const mounts = ({ tracepoints, pins }: Wanted): Requirement[] => [
  ...(tracepoints.length > 0
    ? [
        {
          kind: 'mount',
          name: 'tracefs',
          why: 'ids of tracepoints; where it is not mounted it is for a moment, and nobody else sees it',
          status: 'unknown',
        } as const,
      ]
    : []),
  ...(pins.length > 0
    ? [{ kind: 'mount', name: 'bpffs', why: 'pinned maps; mounted at /sys/fs/bpf if missing', status: 'unknown' } as const]
    : []),
];

const PROBES: ReadonlySet<string> = new Set(['kprobe', 'kprobe_multi', 'kprobe_session', 'ksyscall']);

function lockdown(object: BpfObject, { programs }: ObjectCheck, { tracepoints }: Wanted): Requirement[] {
  const uses = [
    ...helpersIn(programs).flatMap((name) => {
      const mode = HELPER_LOCKDOWN[name as keyof typeof HELPER_LOCKDOWN];
      return mode ? [[mode, name] as const] : [];
    }),
    ...(loadable(object).some(({ def }) => PROBES.has(def?.attach ?? '')) ? [['confidentiality', 'kprobes'] as const] : []),
    ...(tracepoints.length > 0 ? [['confidentiality', 'perf events and tracefs'] as const] : []),
  ];
  return groupedNames(uses).map(([name, users]) => ({
    kind: 'lockdown',
    name: `no lockdown=${name}`,
    why: `it refuses ${users}`,
    status: 'unknown',
  }));
}
