// How arguments may be given beside commander's way.

import { VERBS } from './table.js';

/** Errors are JSON too where one of these asks for it; short flags may stand together: `-jp`. */
export const JSON_FLAG = /^(--json|--pretty|-[dfnv]*[jp][djpfnv]*)$/;

/** Nouns that may be cut short, in bpftool's order, and flags that it takes before them and behind them. */
const NOUNS = ['prog', 'map', 'link', 'cgroup', 'perf', 'net', 'feature', 'btf', 'gen'];
const FLAG = /^(--json|--pretty|--bpffs|--nomount|--debug|-[djpfn]+|-B|--base-btf(=.*)?)$/;
const WITH_VALUE = /^(-B|--base-btf)$/;
/** Verbs that may be cut short, of nouns that leave their words to commander. */
const SUBVERBS: Readonly<Record<string, readonly string[]>> = { btf: ['show', 'list', 'dump'], feature: ['probe'] };

/**
 * `-j m l` as bpftool takes it: flags may stand before the noun and before the verb, and words may be cut short. The flags are put behind
 * the verb, because some nouns have none of their own.
 */
export function likeBpftool(args: readonly string[]): readonly string[] {
  const at = pastFlags(args, 0);
  const said = args[at] ?? '';
  const isVerb = VERBS.some(({ name }) => name === said);
  const noun = isVerb ? said : NOUNS.find((name) => said !== '' && name.startsWith(said));
  if (noun === undefined || !NOUNS.includes(noun)) return args;
  const verbAt = pastFlags(args, at + 1);
  const flags = [...args.slice(0, at), ...args.slice(at + 1, verbAt)];
  const [verb, ...rest] = args.slice(verbAt);
  return [noun, ...(verb === undefined ? [] : [whole(noun, verb)]), ...flags, ...rest];
}

function pastFlags(args: readonly string[], from: number): number {
  let at = from;
  while (at < args.length && FLAG.test(args[at] as string)) at += WITH_VALUE.test(args[at] as string) ? 2 : 1;
  return at;
}

const whole = (noun: string, word: string): string => SUBVERBS[noun]?.find((verb) => verb.startsWith(word)) ?? word;
