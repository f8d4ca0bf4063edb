import { expect, test } from 'vitest';
import { type BtfTypeInput, findType, layoutOf, showLayout } from '../../src/btf/index.js';
import { array, btfOf, INT, int, proto, ptr, struct, union } from '../support/btf-types.js';

const CHAR = int('char', 1, 2);
const LONG = int('long', 8, 1);
const bitfields: BtfTypeInput = {
  kind: 'STRUCT',
  name: 's',
  size: 16,
  members: [
    { name: 'a', type: 1, bitOffset: 0, bitfieldSize: 3 },
    { name: 'b', type: 1, bitOffset: 8, bitfieldSize: 4 },
    { name: 'l', type: 3, bitOffset: 64, bitfieldSize: 0 },
  ],
};
const show = (...types: readonly BtfTypeInput[]): string => {
  const btf = btfOf([INT, CHAR, LONG, ...types]);
  return showLayout(layoutOf(btf, findType(btf, 's', 'STRUCT', 'UNION') as number));
};

test('holes and padding, in the form of pahole', () => {
  expect(show(struct('s', 24, ['c', 2], ['l', 3, 8], ['i', 1, 16]))).toBe(`struct s {
	char                       c;                    /*     0     1 */

	/* XXX 7 bytes hole, try to pack */

	long                       l;                    /*     8     8 */
	int                        i;                    /*    16     4 */

	/* size: 24, cachelines: 1, members: 3 */
	/* sum members: 13, holes: 1, sum holes: 7 */
	/* padding: 4 */
	/* last cacheline: 24 bytes */
};
`);
});
test('bitfields', () => {
  expect(show(bitfields)).toBe(`struct s {
	int                        a:3;                  /*     0: 0  4 */

	/* XXX 5 bits hole, try to pack */

	int                        b:4;                  /*     0: 8  4 */

	/* XXX 20 bits hole, try to pack */
	/* XXX 4 bytes hole, try to pack */

	long                       l;                    /*     8     8 */

	/* size: 16, cachelines: 1, members: 3 */
	/* sum members: 8, holes: 1, sum holes: 4 */
	/* sum bitfield members: 7 bits, bit holes: 2, sum bit holes: 25 bits */
	/* last cacheline: 16 bytes */
};
`);
});
test('cache lines', () => {
  const text = show(array(2, 60), struct('s', 136, ['a', 4], ['l', 3, 64], ['m', 4, 72], ['i', 1, 132]));
  expect(text).toContain('\t/* --- cacheline 1 boundary (64 bytes) --- */\n\tlong ');
  expect(text).toContain('\t/* --- cacheline 2 boundary (128 bytes) was 4 bytes ago --- */\n\tint ');
  expect(text).toContain('cachelines: 3');
});
test('anonymous structs with their members, arrays and functions as C has them', () => {
  const text = show(
    array(1, 3),
    proto(1, 1),
    ptr(5),
    union('', 8, ['x', 1], ['y', 3]),
    struct('s', 32, ['a', 4], ['f', 6, 16], ['', 7, 24]),
  );
  expect(text).toContain('\tint                        a[3];                 /*     0    12 */');
  expect(text).toContain('\tint                        (*f)(int);            /*    16     8 */');
  expect(text).toContain('\tunion {\n\t\tint                x;                    /*    24     4 */');
  expect(text).toContain('\t};                                               /*    24     8 */');
});
test('packed, and the padding of a struct inside', () => {
  const text = show(struct('in', 8, ['i', 1], ['c', 2, 4]), struct('s', 9, ['in', 4], ['c', 2, 8]));
  expect(text).toContain('/* XXX last struct has 3 bytes of padding */');
  expect(text).toContain('/* paddings: 1, sum paddings: 3 */');
  expect(show(struct('s', 5, ['c', 2], ['i', 1, 1]))).toContain('} __attribute__((__packed__));');
});
test('what has no members, and what holds itself', () => {
  const btf = btfOf([INT, struct('', 4, ['me', 2])]);
  expect(() => layoutOf(btf, 1)).toThrow(/no members/);
  expect(() => layoutOf(btf, 2)).toThrow(/nested too deep/);
});
