import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alignOf,
  type BtfTypeInput,
  declarationOf,
  essentialName,
  findType,
  NO_BTF_EXT,
  nameIndex,
  parseBtf,
  parseBtfExt,
  resolved,
  sizeOf,
  skipModsAndTypedefs,
  spell,
  typesOf,
} from '../../src/btf/index.js';
import { region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { array, btfOf, INT, int, proto, ptr, struct, typedef, union } from '../support/btf-types.js';

describe('names', () => {
  /** @see libbpf test_core_reloc_flavors and bpf_core_essential_name_len, src/relo_core.c */
  it.each([
    ['task_struct', 'task_struct'],
    ['task_struct___old', 'task_struct'],
    ['a___b', 'a'],
    ['a___b___c', 'a___b'],
    ['a____b', 'a____b'],
    ['a___', 'a___'],
    ['___b', '___b'],
    ['_a___b', '_a'],
    ['a__b', 'a__b'],
    ['a___b_', 'a'],
    ['a_____b', 'a_____b'],
    ['', ''],
    ['x', 'x'],
  ])('the essential name of %j is %j', (name, essential) => {
    expect(essentialName(name)).toBe(essential);
  });

  it('the index finds every type by its essential name', () => {
    const name = fc.stringMatching(/^[ab_]{1,10}$/);
    fc.assert(
      fc.property(fc.array(name, { maxLength: 20 }), (names) => {
        const index = nameIndex(btfOf(names.map((text) => typedef(text, 0))));
        for (const text of names) {
          const same = names.flatMap((other, i) => (essentialName(other) === essentialName(text) ? [i + 1] : []));
          expect(index.essential(text)).toEqual(same);
        }
      }),
    );
  });

  const base = btfOf([INT, struct('s', 4), typedef('s', 1), struct('s___v2', 4)]);
  const split = btfOf([struct('s', 8), typedef('t', 2)], { base });
  it.each([
    [base, 's', [], 2],
    [base, 's', ['TYPEDEF'], 3],
    [base, 's___v2', [], 4],
    [base, 'nothing', [], undefined],
    [base, 'int', ['STRUCT', 'INT'], 1],
    [split, 's', [], 2],
    [split, 't', [], 6],
    [split, 't', ['STRUCT'], undefined],
  ] as const)('findType(%#)', (btf, name, kinds, id) => {
    expect(findType(btf, name, ...kinds)).toBe(id);
  });

  it("a split BTF's own types", () => {
    expect(nameIndex(split).essential('s')).toEqual([5]);
    expect([...typesOf(split, 'TYPEDEF')]).toEqual([6]);
    expect(split.type(6)).toEqual({ id: 6, name: 't', kind: 'TYPEDEF', type: 2 });
    expect(split.name(2)).toBe('s');
  });
});

describe('sizes and alignment', () => {
  const TYPES: BtfTypeInput[] = [
    INT, // 1
    int('char', 1), // 2
    int('long', 8), // 3
    ptr(1), // 4
    array(1, 10), // 5
    array(5, 3), // 6: int[3][10]
    typedef('t', 6), // 7
    { kind: 'CONST', type: 7 }, // 8
    struct('padded', 16, ['c', 2, 0], ['l', 3, 8]), // 9
    struct('packed', 9, ['c', 2, 0], ['l', 3, 1]), // 10
    union('u', 8, ['i', 1], ['l', 3]), // 11
    struct('', 0), // 12
    { kind: 'FWD', name: 'f', union: false }, // 13
    { kind: 'FUNC_PROTO', type: 0, params: [] }, // 14
    { kind: 'ENUM64', name: 'e', size: 8, signed: false, values: [] }, // 15
    { kind: 'FLOAT', name: 'long double', size: 16 }, // 16
    { kind: 'VAR', name: 'v', type: 9, linkage: 1 }, // 17
    { kind: 'DATASEC', name: '.bss', size: 64, vars: [] }, // 18
    { kind: 'TYPE_TAG', name: 'user', type: 11, attribute: false }, // 19
    array(1, 0), // 20
    array(1, 0x40000000), // 21
    struct('bits', 4, ['a', 1, 0, 3]), // 22
    array(13, 4), // 23
    struct('odd size', 6, ['i', 1, 0]), // 24
  ];
  const btf = btfOf(TYPES);

  it.each([
    [1, 4, 4],
    [2, 1, 1],
    [3, 8, 8],
    [4, 8, 8],
    [5, 40, 4],
    [6, 120, 4],
    [7, 120, 4],
    [8, 120, 4],
    [9, 16, 8],
    [10, 9, 1],
    [11, 8, 8],
    [12, 0, 1],
    [15, 8, 8],
    [16, 16, 8],
    [17, 16, 8],
    [19, 8, 8],
    [20, 0, 4],
    [22, 4, 4],
    [24, 6, 1],
  ])('type %d: %d bytes, aligned to %d', (id, size, align) => {
    expect([sizeOf(btf, id), alignOf(btf, id)]).toEqual([size, align]);
  });

  it.each([
    [0, 'Type 0 has no size: it is VOID void'],
    [13, 'Type 13 has no size: it is FWD f'],
    [14, 'Type 14 has no size: it is FUNC_PROTO'],
    [21, 'Type 21 would take 4294967296 bytes'],
    [23, 'Type 23 has no size: it is FWD f'],
    [99, 'Type 99 does not exist: ids end at 24'],
  ])('type %d has no size', (id, message) => {
    expect(() => sizeOf(btf, id)).toThrow(message);
  });

  it.each([0, 13, 14, 18])('type %d has no alignment', (id) => {
    expect(() => alignOf(btf, id)).toThrow(`Type ${id} has no alignment`);
  });

  it.each([
    [[INT], 8],
    [[int('long', 4)], 4],
    [[int('long unsigned int', 8)], 8],
    [[int('long', 2), int('unsigned long', 4)], 4],
  ])('the pointer size is that of the first long', (types, size) => {
    const one = btfOf(types);
    expect(one.pointerSize).toBe(size);
    expect(btfOf([ptr(0)], { base: one }).pointerSize).toBe(size);
  });

  it('modifiers and typedefs are looked through, 32 of them', () => {
    expect([skipModsAndTypedefs(btf, 8), resolved(btf, 8).kind]).toEqual([6, 'ARRAY']);
    const chain = (length: number) => btfOf([INT, ...Array.from({ length }, (_, i) => typedef(`t${i}`, i + 1))]);
    expect(skipModsAndTypedefs(chain(31), 32)).toBe(1);
    expect(() => skipModsAndTypedefs(chain(32), 33)).toThrow('Type 33 goes through more than 32 references');
  });

  it.each([
    [0, 'void'],
    [1, 'int'],
    [4, 'int *'],
    [6, 'int[3][10]'],
    [8, 'const t'],
    [9, 'struct padded'],
    [12, 'struct <anon>'],
    [15, 'enum e'],
    [19, 'union u'],
    [99, 'type 99'],
  ])('type %d is spelled %j', (id, text) => {
    expect(spell(btf, id)).toBe(text);
  });

  it('functions are spelled with their parameters, as far as that is short', () => {
    const functions = btfOf([INT, ptr(1), proto(1, 2, 1), proto(0, ...Array.from({ length: 19 }, () => 1)), proto(0)]);
    expect(spell(functions, 3)).toBe('int (*)(int *, int)');
    expect(spell(functions, 4)).toBe(`void (*)(${'int, '.repeat(16)}…)`);
    expect(spell(functions, 5)).toBe('void (*)(void)');
  });
  it('what stands around a name is spelled around its place', () => {
    const modified = (kind: 'CONST' | 'VOLATILE', type: number): BtfTypeInput => ({ kind, type });
    const types = [INT, array(1, 4), ptr(2), proto(1, 3), ptr(4), ptr(5), modified('CONST', 5), array(7, 2), proto(0, 5)];
    const named = btfOf([...types, modified('CONST', 1), array(10, 2), modified('CONST', 11)]);
    const constant = btfOf([INT, ptr(1), modified('VOLATILE', 2), modified('CONST', 3)]);
    expect([3, 5, 6, 7, 8, 9, 12].map((id) => spell(named, id))).toEqual([
      'int (*)[4]',
      'int (*)(int (*)[4])',
      'int (**)(int (*)[4])',
      'int (*const)(int (*)[4])',
      'int (*const[2])(int (*)[4])',
      'void (*)(int (*)(…))',
      'const int[2]',
    ]);
    expect(spell(constant, 4)).toBe('int * volatile const');
    expect(declarationOf(named, 8, 'ops')).toEqual(['int', '(*const ops[2])(int (*)[4])']);
  });

  it('the number of elements is known without decoding', () => {
    expect([0, 1, 9, 11, 12, 14, 18].map((id) => btf.elementCount(id))).toEqual([0, 0, 2, 2, 0, 0, 0]);
    expect(btfOf([{ kind: 'FUNC', name: 'f', type: 0, linkage: 2 }]).elementCount(1)).toBe(0);
  });
});

describe('.BTF.ext of bootstrap', () => {
  const elf = parseElf(region(new Uint8Array(readFileSync('fixtures/bootstrap.bpf.o'))));
  const section = (name: string) => elf.sections.find((candidate) => candidate.name === name)?.data ?? region(new Uint8Array());
  const btf = parseBtf(section('.BTF'));
  const ext = parseBtfExt(section('.BTF.ext'), btf);
  const SECTIONS = ['tp/sched/sched_process_exec', 'tp/sched/sched_process_exit'];

  it('has functions, lines and relocations for both programs', () => {
    for (const part of [ext.funcInfo, ext.lineInfo, ext.coreRelos]) expect([...part.keys()]).toEqual(SECTIONS);
    const functions = [...ext.funcInfo.values()].flat();
    expect(functions.map(({ insn, type }) => [insn, btf.kind(type), btf.name(type)])).toEqual([
      [0, 'FUNC', 'handle_exec'],
      [0, 'FUNC', 'handle_exit'],
    ]);
  });

  it('relocations name a type and a way into it', () => {
    const seen = [...ext.coreRelos].map(([section, relos]) => [
      section,
      ...relos.map(({ type, access, kind }) => `${kind} ${btf.name(type)} ${access}`),
    ]);
    // Members of kernel.h's task_struct: tgid, exit_code and real_parent in its own order.
    expect(seen).toEqual([
      [SECTIONS[0], '0 task_struct 0:2', '0 task_struct 0:0', '0 trace_event_raw_sched_process_exec 0:0'],
      [SECTIONS[1], '0 task_struct 0:2', '0 task_struct 0:0', '0 task_struct 0:1'],
    ]);
  });

  it('lines lead to the source', () => {
    const [first] = ext.lineInfo.get(SECTIONS[0] as string) ?? [];
    expect(btf.string(first?.fileName ?? 0)).toContain('bootstrap.bpf.c');
    expect(btf.string(first?.text ?? 0)).toContain('handle_exec');
    expect(first?.line).toBeGreaterThan(1);
    for (const lines of ext.lineInfo.values()) {
      const insns = lines.map(({ insn }) => insn);
      expect(insns).toEqual([...insns].sort((a, b) => a - b));
    }
  });

  it('nothing is nothing', () => {
    expect(NO_BTF_EXT.coreRelos.size).toBe(0);
  });
});
