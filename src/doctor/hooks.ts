// Hooks: what came of loading and attaching their programs -> a row for each.

import { HOOKS, type Hook } from '../plan/index.js';
import { type Answer, type DoctorFacts, type HookOutcome, known } from './facts.js';
import { type Reason, reasonOf } from './reasons.js';
import { lockdownLevel, lsmList } from './rights.js';
import type { Finding, Row, State } from './row.js';

export interface HookRow extends Row {
  /** By the name in SEC(). */
  readonly parts: readonly HookOutcome[];
}

export const hookRows = (facts: DoctorFacts): HookRow[] =>
  HOOKS.flatMap((hook) => {
    const parts = facts.hooks.filter((outcome) => outcome.hook === hook.id);
    if (parts.length === 0) return [];
    return [{ id: `hooks.${hook.id}`, group: 'hooks', title: hook.id, ...judge(facts, hook, parts), parts }];
  });

interface Failure {
  readonly parts: readonly string[];
  readonly words: string;
  readonly reason: Reason;
}

const SEVERITY: readonly State[] = ['ok', 'unknown', 'warning', 'problem'];
const worst = (states: readonly State[]): State =>
  states.reduce((a, b) => (SEVERITY.indexOf(b) > SEVERITY.indexOf(a) ? b : a), 'ok');

function judge(facts: DoctorFacts, hook: Hook, parts: readonly HookOutcome[]): Finding {
  const failures = grouped(parts.flatMap((part) => failureOf(facts, hook, part) ?? []));
  if (failures.length === 0) return neverRuns(facts, hook) ?? { state: 'ok', found: fine(parts), where: hook.what };
  const failed = new Set(failures.flatMap((failure) => failure.parts));
  const works = parts.filter(({ part }) => !failed.has(part));
  const means = new Set(failures.map(({ reason }) => reason.means));
  const each = failures.map(({ parts: of, reason }) => `${of.join(', ')}: ${reason.means}`);
  const mends = failures.flatMap(({ reason }) => reason.mend ?? []);
  const list = failures.map((failure) =>
    failure.parts.length === parts.length ? failure.words : `${failure.parts.join(', ')}: ${failure.words}`,
  );
  return {
    state: worst(failures.map(({ reason }) => reason.state)),
    found: [...(works.length > 0 ? [`${works.map(({ part }) => part).join(', ')}: ${fine(works)}`] : []), ...list].join('; '),
    where: hook.what,
    means: (means.size > 1 ? each : [...means]).join(' '),
    ...(mends.length > 0 && { mend: [...new Set(mends)].join(' ') }),
  };
}

/** `loads and attaches`, `loads`, or that the kernel knows how to attach. */
function fine(parts: readonly HookOutcome[]): string {
  const answers = new Set(parts.map(({ attaches }) => attaches?.answer));
  if (answers.has('yes')) return 'loads and attaches';
  return answers.has('asked') ? 'loads, and the kernel knows how to attach it' : 'loads';
}

function failureOf(facts: DoctorFacts, hook: Hook, { part, loads, attaches }: HookOutcome): Failure | undefined {
  const since = hook.parts.find(({ name }) => name === part)?.since ?? hook.since;
  const fail = (stage: 'load' | 'attach', answer: Answer): Failure | undefined => {
    if (answer.answer === 'no') {
      const { errno, call, log } = answer;
      const words = stage === 'load' ? `refused (${errno})` : `loads, but does not attach (${call}: ${errno})`;
      return { parts: [part], words, reason: reasonOf({ facts, hook, since, stage, errno, call, log }) };
    }
    if (answer.answer !== 'unknown') return undefined;
    return {
      parts: [part],
      words: stage === 'load' ? 'not tried' : 'loads; attaching was not tried',
      reason: missing(facts, hook, answer.missing),
    };
  };
  return fail('load', loads) ?? (attaches && fail('attach', attaches));
}

/** Something that the probe needs is not there: because the hook is not, or because it may not be seen. */
function missing(facts: DoctorFacts, hook: Hook, what: string): Reason {
  if (hook.id === 'tracepoint' && lockdownLevel(facts) === 'confidentiality')
    return {
      state: 'problem',
      means: 'Lockdown is at confidentiality, which leaves tracefs empty.',
      mend: 'Boot without lockdown=confidentiality.',
    };
  const config = known(facts.config);
  const unset = config ? hook.config.filter((name) => !config.settings.has(name)) : [];
  if (unset.length > 0)
    return {
      state: 'warning',
      means: `The kernel is built without ${unset.join(', ')}.`,
      mend: `Use a kernel with ${unset.map((name) => `${name}=y`).join(', ')}.`,
    };
  return { state: 'unknown', means: `Missing: ${what}.` };
}

/** The same words and reason for several parts are said once. */
function grouped(failures: readonly Failure[]): Failure[] {
  const byWords = new Map<string, Failure>();
  for (const failure of failures) {
    const key = `${failure.words}\n${failure.reason.means}`;
    const same = byWords.get(key);
    byWords.set(key, same ? { ...same, parts: [...same.parts, ...failure.parts] } : failure);
  }
  return [...byWords.values()];
}

/** LSM programs load on kernels that never ask the BPF LSM. */
function neverRuns(facts: DoctorFacts, hook: Hook): Finding | undefined {
  const list = lsmList(facts);
  if (!hook.config.includes('CONFIG_BPF_LSM') || !list || list.includes('bpf')) return undefined;
  return {
    state: 'warning',
    found: 'loads, and never runs',
    where: hook.what,
    means: 'The BPF LSM is not among the active security modules.',
    mend: `Boot with lsm=${list.filter((name) => name !== 'capability').join(',')},bpf on the command line of the kernel`,
  };
}
