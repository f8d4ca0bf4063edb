// The words of `tsbpf feature probe`, which are bpftool's: `[kernel | dev NAME] [full] [unprivileged] [macros [prefix PREFIX]]`.

import type { FeatureOptions } from '../run/index.js';
import { deviceNamed } from './device.js';
import { Words, WordsError } from './verbs.js';

/** Any beginning of a word stands for it, as with bpftool; the first that fits. */
const WORDS = ['kernel', 'dev', 'full', 'macros', 'prefix', 'unprivileged'] as const;

export interface ProbeWords extends FeatureOptions {
  /** What macros begin with, which is nothing if `prefix` is not said; undefined if they are not asked for. */
  readonly macros: string | undefined;
}

/** @throws {WordsError} for words that mean nothing, that are there twice, or in the wrong order. */
export function probeWords(said: readonly string[]): ProbeWords {
  const words = new Words(said);
  const seen = new Set<(typeof WORDS)[number]>();
  let device: number | undefined;
  let prefix = '';
  while (words.left > 0) {
    const word = words.oneOf(WORDS);
    if (seen.has(word)) throw new WordsError(`'${word}' is there twice`);
    seen.add(word);
    if (seen.has('kernel') && seen.has('dev')) throw new WordsError("one component is probed: 'kernel' or 'dev'");
    if (word === 'dev') device = deviceNamed(words.next('the name of a device'));
    if (word === 'prefix') prefix = prefixAfter(seen.has('macros'), words);
  }
  return {
    full: seen.has('full'),
    unprivileged: seen.has('unprivileged'),
    ...(device !== undefined && { device }),
    macros: seen.has('macros') ? prefix : undefined,
  };
}

function prefixAfter(macros: boolean, words: Words): string {
  if (!macros) throw new WordsError("'prefix' is of use after 'macros' only");
  const prefix = words.next('what macros begin with');
  if (!/^([A-Za-z_]\w*)?$/.test(prefix))
    throw new WordsError(`'${prefix}' cannot begin the name of a macro`, {
      remedy: 'It takes letters, digits and _, no digit first.',
    });
  return prefix;
}
