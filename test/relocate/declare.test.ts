// C text of declarations, of types that C knows and of types that nobody wrote.

import { expect, it } from 'vitest';
import { declare } from '../../src/relocate/declare.js';
import { array, btfOf, INT, ptr, struct } from '../support/btf-types.js';

it.each([
  ['an int', 1, 'int x'],
  ['an array', 2, 'int x[4]'],
  ['a pointer', 3, 'struct s *x'],
])('%s', (_, id, text) => {
  expect(declare(btfOf([INT, array(1, 4), ptr(4), struct('s', 4, ['a', 1])]), id, 'x')).toBe(text);
});

it('an array of itself ends', () => {
  expect(declare(btfOf([INT, array(2, 4)]), 2, 'x').length).toBeLessThan(1000);
});
