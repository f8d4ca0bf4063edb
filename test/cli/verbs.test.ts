// The grammar of verbs and words, as bpftool has it.

import { describe, expect, it } from 'vitest';
import { chooseVerb, isPrefix, type Verb, Words, WordsError } from '../../src/cli/verbs.js';

const verbs = ['show', 'list', 'dump', 'update', 'delete', 'push', 'pop', 'pin'].map(
  (name): Verb<undefined> => ({ name, words: '', run: () => {} }),
);

describe('verbs', () => {
  it.each([
    ['show', 'show'],
    ['s', 'show'],
    ['d', 'dump'],
    ['de', 'delete'],
    ['p', 'push'],
    ['pi', 'pin'],
    ['list', 'list'],
  ])('%s means %s: the first of the table that starts so', (said, meant) => {
    expect(chooseVerb(verbs, new Words([said])).name).toBe(meant);
  });

  it('is the first of all when nothing is said', () => {
    expect(chooseVerb(verbs, new Words([])).name).toBe('show');
  });

  it.each(['', 'shows', 'x', 'Show'])('%j means none', (said) => {
    expect(() => chooseVerb(verbs, new Words([said]))).toThrow(WordsError);
  });
});

describe('words', () => {
  it('are taken one after the other', () => {
    const words = new Words(['id', '0x10', 'opc', 'file', 'x']);
    expect(words.oneOf(['id', 'name'])).toBe('id');
    expect(words.number('the id')).toBe(16);
    expect(words.take('linum')).toBe(false);
    expect(words.take('opcodes')).toBe(true);
    expect(words.left).toBe(2);
    expect(words.rest()).toEqual(['file', 'x']);
    words.end();
  });

  it.each<[string, (words: Words) => unknown, RegExp]>([
    ['that are missing', (words) => [words.next('a'), words.next('a path')], /a path is missing after 'foo'/],
    ['that are no number', (words) => words.number('the id of a map'), /can't parse foo as the id of a map/],
    ['that are none of the keywords', (words) => words.oneOf(['id', 'tag', 'name']), /expected id, tag or name, got 'foo'/],
    ['that are too many', (words) => words.end(), /what is 'foo'\?/],
  ])('%s are refused', (_, take, message) => {
    expect(() => take(new Words(['foo']))).toThrow(message);
  });

  it.each(['-1', '1.5', '0x', '', '4294967296', '1e3'])('%j is no id', (text) => {
    expect(() => new Words([text]).number('id')).toThrow(WordsError);
  });

  it('an empty word begins no keyword', () => {
    expect(isPrefix('', 'id')).toBe(false);
  });
});
