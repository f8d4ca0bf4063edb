// The whole of it: records of an object, what is refused, what is patched, and what never changes.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BtfTypeInput } from '../../src/btf/index.js';
import { fromHex, hex, region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { RelocationError } from '../../src/errors.js';
import { openObject } from '../../src/object/index.js';
import {
  CORE_KINDS,
  needsKernelBtf,
  parseSpec,
  patchCore,
  poisonInsn,
  relocate,
  showFixup,
  showSpec,
} from '../../src/relocate/index.js';
import { array, btfOf, INT, int, ptr, struct } from '../support/btf-types.js';
import { ldImm64, load, mov, objectOf, POISON, type Row, relocated, store } from '../support/core-fixtures.js';

const [U32, U64, FIRST] = [2, 3, 4];
const BASE: readonly BtfTypeInput[] = [INT, int('u32', 4), int('u64', 8)];
const TYPES: readonly BtfTypeInput[] = [
  ...BASE,
  struct('s', 16, ['a', U32], ['b', U64, 8]),
  { kind: 'ENUM', name: 'e', size: 4, signed: false, values: [{ name: 'A', value: 1n }] },
  struct('', 4, ['a', U32]),
  array(U32, 4),
  struct('arrays', 20, ['list', 7], ['wide', U64, 16]),
  { kind: 'FWD', name: 'fwd', union: false },
];
const [S, E, ANON, ARRAYS, FORWARD] = [4, 5, 6, 8, 9];
const B: Row = { type: S, access: '0:1', kind: 'byte_off', insn: mov(8) };

describe('a record is refused', () => {
  it.each<[string, Partial<Row>, string]>([
    ['of a kind that is not known', { kind: 13 }, 'relocation <13>: this kind is not known'],
    ['of type 0', { type: 0 }, 'its type 0 does not exist'],
    ['of a type that is not there', { type: 99 }, 'its type 99 does not exist'],
    ['of an anonymous struct', { type: ANON, access: '0:0', insn: mov(0) }, 'an anonymous struct cannot be found by name'],
    ['without an access string', { access: '' }, 'indexes separated by colons expected'],
    ['with a colon in front', { access: ':0' }, 'indexes separated by colons expected'],
    ['with a negative index', { access: '0:-1' }, 'indexes separated by colons expected'],
    ['of 65 levels', { access: Array(65).fill(0).join(':') }, '65 levels, at most 64'],
    ['of a member too far', { access: '0:2' }, 'member 2 does not exist: struct s has 2'],
    ['of a member of an int', { access: '0:0:0' }, 'u32 has no members or elements'],
    ['of an element too far', { type: ARRAYS, access: '0:0:4' }, 'u32[4] has no element 4'],
    ['of a type, with a path', { kind: 'type_exists', access: '0:1' }, 'a type relocation has just 0'],
    ['of an enumerator too far', { type: E, kind: 'enumval_value', access: '1' }, 'one index below 1 expected'],
    ['of an enumerator, with a path', { type: E, kind: 'enumval_value', access: '0:0' }, 'one index below 1 expected'],
    ['of an enumerator of a struct', { kind: 'enumval_exists', access: '0' }, 'an enumerator of something that is no enum'],
    ['of the sign of an element', { type: ARRAYS, access: '0:0:1', kind: 'signed' }, 'signed is only defined for struct members'],
    ['of the size of what has none', { type: FORWARD, access: '0', kind: 'type_size' }, 'has no size'],
    [
      'in an instruction with another value',
      { insn: mov(9) },
      "the instruction holds 9, not the object's own value 8 (new value 8)",
    ],
    ['in a load with another offset', { insn: load(8, 4) }, "the instruction holds 4, not the object's own value 8"],
    ['in an ld_imm64 with another value', { insn: ldImm64(1n << 32n) }, 'the instruction holds 4294967296'],
    ['in an instruction with two registers', { insn: '0f21000000000000' }, 'takes a register, not a constant'],
    ['in a jump', { insn: '0500000000000000' }, 'no relocation applies to an instruction of class 5'],
    ['in an ld_imm64 of a map', { insn: '18110000080000000000000000000000' }, 'not a plain constant'],
    ['in a packet load', { insn: '2000000008000000' }, 'a load that no relocation applies to'],
  ])('%s', (_name, change, message) => {
    const ask = () => relocated(TYPES, TYPES, [B, { ...B, ...change }]);
    expect(ask).toThrow(RelocationError);
    expect(ask).toThrow(message);
    expect(ask).toThrow('program prog, insn 1)');
  });

  it('where there is no kernel BTF and it needs one', () => {
    const object = objectOf(TYPES, [B]);
    expect(needsKernelBtf(object)).toBe(true);
    expect(() => relocate(object, undefined)).toThrow("struct s has to be found in a kernel's BTF");
    const local = objectOf(TYPES, [{ ...B, access: '0', kind: 'local_type_id' }]);
    expect(needsKernelBtf(local)).toBe(false);
    expect(() => relocate(local, undefined)).not.toThrow();
  });

  it('an offset that the instruction has no room for', () => {
    const far = (byte: number) => [...BASE, struct('s', 70_000, ['a', U32], ['b', U64, byte])];
    const ask = (byte: number) => relocated(TYPES, far(byte), [{ ...B, insn: load(8, 8) }]).insns;
    expect(ask(32_767)).toBe(load(8, 32_767));
    expect(() => ask(32_768)).toThrow("offset 32768 does not fit the instruction's 16 bits");
    expect(relocated(TYPES, far(32_768), [B]).insns).toBe(mov(32_768));
  });

  it('a resized access of another width than the field', () => {
    const kernel = [...BASE, struct('s', 16, ['a', U64], ['b', U64, 8])];
    const row: Row = { type: S, access: '0:0', kind: 'byte_off', insn: load(2, 0) };
    expect(() => relocated(TYPES, kernel, [row])).toThrow('the instruction accesses 2 bytes of a field of 4');
    const odd = [...BASE, int('u128', 16), struct('s', 32, ['a', FIRST])];
    expect(() => relocated(TYPES, odd, [{ ...row, insn: load(4, 0) }])).toThrow("the kernel's field has 16 bytes");
  });
});

describe('poison', () => {
  const kernel = [...BASE, struct('s', 4, ['a', U32])];
  it.each([
    ['an immediate', mov(8), POISON],
    ['a load', load(8, 8), POISON],
    ['a store', store(8, 8), POISON],
    ['both slots of an ld_imm64', ldImm64(8n), POISON + POISON],
    ['whatever it is: nothing is compared', mov(1234), POISON],
  ])('replaces %s', (_name, insn, expected) => expect(relocated(TYPES, kernel, [{ ...B, insn }]).insns).toBe(expected));

  it('says why', () => {
    const reason = (types: readonly BtfTypeInput[], insn = B.insn) => relocated(TYPES, types, [{ ...B, insn }]).fixups[0]?.reason;
    expect(reason(BASE)).toBe('the kernel has no struct s');
    expect(reason(kernel)).toBe('it has no member b');
    expect(reason([...BASE, ptr(0), struct('s', 16, ['b', FIRST])])).toBe(
      'its member b is of an incompatible kind (PTR, not INT)',
    );
    expect(reason([...BASE, int('s16', 2, 1), struct('s', 16, ['b', FIRST])], load(8, 8))).toMatch(
      /the field has 2 bytes in the kernel and has 8 bytes in the object/,
    );
  });

  it('is not followed into a slot that is not there', () => {
    const insns = fromHex('1801000008000000');
    poisonInsn(insns, 0);
    expect(hex(insns)).toBe(POISON);
  });
});

describe('patching', () => {
  it.each([
    ['w1 = K', 'b4010000', 0x08],
    ['r1 += K', '07010000', 0x08],
  ])('%s', (_name, head, value) => {
    const kernel = [...BASE, struct('s', 64, ['b', U64, 48])];
    expect(relocated(TYPES, kernel, [{ ...B, insn: `${head}0${value}000000` }]).insns).toBe(`${head}30000000`);
  });

  it.each([
    ['*(u64 *)(r1 + off) = K', '7a01080005000000', '7a01300005000000'],
    ['r1 = *(s32 *)(r2 + off), sign-extending', '9921080000000000', '9921300000000000'],
    ['lock *(u64 *)(r1 + off) += r2', 'db21080000000000', 'db21300000000000'],
  ])('%s keeps all but the offset', (_name, insn, expected) => {
    const kernel = [...BASE, struct('s', 64, ['b', U64, 48])];
    expect(relocated(TYPES, kernel, [{ ...B, insn }]).insns).toBe(expected);
  });

  it('keeps the mode when it resizes', () => {
    const insns = fromHex('8121040000000000'); // r1 = *(s32 *)(r2 + 4)
    expect(patchCore(insns, 0, { value: 12n, expected: 4n, access: { from: 4, to: 1 } })).toBeUndefined();
    expect(hex(insns)).toBe('91210c0000000000');
  });

  it('takes all 64 bits into an ld_imm64 and the low 32 into an immediate', () => {
    const both = fromHex(ldImm64(0n) + mov(0));
    patchCore(both, 0, { value: 0xfedc_ba98_7654_3210n, expected: 0n, access: undefined });
    patchCore(both, 2, { value: 0xfedc_ba98_f654_3210n, expected: undefined, access: undefined });
    expect(hex(both)).toBe(ldImm64(0xfedc_ba98_7654_3210n) + mov(0xf6543210 | 0));
  });
});

describe('relocate', () => {
  const kernel = btfOf([...BASE, struct('s', 64, ['b', U64, 48])]);
  const program = (name: string, start: number, more: object = {}) => ({
    name,
    section: 'raw_tp/x',
    start,
    insns: fromHex(mov(8) + mov(8)),
    ...more,
  });
  const relo = (insn: number) => ({ insn, type: S, access: '0:1', kind: 0 });
  const object = {
    btf: btfOf(TYPES),
    littleEndian: true,
    coreRelos: new Map([
      ['raw_tp/x', [5, 0, 3, 9, 2].map(relo)],
      ['raw_tp/y', [relo(0)]],
    ]),
    programs: [
      program('one', 0),
      program('off', 2, { autoload: false }),
      program('two', 5),
      { ...program('text', 1), section: '.text' },
    ],
  };

  it('applies each record to the program that covers it, in the order of the records', () => {
    const { object: after, fixups } = relocate(object, { kernel });
    expect(fixups.map(({ program: name, insn }) => `${name} ${insn}`)).toEqual(['two 0', 'one 0']);
    expect(after.programs.map(({ insns }) => hex(insns))).toEqual([
      mov(48) + mov(8),
      mov(8) + mov(8),
      mov(48) + mov(8),
      mov(8) + mov(8),
    ]);
  });

  it('leaves what it is given as it is', () => {
    relocate(object, { kernel });
    expect(object.programs.map(({ insns }) => hex(insns))).toEqual(Array(4).fill(mov(8) + mov(8)));
  });

  it('shows a fixup and a spec in the words of libbpf', () => {
    const [fixup] = relocate(object, { kernel }).fixups;
    expect(fixup && showFixup(fixup)).toBe('<byte_off> struct s.b (0:1 @ offset 8): 8 -> 48 from struct s.b (0:0 @ offset 48)');
    const spec = (type: number, access: string, kind: Parameters<typeof parseSpec>[3]) =>
      showSpec(parseSpec(btfOf(TYPES), type, access, kind));
    expect(spec(ARRAYS, '2:0:3', 'byte_off')).toBe('struct arrays[2].list[3] (2:0:3 @ offset 52)');
    expect(spec(E, '0', 'enumval_value')).toBe('enum e::A = 1');
    expect(spec(ANON, '0', 'local_type_id')).toBe('struct <anon>');
  });
});

describe("relocating against one's own types", () => {
  it.each(['bootstrap', 'bench'])('changes no instruction of %s', (name) => {
    const file = join(import.meta.dirname, `../../fixtures/${name}.bpf.o`);
    const object = openObject(parseElf(region(readFileSync(file), { file })));
    if (!object.btf) throw new Error('the fixture has no BTF');
    const { object: after } = relocate(object, { kernel: object.btf });
    expect(after.programs.map(({ insns }) => hex(insns))).toEqual(object.programs.map(({ insns }) => hex(insns)));
  });

  it('changes no value, for any field of any struct', () => {
    const aMember = fc.record({
      byte: fc.nat(200),
      type: fc.constantFrom(1, U32, U64),
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(aMember, { selector: ({ name }) => name, minLength: 1 }),
        fc.nat(5),
        fc.nat(3),
        (members, pick, index) => {
          const types = [
            ...BASE,
            struct('s', 208, ...members.map(({ name, type, byte }): [string, number, number] => [name, type, byte])),
          ];
          const member = pick % members.length;
          const offset = index * 208 + (members[member]?.byte ?? 0);
          const row: Row = { type: FIRST, access: `${index}:${member}`, kind: 'byte_off', insn: mov(offset) };
          expect(relocated(types, types, [row]).insns).toBe(mov(offset));
        },
      ),
    );
  });
});

it('kinds have the numbers of enum bpf_core_relo_kind', () => {
  expect(CORE_KINDS.map(({ name }) => name)).toEqual([
    'byte_off',
    'byte_sz',
    'field_exists',
    'signed',
    'lshift_u64',
    'rshift_u64',
    'local_type_id',
    'target_type_id',
    'type_exists',
    'type_size',
    'enumval_exists',
    'enumval_value',
    'type_matches',
  ]);
});
