// How arguments may be given beside commander's way.

import { VERBS } from './table.js';

/** Errors are JSON too where one of these asks for it. */
export const JSON_FLAGS = ['--json', '-j', '--pretty', '-p'];
/** Nouns that may be cut short, in bpftool's order, and flags that it takes before them. */
const NOUNS = ['prog', 'map', 'link'];
const FLAGS_FIRST: ReadonlySet<string> = new Set([...JSON_FLAGS, '-f', '--bpffs', '-n', '--nomount', '-jp', '-pj']);

/** `-j m l` as bpftool takes it: flags may stand before the noun, and the noun may be cut short. */
export function likeBpftool(args: readonly string[]): readonly string[] {
  const at = args.findIndex((arg) => !FLAGS_FIRST.has(arg));
  const said = args[at] ?? '';
  const isVerb = VERBS.some(({ name }) => name === said);
  const noun = isVerb ? said : NOUNS.find((name) => said !== '' && name.startsWith(said));
  return noun === undefined || !NOUNS.includes(noun) ? args : [noun, ...args.slice(0, at), ...args.slice(at + 1)];
}
