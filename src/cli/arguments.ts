// How arguments may be given beside commander's way.

import { VERBS } from './table.js';

/** Errors are JSON too where one of these asks for it; short flags may stand together: `-jp`. */
export const JSON_FLAG = /^(--json|--pretty|-[dfnv]*[jp][djpfnv]*)$/;

/** Nouns that may be cut short, in bpftool's order, and flags that it takes before them. */
const NOUNS = ['prog', 'map', 'link', 'cgroup', 'perf', 'net', 'feature', 'btf', 'gen'];
const FLAG_FIRST = /^(--json|--pretty|--bpffs|--nomount|--debug|-[djpfn]+)$/;
/** Verbs that may be cut short, of nouns that leave their words to commander. */
const SUBVERBS: Readonly<Record<string, readonly string[]>> = { btf: ['show', 'list', 'dump'], feature: ['probe'] };

/**
 * `-j m l` as bpftool takes it: flags may stand before the noun, and words may be cut short. The flags are put behind the verb, because
 * some nouns have none of their own.
 */
export function likeBpftool(args: readonly string[]): readonly string[] {
  const at = args.findIndex((arg) => !FLAG_FIRST.test(arg));
  const said = args[at] ?? '';
  const isVerb = VERBS.some(({ name }) => name === said);
  const noun = isVerb ? said : NOUNS.find((name) => said !== '' && name.startsWith(said));
  if (noun === undefined || !NOUNS.includes(noun)) return args;
  const after = args.slice(at + 1);
  const verb = after[0]?.startsWith('-') ? [] : after.slice(0, 1).map((word) => whole(noun, word));
  return [noun, ...verb, ...args.slice(0, at), ...after.slice(verb.length)];
}

const whole = (noun: string, word: string): string => SUBVERBS[noun]?.find((verb) => verb.startsWith(word)) ?? word;
