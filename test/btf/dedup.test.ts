// Deduplication: small BTFs of several compilation units, and what is left of them.

import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type Btf, type BtfTypeInput, dedupBtf, mergeBtf, parseBtf } from '../../src/btf/index.js';
import { array, btfOf, INT, int, proto, ptr, struct, typedef, union } from '../support/btf-types.js';

const fwd = (name: string, isUnion = false): BtfTypeInput => ({ kind: 'FWD', name, union: isUnion });
const enumOf = (name: string, ...values: [string, bigint][]): BtfTypeInput => ({
  kind: 'ENUM',
  name,
  size: 4,
  signed: false,
  values: values.map(([key, value]) => ({ name: key, value })),
});

/** Kind and name of each type: `STRUCT s`, `PTR`. */
const shown = (btf: Btf): string[] =>
  Array.from({ length: btf.length - 1 }, (_, i) => `${btf.kind(i + 1)} ${btf.name(i + 1)}`.trim());

const dedup = (...types: BtfTypeInput[]) => {
  const { btf, ids } = dedupBtf(btfOf(types));
  return { types: shown(btf), ids: [...ids], btf };
};

it('keeps one of equal types, and says where the others went', () => {
  const { types, ids } = dedup(INT, int('char', 1), INT, ptr(1), ptr(3), { kind: 'CONST', type: 5 }, { kind: 'CONST', type: 4 });
  expect(types).toEqual(['INT int', 'INT char', 'PTR', 'CONST']);
  expect(ids).toEqual([0, 1, 2, 1, 3, 3, 4, 4]);
});

it('finds equal structs that refer to each other in circles', () => {
  const list = (at: number) => [struct('list', 16, ['next', at + 1, 0], ['prev', at + 1, 8]), ptr(at)];
  expect(dedup(...list(1), ...list(3)).types).toEqual(['STRUCT list', 'PTR']);
});

it('keeps structs apart that differ in a member, in a place, or far away', () => {
  expect(dedup(INT, struct('s', 4, ['a', 1]), struct('s', 4, ['b', 1])).types).toHaveLength(3);
  expect(dedup(INT, struct('s', 8, ['a', 1, 0]), struct('s', 8, ['a', 1, 4])).types).toHaveLength(3);
  const unit = (at: number, far: string) => [struct('far', 4, [far, 1]), ptr(at), struct('s', 8, ['p', at + 1])];
  expect(dedup(INT, ...unit(2, 'x'), ...unit(5, 'x')).types).toHaveLength(4);
  expect(dedup(INT, ...unit(2, 'x'), ...unit(5, 'y')).types).toHaveLength(7);
});

it('takes a declaration for the definition of another unit, inside a graph and outside', () => {
  const inside = dedup(
    INT,
    fwd('d'),
    ptr(2),
    struct('s', 8, ['p', 3]),
    struct('d', 4, ['x', 1]),
    ptr(5),
    struct('s', 8, ['p', 6]),
  );
  expect(inside.types).toEqual(['INT int', 'PTR', 'STRUCT s', 'STRUCT d']);
  expect(inside.btf.type(2)).toMatchObject({ type: 4 });
  expect(dedup(INT, fwd('d'), ptr(2), struct('d', 4, ['x', 1])).types).toEqual(['INT int', 'PTR', 'STRUCT d']);
});

it('leaves a declaration that two definitions fit, or that is of the other kind', () => {
  expect(dedup(INT, fwd('d'), struct('d', 4, ['x', 1]), struct('d', 4, ['y', 1])).types).toContain('FWD d');
  expect(dedup(INT, fwd('d'), union('d', 4, ['x', 1])).types).toContain('FWD d');
  expect(dedup(INT, fwd('d', true), union('d', 4, ['x', 1])).types).not.toContain('FWD d');
});

it('takes a declared enum for the one with values, of either size', () => {
  const big: BtfTypeInput = { kind: 'ENUM64', name: 'big', size: 8, signed: false, values: [{ name: 'B', value: 1n << 40n }] };
  expect(dedup(enumOf('e'), enumOf('e', ['A', 1n]), enumOf('e')).ids).toEqual([0, 1, 1, 1]);
  expect(dedup(enumOf('big'), ptr(1), big).types).toEqual(['PTR', 'ENUM64 big']);
  expect(dedup(enumOf('e', ['A', 1n]), enumOf('e', ['A', 2n])).types).toHaveLength(2);
});

