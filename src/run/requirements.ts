// What an object needs of a kernel: for explain, which has one at hand, and for inspect, which has none.

import { encodeBtf, parseBtf } from '../btf/index.js';
import {
  type CheckedKernel,
  checkObject,
  EXTERN_FEATURES,
  KFUNC_NEEDS,
  leastKernel,
  type ObjectCheck,
  REQUIREMENT_KINDS,
  type Requirement,
  requirementsOf,
} from '../check/index.js';
import type { BpfObject } from '../object/index.js';
import { type Look, type Paint, wrap } from './paint.js';

export interface Needed {
  readonly requirements: readonly Requirement[];
  readonly least: ReturnType<typeof leastKernel>;
}

export const neededOn = (object: BpfObject, check: ObjectCheck, kernel: CheckedKernel | undefined): Needed => {
  const requirements = requirementsOf(object, check, kernel);
  return { requirements, least: leastKernel(requirements) };
};

const kernelLike = (btf: CheckedKernel['btf']): CheckedKernel => ({ name: 'any', version: undefined, btf, modules: [] });

/**
 * Of no kernel in particular: what is needed where everything is there that the object knows of, its own types in place of the kernel's.
 * What it does without where none of that is there (`bpf_core_enum_value_exists`, `bpf_ksym_exists`) is optional.
 */
export function neededAnywhere(object: BpfObject): Needed {
  const none = parseBtf(encodeBtf([]));
  const everything = checkObject(object, kernelLike(object.btf ?? none));
  const most = requirementsOf(object, everything, undefined);
  const least = requirementsOf(object, checkObject(object, kernelLike(none)), undefined);
  const always = new Set([...least.map(keyOf), ...strongUses(object, everything)]);
  const requirements = most.map(
    (one): Requirement => ({
      ...one,
      status: 'unknown',
      ...(!always.has(keyOf(one)) && { optional: true, why: `${one.why} (guarded)` }),
    }),
  );
  return { requirements, least: leastKernel(requirements) };
}

/** Keys of what follows from externs that are not weak: no kernel lacks them that takes the object. */
function strongUses({ externs }: BpfObject, { programs }: ObjectCheck): string[] {
  const used = new Set(programs.flatMap(({ uses }) => uses.externs.map(({ name }) => name)));
  return externs.flatMap(({ name, kind, weak }) => {
    if (weak || kind === 'kconfig' || !used.has(name)) return [];
    const options = kind === 'function' ? KFUNC_NEEDS.map(({ setting }) => `option ${setting}`) : [];
    return [`instruction ${EXTERN_FEATURES[kind]}`, ...options];
  });
}

const keyOf = ({ kind, name }: Requirement): string => `${kind} ${name}`;

/** With every key, so that programs need not ask which are there. */
export const requirementJson = ({ kind, name, since, why, status, optional, by }: Requirement): Record<string, unknown> => ({
  kind,
  name,
  since: since ?? null,
  why,
  status,
  optional: optional ?? false,
  needed_by: (by ?? []).map(({ name: user, source }) => ({ name: user, source: source ?? null })),
});

export const leastJson = ({ least }: Needed): { since: string; because: string } | null =>
  least ? { since: least.since, because: least.because.name } : null;

const MARKS: Readonly<Record<Requirement['status'], { readonly text: string; readonly colour: keyof Paint }>> = {
  there: { text: 'yes', colour: 'green' },
  missing: { text: 'NO', colour: 'red' },
  differs: { text: 'DIFFERS', colour: 'red' },
  assumed: { text: 'assumed', colour: 'yellow' },
  unknown: { text: '', colour: 'dim' },
};

/** Of the column with the marks, and what is before it. */
const MARK_WIDTH = 10;

/** The same for what may be missing. */
const OPTIONAL_MARKS: typeof MARKS = {
  ...MARKS,
  missing: { text: 'no', colour: 'yellow' },
  differs: { text: 'differs', colour: 'yellow' },
};

/** A line for each, by kind, with what needs it; before it whether the kernel at hand has it. */
export function requirementLines({ requirements, least }: Needed, { width, paint }: Look): string[] {
  const lines = least ? wrap(`Linux ${least.since} or later, because of ${least.because.name}`, width, '  ', '    ') : [];
  for (const kind of REQUIREMENT_KINDS) {
    for (const { name, since, why, status, optional } of requirements.filter((one) => one.kind === kind)) {
      const { text, colour } = (optional ? OPTIONAL_MARKS : MARKS)[status];
      const words = `${kind.padEnd(16)}${name}${since === undefined ? '' : ` (${since})`}: ${why}`;
      const [first = '', ...rest] = wrap(words, width - MARK_WIDTH, '', ' '.repeat(16));
      lines.push(`  ${paint[colour](text.padEnd(MARK_WIDTH - 2))}${first}`, ...rest.map((line) => ' '.repeat(MARK_WIDTH) + line));
    }
  }
  return lines;
}

const PREFIXES = /^BPF_(PROG_TYPE|MAP_TYPE|FUNC)_/;
/** As other lines of a page call it: `ringbuf`, `bpf_ringbuf_reserve`. */
const shortName = ({ kind, name }: Requirement): string => {
  const [prefix] = PREFIXES.exec(name) ?? [''];
  return prefix === '' ? name : `${kind === 'helper' ? 'bpf_' : ''}${name.slice(prefix.length).toLowerCase()}`;
};

/** A line or so for each kind: names, with the kernel that has them first. Who needs them, and where, `explain` says; facts and features
 * are what a load asks for. */
export function requirementSummary({ requirements, least }: Needed, width: number): string[] {
  const lines = least ? wrap(`Linux ${least.since} or later, because of ${least.because.name}`, width, '  ', '    ') : [];
  for (const kind of REQUIREMENT_KINDS.filter((one) => one !== 'fact' && one !== 'feature')) {
    const ofKind = requirements.filter((one) => one.kind === kind);
    if (ofKind.length === 0) continue;
    const names = ofKind.map((one) => {
      const notes = [one.since, one.optional && 'optional'].filter(Boolean).join(', ');
      return `${shortName(one)}${notes && ` (${notes})`}`;
    });
    const title = kind.padEnd(TITLE_WIDTH);
    lines.push(...wrap(`${title}${[...new Set(names)].join(', ')}`, width, '  ', ' '.repeat(TITLE_WIDTH + 2)));
  }
  return lines;
}
const TITLE_WIDTH = 16;
