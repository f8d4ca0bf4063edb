// One program against one kernel.

import type { CoreExplanation, SourceLine } from '../errors.js';
import type { BpfFunction, BpfObject } from '../object/index.js';
import { type ExternAnswer, type KernelFacts, KFUNC_POISON, MAP_POISON, markedKfuncs } from '../plan/index.js';
import { CORE_POISON, type Fixup } from '../relocate/index.js';
import { BPF_FUNC, BPF_PROG_TYPE } from '../uapi/enums.js';
import { CALL } from '../uapi/insn.js';
import { HELPER_SINCE, PROG_TYPE_SINCE } from '../uapi/since.js';
import { type Assembled, assemble, type Slot } from './assemble.js';
import { ALL_SET, assumedConfig, NOTHING_SET } from './assumed.js';
import { type CheckVerdict, type Finding, verdictOf } from './finding.js';
import { flagFeatures, INSN_FEATURES, type InsnFeature } from './instructions.js';
import { type CheckedKernel, hasKind, hasNumber, settingsKnown, unlessPartial } from './kernel.js';
import { UNKNOWN_ADDRESS } from './kernel-symbols.js';
import { checkLicense } from './licenses.js';
import { checkNeeds, helperNeeds, KFUNC_NEEDS, MODULE_TYPES, type Need, programNeeds } from './needs.js';
import { isOfRelease, SAY_RELEASE } from './release.js';
import type { ExternCheck } from './symbols.js';
import { checkAttach, hookedFunctions } from './targets.js';

export interface ProgramCheck {
  readonly program: string;
  readonly section: string;
  readonly type: string;
  readonly verdict: CheckVerdict;
  readonly findings: readonly Finding[];
  /** What it uses that not every kernel has. */
  readonly uses: ProgramUses;
  readonly fixups: readonly Fixup[];
  readonly explanations: ReadonlyMap<Fixup, CoreExplanation>;
}

export interface ProgramUses {
  /** Helpers that can be reached, by their names; numbers that have none are `#212`. */
  readonly helpers: readonly Use[];
  readonly instructions: readonly (InsnFeature & Use)[];
  /** Externs, and whether the kernel has them; undefined for settings, and for symbols that nobody looked up. */
  readonly externs: readonly (Use & { readonly found: boolean | undefined })[];
  readonly kfuncs: readonly (Use & { readonly module: string | undefined })[];
  /** Functions of the kernel that it hooks into: whether they have an address, only symbols tell. */
  readonly functions: readonly string[];
  /** What the kernel must be built with. */
  readonly needs: readonly Need[];
}

/** Something by its name, and the first line of C that needs it. */
export interface Use {
  readonly name: string;
  readonly source?: SourceLine | undefined;
}

const HELPERS: ReadonlyMap<number, string> = new Map(Object.entries(BPF_FUNC).map(([name, number]) => [number, name]));

/** `BPF_FUNC_map_lookup_elem`, or `#212` for a helper that came later than this code. */
const helperName = (number: number): string => HELPERS.get(number) ?? `#${number}`;

/** @param externs As `checkExterns` has them. */
export function checkProgram(
  object: BpfObject,
  program: BpfFunction,
  kernel: CheckedKernel,
  facts: KernelFacts,
  externs: ReadonlyMap<string, ExternCheck>,
): ProgramCheck {
  const isKnown = settingsKnown(object, kernel);
  const made = assemble(object, program, facts, isKnown);
  const ifSure = (finding: Finding): Finding =>
    finding.verdict === 'unknown' || sure().every((names) => names.has(finding.what)) ? finding : perhaps(finding);
  /** What is found whatever the settings are: with none, and with all. */
  const sure = once(() =>
    [NOTHING_SET, ALL_SET].map((values) => {
      const kconfig = assumedConfig(object, values);
      const kernelVersion = kernel.version ?? (values === ALL_SET ? NEWEST : 1);
      const one = assemble(object, program, { ...facts, kconfig, kernelVersion }, true);
      return new Set(one.linked ? checkCode(object, program, one, kernel, externs).map(({ what }) => what) : []);
    }),
  );
  const uses = made.linked ? usesOf(made) : NOTHING;
  const needs = [...programNeeds(program), ...uses.needs];
  const found = [
    ...checkType(program, kernel),
    ...made.findings,
    ...(made.linked ? checkCode(object, program, made, kernel, externs).map(isKnown ? same : ifSure) : []),
    ...checkAttach(object, program, kernel, facts),
  ];
  const findings = [
    ...found,
    ...checkNeeds(
      kernel,
      needs.filter((need) => !isMissing(found, need)),
    ),
  ];
  return {
    program: program.name,
    section: program.section,
    type: program.type,
    verdict: verdictOf(findings),
    findings,
    uses: { ...uses, functions: hookedFunctions(program), needs },
    fixups: made.linked ? made.fixups : [],
    explanations: made.linked ? made.explanations : new Map(),
  };
}

const same = (finding: Finding): Finding => finding;

/** As LINUX_KERNEL_VERSION: later than any. */
const NEWEST = 0xff_ff_ff;