it('compares functions with the names of their parameters, and arrays with their lengths', () => {
  const other: BtfTypeInput = { kind: 'FUNC_PROTO', type: 1, params: [{ name: 'q', type: 1 }] };
  expect(dedup(INT, proto(1, 1), proto(1, 1), other).types).toHaveLength(3);
  expect(dedup(INT, array(1, 2), array(1, 2), array(1, 3)).types).toHaveLength(3);
  const func = (type: number): BtfTypeInput => ({ kind: 'FUNC', name: 'f', type, linkage: 1 });
  expect(dedup(INT, proto(1), proto(1), func(2), func(3)).types).toEqual(['INT int', 'FUNC_PROTO', 'FUNC f']);
});

it('never joins variables and data sections, but moves what they refer to', () => {
  const v: BtfTypeInput = { kind: 'VAR', name: 'v', type: 2, linkage: 1 };
  const section: BtfTypeInput = { kind: 'DATASEC', name: '.data', size: 8, vars: [{ type: 4, offset: 4, size: 4 }] };
  const { types, btf } = dedup(INT, INT, v, v, section);
  expect(types).toEqual(['INT int', 'VAR v', 'VAR v', 'DATASEC .data']);
  expect(btf.type(2)).toMatchObject({ type: 1 });
  expect(btf.type(4)).toMatchObject({ vars: [{ type: 3, offset: 4, size: 4 }] });
});

it('joins typedefs that lead to the same, and declaration tags', () => {
  const tag = (type: number): BtfTypeInput => ({ kind: 'DECL_TAG', name: 't', type, component: -1, attribute: false });
  const { types } = dedup(INT, typedef('t', 1), INT, typedef('t', 3), tag(2), tag(4), typedef('t', 0));
  expect(types).toEqual(['INT int', 'TYPEDEF t', 'DECL_TAG t', 'TYPEDEF t']);
});

it('has each string once, and only those that are used', () => {
  const { btf } = dedupBtf(btfOf([INT, typedef('int', 1), INT, struct('int', 4, ['int', 1])]));
  expect(btf.strings.bytes.length).toBe('\0int\0'.length);
});

it('leaves nothing to do for a second time, and changes nothing of a kernel', { timeout: 60_000 }, () => {
  const file = '/sys/kernel/btf/vmlinux';
  if (!existsSync(file)) return console.log(`skipped: there is no ${file}`);
  const kernel = parseBtf(readFileSync(file));
  const start = performance.now();
  const { btf } = dedupBtf(kernel);
  console.log(`${kernel.length} types deduplicated in ${Math.round(performance.now() - start)} ms`);
  expect(btf.length).toBe(kernel.length);
  for (let id = 1; id < btf.length; id += 97) expect(btf.type(id)).toEqual(kernel.type(id));
});

/** Of its own types. */
const shownOwn = (btf: Btf): string[] => shown(btf).slice(btf.firstId - 1);

it('of split BTF leaves out what the base has', () => {
  const base = btfOf([INT, struct('list', 16, ['next', 3]), ptr(2)]);
  const split = btfOf([INT, struct('list', 16, ['next', 6]), ptr(5), struct('mine', 8, ['l', 6]), ptr(7)], { base });
  const { btf, ids } = dedupBtf(split);
  expect(shownOwn(btf)).toEqual(['STRUCT mine', 'PTR']);
  expect([...ids]).toEqual([0, 1, 2, 3, 1, 2, 3, 4, 5]);
  expect(btf.type(4)).toMatchObject({ members: [{ name: 'l', type: 3 }] });
});

it('keeps a definition of what the base only declares, and points to that', () => {
  const base = btfOf([INT, { kind: 'FWD', name: 'd', union: false }, ptr(2), struct('s', 8, ['p', 3])]);
  const split = btfOf([struct('d', 4, ['x', 1]), ptr(5), struct('s', 8, ['p', 6]), ptr(2)], { base });
  const { btf } = dedupBtf(split);
  expect(shownOwn(btf)).toEqual(['STRUCT d', 'PTR', 'STRUCT s']);
  expect(btf.type(6)).toMatchObject({ kind: 'PTR', type: 5 }); // what pointed to the declaration, too
});

it('merges modules of one kernel', () => {
  const base = btfOf([INT]);
  const a = btfOf([struct('shared', 4, ['x', 1]), ptr(2), struct('a', 8, ['p', 3])], { base });
  const b = btfOf([struct('b', 8, ['p', 4]), struct('shared', 4, ['x', 1]), ptr(3)], { base });
  const merged = mergeBtf([a, b], base);
  expect(shownOwn(merged)).toEqual(['STRUCT shared', 'PTR', 'STRUCT a', 'STRUCT b']);
  expect(merged.type(5)).toMatchObject({ name: 'b', members: [{ name: 'p', type: 3 }] });
  expect(() => mergeBtf([a, btfOf([INT])], base)).toThrow('does not continue');
});
