// One object, hundreds of invented kernels: each relocation comes out as in libbpf, or both refuse.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { relocateUntil } from '../../conformance/relocated.mjs';
import { compareVerdicts } from '../../conformance/verdicts.mjs';
import { type BtfMember, type BtfTypeInput, encodeBtf } from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { openObject } from '../../src/object/index.js';
import { read, readBtf } from '../../src/syscall/index.js';
import { array, INT, int, proto, ptr, struct, typedef, union } from '../support/btf-types.js';
import { askLibbpf, askTsbpf, buildHarness, compileParts, describeWithLibbpf, folder, readable } from './libbpf.js';

const KERNELS = Number(process.env.TSBPF_PARITY_KERNELS ?? 150);
const SEED = Number(process.env.TSBPF_PARITY_SEED ?? 20_261);

/** Types that a member may have: ids 1 to 16. Then come the structs that a kernel invents. */
const COMMON: readonly BtfTypeInput[] = [
  INT,
  int('unsigned int', 4),
  int('long', 8, 1),
  int('unsigned long', 8),
  int('unsigned short', 2),
  int('short', 2, 1),
  int('unsigned char', 1),
  int('_Bool', 1, 4),
  ptr(0),
  array(2, 4),
  array(4, 4),
  array(5, 3),
  array(12, 2),
  array(2, 0),
  { kind: 'FLOAT', name: 'double', size: 8 },
  { kind: 'FWD', name: 'inner', union: false },
];
const NAMES = [
  'a',
  'b',
  'c',
  'p',
  'd',
  'flag',
  'h',
  'arr',
  'grid',
  'in',
  'ins',
  'kind',
  'bits',
  'ubits',
  'wide',
  'flex',
] as const;
/** inner, an array of it, kind, and const volatile ones. */
const [INNER, INNERS, KIND, CONST_U32, TYPEDEF_U64] = [17, 18, 19, 20, 21];
/** What each member is in the object, and what else it might be in a kernel. */
const LIKELY: Readonly<Record<(typeof NAMES)[number], readonly number[]>> = {
  a: [2, 2, 4, 5, 7, 1, 8, CONST_U32, TYPEDEF_U64],
  b: [1, 1, 3, 2],
  c: [4, 4, 2, 3, TYPEDEF_U64],
  p: [9, 9, 4],
  d: [7, 7, 2, 8],
  flag: [8, 7, 2],
  h: [6, 6, 1],
  arr: [10, 10, 11, 14, 2],
  grid: [13, 13, 12],
  in: [INNER, INNER, 16, 9],
  ins: [INNERS, INNERS, INNER],
  kind: [KIND, KIND, 1, 2],
  bits: [1, 1, 3],
  ubits: [2, 2, 7, 4],
  wide: [4, 4, 2],
  flex: [14, 14, 10],
};
const SIZES: Readonly<Record<number, number>> = {
  1: 4,
  2: 4,
  3: 8,
  4: 8,
  5: 2,
  6: 2,
  7: 1,
  8: 1,
  15: 8,
  [KIND]: 4,
  [CONST_U32]: 4,
  [TYPEDEF_U64]: 8,
};

const aMember = (name: (typeof NAMES)[number]): fc.Arbitrary<BtfMember> =>
  fc
    .record({
      type: fc.constantFrom(...LIKELY[name]),
      byte: fc.nat(60),
      bits: fc.integer({ min: 1, max: 40 }),
      shift: fc.nat(7),
      plain: fc.integer({ min: 0, max: 3 }),
    })
    .map(({ type, byte, bits, shift, plain }) => {
      const isBitfield = ['bits', 'ubits', 'wide'].includes(name) ? plain > 0 : plain > 2 && ['a', 'b'].includes(name);
      const width = isBitfield && SIZES[type] ? Math.min(bits, (SIZES[type] as number) * 8) : 0;
      return { name, type, bitOffset: byte * 8 + (width ? shift : 0), bitfieldSize: width };
    });

/** Most of the members, in some order; `flex` at any place. */
const someMembers: fc.Arbitrary<BtfMember[]> = fc
  .shuffledSubarray([...NAMES], { minLength: 11 })
  .chain((names) => fc.tuple(...names.map(aMember)))
  .map((members) => [...members]);

interface Kernel {
  readonly types: readonly BtfTypeInput[];
}