const perhaps = (finding: Finding): Finding => ({
  ...finding,
  verdict: 'unknown',
  what: `${finding.what}; whether the program gets there depends on settings`,
});

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const NOTHING: ProgramUses = { helpers: [], instructions: [], externs: [], kfuncs: [], functions: [], needs: [] };

/** What a release does not have at all, no option gives it. */
const isMissing = (found: readonly Finding[], { what, concern }: Need): boolean =>
  found.some(
    (finding) =>
      finding.verdict === 'red' &&
      (concern === 'helpers' ? finding.what.endsWith(what) : finding.concern === concern && finding.since !== undefined),
  );

function checkType({ def, section, type }: BpfFunction, kernel: CheckedKernel): Finding[] {
  const base = { concern: 'type', stage: 'load' } as const;
  if (!def)
    return [
      { ...base, verdict: 'red', what: `Section name "${section}" says no program type`, remedy: 'Use a SEC() name of libbpf.' },
    ];
  const since = PROG_TYPE_SINCE[type];
  const has = hasNumber(kernel, 'bpf_prog_type', BPF_PROG_TYPE[type], since);
  if (has === false) return [{ ...base, verdict: 'red', what: `The kernel has no program type ${type}`, since }];
  if (has === undefined) return [{ ...base, verdict: 'unknown', what: `whether the kernel has program type ${type}`, since }];
  return flagFeatures(def).flatMap((flag): Finding[] => {
    const has = isOfRelease(kernel, flag.since);
    if (has) return [];
    const finding = { ...base, verdict: 'unknown', since: flag.since } as const;
    if (flag.ignored) return [{ ...finding, stage: 'attach', what: `no ${flag.name} here: it runs where nothing may` }];
    return has === undefined
      ? [{ ...finding, what: `whether the kernel has ${flag.name}`, remedy: SAY_RELEASE }]
      : [{ ...finding, verdict: 'red', what: `The kernel has no ${flag.name}` }];
  });
}

const checkCode = (
  object: BpfObject,
  program: BpfFunction,
  made: Assembled,
  kernel: CheckedKernel,
  externs: ReadonlyMap<string, ExternCheck>,
): Finding[] => [
  ...checkLicense(object, program, usesOf(made)),
  ...checkInstructions(made, kernel),
  ...checkRelocations(made),
  ...checkHelpers(made, kernel),
  ...checkReferences(made, externs),
  ...checkKfuncs(object, made, kernel),
];

/** Those that no kernel of that version decodes; whether they are reached does not matter, the verifier looks at all. */
const checkInstructions = ({ slots, sourceAt }: Assembled, kernel: CheckedKernel): Finding[] =>
  firstOfEach(slots, insnFeature).flatMap(([{ name, remedy, since }, { insn }]): Finding[] => {
    const has = isOfRelease(kernel, since);
    if (has) return [];
    const finding = { concern: 'instructions', stage: 'load', since, source: sourceAt(insn) } as const;
    return has === undefined
      ? [{ ...finding, verdict: 'unknown', what: `whether the kernel has ${name}`, remedy: SAY_RELEASE }]
      : [{ ...finding, verdict: 'red', what: `The kernel has no ${name}`, remedy }];
  });

const insnFeature = ({ value }: Slot): InsnFeature | undefined => INSN_FEATURES.find(({ is }) => is(value));

function firstOfEach<K>(slots: readonly Slot[], keyOf: (slot: Slot) => K | undefined): [K, Slot][] {
  const first = new Map<K, Slot>();
  for (const slot of slots) {
    const key = keyOf(slot);
    if (key !== undefined && !first.has(key)) first.set(key, slot);
  }
  return [...first];
}

const checkRelocations = ({ explanations }: Assembled): Finding[] =>
  [...explanations.values()].flatMap((explanation): Finding[] => {
    const { kind, local, guarded, source, suggestion, failed } = explanation;
    if (guarded === true) return [];
    const why = failed?.differs ? `: ${failed.differs}` : failed ? `, which lacks ${failed.component}` : '';
    return [
      {
        concern: 'relocations',
        verdict: guarded === false ? 'red' : 'unknown',
        stage: 'load',
        what: `CO-RE relocation <${kind}> ${local} has no answer in this kernel${why}`,
        remedy: suggestion,
        source,
        explanation,
      },
    ];
  });

const isHelperCall = ({ value, reached }: Slot): boolean => reached && value.code === CALL && value.src === 0;
/** Numbers that stand for what is missing. */
const isPoison = (imm: number): boolean => imm === CORE_POISON || imm >= MAP_POISON;

const helperOf = (slot: Slot): number | undefined =>
  isHelperCall(slot) && !isPoison(slot.value.imm) ? slot.value.imm : undefined;

