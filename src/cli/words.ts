// bpftool's grammar: after the verb come words, some of which take the word after them. A table says which; every verb has its own.

import { nearest } from '../bytes/index.js';

export interface WordRule {
  /** What follows: any text, a number, or one of these words. Nothing if not said. */
  readonly takes?: 'text' | 'number' | readonly string[];
  /** How often it may stand there; once if not said. */
  readonly most?: number;
}
export type Grammar = Readonly<Record<string, WordRule>>;

type Value<R extends WordRule> = R['takes'] extends 'number' ? number : R['takes'] extends readonly (infer W)[] ? W : string;
/** By word, what followed it, each time that it stood there: `['']` for what takes nothing, undefined for what was not said. */
export type Said<G extends Grammar> = { readonly [W in keyof G]?: readonly Value<G[W]>[] };

const LARGEST = 0xffffffff;

/**
 * Takes words apart.
 * @param fail Told what is wrong, in words for the user; it does not return.
 */
export function parseWords<const G extends Grammar>(
  words: readonly string[],
  grammar: G,
  fail: (message: string) => never,
): Said<G> {
  const said: Record<string, (string | number)[]> = {};
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    const rule = Object.hasOwn(grammar, word) ? (grammar[word] as WordRule) : fail(unknown(word, grammar));
    said[word] ??= [];
    const most = rule.most ?? 1;
    if (said[word].length >= most)
      fail(most === 1 ? `'${word}' stands there twice` : `'${word}' may stand there ${most} times only`);
    said[word].push(rule.takes === undefined ? '' : valueAfter(word, rule.takes, words[++i], fail));
  }
  return said as unknown as Said<G>;
}

function unknown(word: string, grammar: Grammar): string {
  const meant = nearest(word, Object.keys(grammar));
  return `unknown word '${word}'${meant ? ` (did you mean '${meant}'?)` : ''}; known are: ${Object.keys(grammar).join(', ')}`;
}

function valueAfter(
  word: string,
  takes: NonNullable<WordRule['takes']>,
  text: string | undefined,
  fail: (message: string) => never,
): string | number {
  if (text === undefined)
    return fail(`'${word}' needs ${typeof takes === 'string' ? `a ${takes}` : takes.join(' or ')} after it`);
  if (takes === 'text') return text;
  if (takes !== 'number')
    return takes.includes(text) ? text : fail(`'${word}' is followed by ${takes.join(' or ')}, not '${text}'`);
  const value = /^(0x[\da-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  return value <= LARGEST ? value : fail(`'${word}' is followed by a number, not '${text}'`);
}
