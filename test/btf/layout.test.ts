import { expect, test } from 'vitest';
import { type BtfTypeInput, findType, layoutOf, showLayout } from '../../src/btf/index.js';
import { array, btfOf, INT, int, proto, ptr, struct, union } from '../support/btf-types.js';

const CHAR = int('char', 1, 2);
const LONG = int('long', 8, 1);
const bitfields = {
  kind: 'STRUCT',
  name: 's',
  size: 16,
  members: [
    { name: 'a', type: 1, bitOffset: 0, bitfieldSize: 3 },
    { name: 'b', type: 1, bitOffset: 8, bitfieldSize: 4 },
    { name: 'l', type: 3, bitOffset: 64, bitfieldSize: 0 },
  ],
} satisfies BtfTypeInput;
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
test('bits at the end are told up to the end of their integer, of a struct inside too', () => {
  const flags: BtfTypeInput = {
    kind: 'STRUCT',
    name: 'flags',
    size: 16,
    members: [
      { name: 'l', type: 3, bitOffset: 0, bitfieldSize: 0 },
      { name: 'f', type: 1, bitOffset: 64, bitfieldSize: 5 },
    ],
  };
  const text = show(flags, struct('s', 24, ['flags', 4], ['l', 3, 16]));
  expect(text).toContain('/* XXX last struct has 4 bytes of padding, 27 bits of padding */');
  expect(text).toContain('/* member types with bit paddings: 1, total: 27 bits */\n\t/* paddings: 1, sum paddings: 4 */');
  const btf = btfOf([INT, CHAR, LONG, flags]);
  expect(layoutOf(btf, 4)).toMatchObject({ padding: 4, bitPadding: 27 });
});
test('arrays of anonymous structs, and const ones, with their members', () => {
  const text = show(struct('', 8, ['l', 3]), array(4, 2), { kind: 'CONST', type: 4 }, struct('s', 24, ['pair', 5], ['', 6, 16]));
  expect(text).toContain('\tstruct {\n\t\tlong               l;                    /*     0     8 */\n\t} pair[2];');
  expect(text).toContain('\tconst struct {\n\t\tlong               l;                    /*    16     8 */\n\t};');
});
test('the padding of an anonymous struct', () => {
  const text = show(struct('', 16, ['l', 3], ['c', 2, 8]), struct('s', 24, ['', 4], ['l', 3, 16]));
  expect(text).toContain(
    '\t};                                               /*     0    16 */\n\n\t/* XXX last struct has 7 bytes',
  );
});
test('an array that ends a struct has no length; one elsewhere has none of it', () => {
  const text = show(array(2, 0), struct('s', 4, ['begin', 4], ['i', 1], ['end', 4, 4]));
  expect(text).toContain(' begin[0]; ');
  expect(text).toContain(' end[]; ');
});
test('each member of a union crosses a cache line by itself', () => {
  const text = show(
    array(3, 8),
    struct('', 72, ['a', 4], ['b', 3, 64]),
    struct('', 72, ['c', 4], ['d', 3, 64]),
    union('', 72, ['', 5], ['', 6]),
    struct('s', 80, ['', 7], ['l', 3, 72]),
  );
  expect(text.match(/--- cacheline 1 boundary \(64 bytes\) ---/g)).toHaveLength(2);
  expect(text).toContain('\t/* --- cacheline 1 boundary (64 bytes) was 8 bytes ago --- */\n\tlong                       l;');
});
test('sums only where there are holes', () => {
  expect(show(struct('s', 16, ['l', 3], ['c', 2, 8]))).not.toContain('sum members');
  expect(show({ ...bitfields, size: 8, members: bitfields.members.slice(0, 2) })).toContain(
    '/* sum bitfield members: 7 bits, bit holes: 1, sum bit holes: 5 bits */',
  );
});
test('what has no members, and what holds itself', () => {
  const btf = btfOf([INT, struct('', 4, ['me', 2])]);
  expect(() => layoutOf(btf, 1)).toThrow(/no members/);
  expect(() => layoutOf(btf, 2)).toThrow(/nested too deep/);
});