const checkHelpers = ({ slots, sourceAt }: Assembled, kernel: CheckedKernel): Finding[] =>
  firstOfEach(slots, helperOf).flatMap(([number, { insn }]): Finding[] => {
    const name = helperName(number);
    const since = HELPER_SINCE[name];
    const has = hasNumber(kernel, 'bpf_func_id', number, since);
    if (has === true) return [];
    const source = sourceAt(insn);
    const what = has === false ? `The kernel has no helper ${name}` : `whether the kernel has helper ${name}`;
    const remedy = `Guard it: if (bpf_core_enum_value_exists(enum bpf_func_id, ${name})) …`;
    return [{ concern: 'helpers', verdict: has === false ? 'red' : 'unknown', stage: 'load', what, remedy, since, source }];
  });

/** Externs that are told once for the object, where this program uses them, and weak ones that it reaches although they are missing. */
function checkReferences(made: Assembled, externs: ReadonlyMap<string, ExternCheck>): Finding[] {
  return externUses(made).flatMap(([name, insn]): Finding[] => {
    const finding = externs.get(name)?.finding;
    return finding ? [{ ...finding, source: made.sourceAt(insn) }] : [];
  });
}

/** Each extern that it refers to, with the first instruction that does. */
function externUses({ linked }: Assembled): [string, number][] {
  const uses = new Map<string, number>();
  for (const reference of linked.references)
    if (reference.kind === 'extern' && !uses.has(reference.name)) uses.set(reference.name, reference.insn);
  return [...uses];
}

function checkKfuncs(object: BpfObject, made: Assembled, kernel: CheckedKernel): Finding[] {
  const red = (what: string, insn: number, remedy?: string, since?: string): Finding => ({
    concern: 'symbols',
    verdict: 'red',
    stage: 'load',
    what,
    remedy,
    since,
    source: made.sourceAt(insn),
  });
  const missing = firstOfEach(made.slots, (slot) =>
    isHelperCall(slot) && slot.value.imm >= KFUNC_POISON ? slot.value.imm - KFUNC_POISON : undefined,
  ).flatMap(([index, { insn }]) => {
    const extern = object.externs[index];
    const guard = `Guard the call: if (bpf_ksym_exists(${extern?.name})) …`;
    return extern?.weak ? [red(`The kernel has no function ${extern.name}, and the program gets to its call`, insn, guard)] : [];
  });
  const refused = kfuncCalls(made).flatMap(({ name, id, module, insn }) => {
    if (!hasKind(kernel, 'bpf_kfunc_desc', 'STRUCT'))
      return [red('The kernel lets no program call its functions', insn, undefined, '5.13')];
    const btf = module === undefined ? kernel.btf : kernel.modules.find((candidate) => candidate.name === module)?.btf;
    const marked = markedKfuncs(kernel.btf).size > 0 ? btf && markedKfuncs(btf) : undefined;
    if (!marked || marked.has(id)) return [];
    return [red(`Programs may not call the kernel's function ${name}: it is not marked for that (__bpf_kfunc)`, insn)];
  });
  return [...missing, ...refused].map((finding) => unlessPartial(kernel, finding));
}

interface KfuncCall {
  readonly name: string;
  readonly id: number;
  readonly module: string | undefined;
  readonly insn: number;
}

/** Calls of kernel functions that are there; the kernel looks at all of them, reached or not. */
function kfuncCalls({ linked, answers, slots }: Assembled): KfuncCall[] {
  const calls = new Set(slots.flatMap(({ insn, value }) => (value.code === CALL ? [insn] : [])));
  const found = new Map<string, KfuncCall>();
  for (const reference of linked.references) {
    if (reference.kind !== 'extern' || !calls.has(reference.insn) || found.has(reference.name)) continue;
    const answer = answers.get(reference.name);
    if (answer?.kind === 'function')
      found.set(reference.name, { name: reference.name, id: answer.id, module: answer.module, insn: reference.insn });
  }
  return [...found.values()];
}

function isFound(answer: ExternAnswer | undefined): boolean | undefined {
  if (answer?.kind === 'kconfig' || (answer?.kind === 'address' && answer.address === UNKNOWN_ADDRESS)) return undefined;
  return answer !== undefined && answer.kind !== 'absent';
}

function usesOf(made: Assembled): ProgramUses {
  const { slots, sourceAt, answers } = made;
  const helpers = firstOfEach(slots, helperOf).map(([number, { insn }]) => ({
    name: helperName(number),
    source: sourceAt(insn),
  }));
  const kfuncs = kfuncCalls(made).map(({ name, module, insn }) => ({ name, module, source: sourceAt(insn) }));
  const [call] = kfuncs;
  const ofModule = kfuncs.find(({ module }) => module !== undefined);
  return {
    helpers,
    instructions: firstOfEach(slots, insnFeature).map(([feature, { insn }]) => ({ ...feature, source: sourceAt(insn) })),
    externs: externUses(made).map(([name, insn]) => ({ name, found: isFound(answers.get(name)), source: sourceAt(insn) })),
    kfuncs,
    functions: [],
    needs: [
      ...helpers.flatMap(({ name, source }) => helperNeeds(name, source)),
      ...(call ? KFUNC_NEEDS.map((need) => ({ ...need, source: call.source })) : []),
      ...(ofModule ? [{ ...MODULE_TYPES, source: ofModule.source }] : []),
    ],
  };
}