const aKernel: fc.Arbitrary<Kernel> = fc
  .record({
    members: someMembers,
    nested: fc.nat(5),
    split: fc.nat(12),
    twin: fc.constantFrom('none', 'none', 'none', 'same', 'other', 'flavor', 'union'),
    others: someMembers,
    innerY: fc.constantFrom(2, 4, 1),
    kinds: fc.constantFrom('ENUM', 'ENUM', 'ENUM64' as const),
    signed: fc.boolean(),
    values: fc.shuffledSubarray(['KIND_ONE', 'KIND_MINUS', 'KIND_BIG', 'KIND_OTHER', 'KIND_ONE___x']),
    value: fc.constantFrom(1n, 0x80000005n, -3n, 0x7fffffffn),
    plain: fc.constantFrom(1, 2, 3),
    params: fc.constantFrom([9, 2], [9, 4], [9], [2, 9]),
    alias: fc.boolean(),
  })
  .map(({ members, nested, split, twin, others, innerY, kinds, signed, values, value, plain, params, alias }) => {
    const types: BtfTypeInput[] = [
      ...COMMON,
      struct('inner', 24, ['z', 4], ['x', 1, 8], ['y', innerY, 16]),
      array(INNER, 2),
      {
        kind: kinds === 'ENUM64' ? 'ENUM64' : 'ENUM',
        name: alias ? 'kind___new' : 'kind',
        size: kinds === 'ENUM64' ? 8 : 4,
        signed,
        values: values.map((name, i) => ({ name, value: value + BigInt(i) })),
      },
      { kind: 'CONST', type: 2 },
      typedef('u64', 4),
      struct('plain', 32, ['name', 22], ['x', plain], ['next', 23], ['more', 9]),
    ];
    // `plain` has a char[8] and a pointer to `inner`, which come after it, or something in their place.
    types.splice(21, 0, array(7, 8), ptr(INNER));
    types[23] = struct('plain', 32, ['name', 22], ['x', plain], ['next', 23], ['more', 9]);
    types.push(proto(1, ...params), ptr(25), typedef('handler_t', 26));
    const add = (type: BtfTypeInput) => types.push(type);
    // The members from `split` on stand in an anonymous union or struct, or in several, one in the other.
    const wrapped = (list: readonly BtfMember[]): readonly BtfMember[] => {
      let tail = list.slice(split);
      for (let i = 0; i < nested % 3; i++) {
        const id = add({ kind: nested > 2 ? 'UNION' : 'STRUCT', name: '', size: 80, members: tail });
        tail = [{ name: '', type: id, bitOffset: 64 * (i + 1), bitfieldSize: 0 }];
      }
      return [...list.slice(0, split), ...tail];
    };
    const whole = wrapped(members);
    add({ kind: 'STRUCT', name: 'shape', size: 200, members: whole });
    if (twin === 'same') add({ kind: 'STRUCT', name: 'shape___2', size: 200, members: whole });
    if (twin === 'other') add({ kind: 'STRUCT', name: 'shape', size: 208, members: wrapped(others) });
    if (twin === 'flavor') add({ kind: 'STRUCT', name: 'shape___old', size: 200, members: members.slice(0, 4) });
    if (twin === 'union') add(union('shape', 200, ['a', 2]));
    return { types };
  });

describeWithLibbpf('against invented kernels', () => {
  let at = '';
  let harness = '';
  let parts: readonly string[] = [];
  beforeAll(() => {
    at = folder();
    harness = buildHarness(at);
    parts = compileParts(at, 'shapes.bpf.c', 10);
  });
  afterAll(() => rmSync(at, { recursive: true, force: true }));

  it(`${KERNELS} kernels decide ten objects as libbpf does`, () => {
    const questions = fc.sample(aKernel, { numRuns: KERNELS, seed: SEED }).flatMap(({ types }, i) => {
      const btf = join(at, `kernel-${i}.btf`);
      writeFileSync(btf, encodeBtf(types));
      return parts.map((object) => ({ object, btf }));
    });
    const answers = askLibbpf(harness, questions);
    const refused = answers.filter((answer) => 'refused' in answer).length;
    const wrong = questions.filter((question, i) => {
      const [ours, theirs] = [askTsbpf(question), answers[i] as (typeof answers)[number]];
      return JSON.stringify(readable(ours)) !== JSON.stringify(readable(theirs));
    });
    for (const question of wrong.slice(0, 1)) {
      expect(readable(askTsbpf(question)), JSON.stringify(question)).toEqual(
        readable(answers[questions.indexOf(question)] as (typeof answers)[number]),
      );
    }
    console.info(`parity: ${questions.length} relocated objects, of which both refuse ${refused}`);

    const counts = { records: 0, patched: 0, poisoned: 0, failed: 0, matching: 0, 'non-matching': 0 };
    for (const [i, { object, btf }] of questions.entries()) {
      const ours = relocateUntil(openObject(parseElf(region(read(object), { file: object }))), { kernel: readBtf(btf) }, []);
      const found = compareVerdicts(answers[i]?.core ?? [], ours);
      expect(found.differences, `${object} ${btf}`).toEqual([]);
      for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += found.counts[name];
    }
    console.info(`parity: the same was decided, and for the same candidates: ${JSON.stringify(counts)}`);
    expect(Object.values(counts).every((count) => count > 0)).toBe(true);
  });
});
