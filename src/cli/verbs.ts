// bpftool's grammar: a noun, a verb from the noun's table, then words that the verb takes one after the other. Verbs and keywords may
// be cut short; the first in the table that starts so is meant.

import { UsageError } from '../errors.js';

/** The words are not what the verb takes. */
export class WordsError extends UsageError {}

/** Whether `word` is `keyword`, or its beginning. */
export const isPrefix = (word: string, keyword: string): boolean => word !== '' && keyword.startsWith(word);

/** A row of a noun's table. `words` is how help shows what follows. */
export interface Verb<Context> {
  readonly name: string;
  readonly words: string;
  readonly run: (words: Words, context: Context) => void | Promise<void>;
}

/** The first verb of the table that is meant; the first of all when nothing is said. @throws {WordsError} */
export function chooseVerb<Context>(verbs: readonly Verb<Context>[], words: Words): Verb<Context> {
  const said = words.left === 0 ? (verbs[0]?.name ?? '') : words.next('a verb');
  const verb = verbs.find(({ name }) => isPrefix(said, name));
  if (!verb) throw new WordsError(`'${said}' is none of ${[...new Set(verbs.map(({ name }) => name))].join(', ')}`);
  return verb;
}

/** The words after the noun, taken from the front. */
export class Words {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  get left(): number {
    return this.#words.length - this.#at;
  }

  peek(): string | undefined {
    return this.#words[this.#at];
  }

  /** @param what For the message: `a path`. @throws {WordsError} when there is none. */
  next(what: string): string {
    const word = this.#words[this.#at];
    if (word === undefined)
      throw new WordsError(`${what} is missing${this.#at > 0 ? ` after '${this.#words[this.#at - 1]}'` : ''}`);
    this.#at++;
    return word;
  }

  /** Takes the next word if it is this keyword, or its beginning. */
  take(keyword: string): boolean {
    const word = this.#words[this.#at];
    if (word === undefined || !isPrefix(word, keyword)) return false;
    this.#at++;
    return true;
  }

  /** Takes the next word, which is one of these keywords. @throws {WordsError} */
  oneOf<K extends string>(keywords: readonly K[]): K {
    const found = keywords.find((keyword) => this.take(keyword));
    if (found !== undefined) return found;
    const word = this.#words[this.#at];
    const last = keywords.at(-1);
    const listed = keywords.length > 1 ? `${keywords.slice(0, -1).join(', ')} or ${last}` : last;
    throw new WordsError(`expected ${listed}${word === undefined ? '' : `, got '${word}'`}`);
  }

  /** Takes a number, decimal or 0x…. @throws {WordsError} */
  number(what: string): number {
    const word = this.next(what);
    const value = /^(0x[\da-f]+|\d+)$/i.test(word) ? Number(word) : Number.NaN;
    if (!(value <= 0xffffffff)) throw new WordsError(`can't parse ${word} as ${what}`);
    return value;
  }

  /** Takes all that are left. */
  rest(): readonly string[] {
    const words = this.#words.slice(this.#at);
    this.#at = this.#words.length;
    return words;
  }

  /** @throws {WordsError} when words are left. */
  end(): void {
    if (this.left > 0) throw new WordsError(`what is '${this.#words[this.#at]}'?`);
  }
}
