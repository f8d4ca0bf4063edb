// Files that are made to hurt: each is small, and asks for more time or memory than there is.

import { describe, expect, it } from 'vitest';
import {
  alignOf,
  type BtfTypeInput,
  encodeBtf,
  encodeExtRecords,
  nameIndex,
  parseBtf,
  sizeOf,
  spell,
} from '../../src/btf/index.js';
import { fromHex, region } from '../../src/bytes/index.js';
import { parseElf } from '../../src/elf/index.js';
import { compileDecoder, shapeOf } from '../../src/maps/index.js';
import { MOST_DATA_BYTES } from '../../src/object/data-sections.js';
import { linkProgram, openObject } from '../../src/object/index.js';
import { explainRelocations, planLoad, relocatedPrograms } from '../../src/plan/index.js';
import {
  findCandidates,
  matchSpec,
  membersOf,
  movedTo,
  parseSpec,
  relocate,
  typesAreCompatible,
  typesMatch,
} from '../../src/relocate/index.js';
import { SHF_EXECINSTR, SHT_NOBITS, SHT_REL, SHT_SYMTAB, STB_LOCAL, STT_FUNC, STT_NOTYPE } from '../../src/uapi/elf.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';
import { array, btfOf, INT, int, type Member, proto, ptr, struct, typedef } from '../support/btf-types.js';
import { buildElf, relEntries, type SectionInput, type SymbolInput } from '../support/elf-builder.js';
import { exerciseBtf, exerciseObject, FACTS, verdict } from '../support/hostile.js';

const EXIT = fromHex('b700000000000000 9500000000000000');
const CALL_NEXT = fromHex('85100000 01000000 9500000000000000'); // call the function behind this one; exit
const CALL_FIRST = fromHex('85100000 ffffffff 9500000000000000'); // with a relocation of .text: call its first function; exit

/** Every level has the one below it twice: 2 to the power of `levels` ways down. */
const diamond = (
  levels: number,
  name = (level: number) => `level${level}`,
  member = (nth: number) => `m${nth}`,
): BtfTypeInput[] => [
  INT,
  ...Array.from({ length: levels }, (_, i) => struct(name(i), 8, [member(0), i + 1, 0], [member(1), i + 1, 4])),
];
const DIAMOND = diamond(40);
/** Thirty levels are within the depth that everything follows, and still a thousand million ways. */
const SHALLOW = diamond(30);
/** Function types whose two parameters are the one below. */
const PROTOS: BtfTypeInput[] = [INT, ...Array.from({ length: 30 }, (_, i) => proto(1, i + 1, i + 1))];

const objectOf = (sections: readonly SectionInput[], symbols: readonly SymbolInput[]) => () =>
  exerciseObject(buildElf({ sections, symbols }));
const objectWith = (types: readonly BtfTypeInput[]) => objectOf([{ name: '.BTF', data: encodeBtf(types) }], []);

describe('types', () => {
  const raw = (types: readonly BtfTypeInput[]) => () => exerciseBtf(encodeBtf(types));
  it.each<[string, () => void, string]>([
    ['a typedef of itself', raw([typedef('t', 1)]), 'ERR_TSBPF_FORMAT'],
    ['typedefs in a circle', raw([typedef('a', 2), typedef('b', 3), typedef('c', 1)]), 'ERR_TSBPF_FORMAT'],
    ['an array of itself', raw([array(1, 2)]), 'ERR_TSBPF_FORMAT'],
    ['a struct in itself', raw([struct('s', 8, ['s', 1])]), 'ERR_TSBPF_FORMAT'],
    ['a pointer to itself', raw([ptr(1)]), 'works'],
    ['a thousand typedefs', raw([INT, ...Array.from({ length: 1000 }, (_, i) => typedef(`t${i}`, i + 1))]), 'ERR_TSBPF_FORMAT'],
    ['an array larger than memory', raw([INT, array(1, 0xffffffff), array(2, 0xffffffff)]), 'ERR_TSBPF_FORMAT'],
    ['a diamond of structs', raw(DIAMOND), 'ERR_TSBPF_FORMAT'],
    ['a diamond of function types', raw(PROTOS), 'ERR_TSBPF_FORMAT'],
    ['a type that does not exist', raw([ptr(999)]), 'works'],
    ['a typedef of a type that does not exist', raw([typedef('t', 999)]), 'ERR_TSBPF_FORMAT'],
  ])('%s', (_, run, expected) => {
    expect(verdict(run)).toBe(expected);
  });

  it('a diamond has a size and an alignment, found without walking all ways', () => {
    const btf = btfOf(SHALLOW);
    expect(verdict(() => expect([sizeOf(btf, 31), alignOf(btf, 31)]).toEqual([8, 4]))).toBe('works');
    expect(verdict(() => alignOf(btfOf(DIAMOND), 41))).toBe('ERR_TSBPF_FORMAT');
  });

  it.each<[string, readonly BtfTypeInput[]]>([
    ['structs', SHALLOW],
    [
      'anonymous structs',
      diamond(
        30,
        () => '',
        () => '',
      ),
    ],
    [
      'arrays of structs',
      [
        INT,
        ...Array.from({ length: 13 }, (_, i) => [array(i * 2 + 1, 4), struct(`s${i}`, 4 ** (i + 2), ['a', i * 2 + 2])]).flat(),
      ],
    ],
  ])('a diamond of %s has no shape larger than memory', (_, types) => {
    const btf = btfOf(types);
    verdict(() => compileDecoder(shapeOf(btf, btf.length - 1)));
  });

  it('messages about a type stay short', () => {
    const wide: BtfTypeInput[] = [
      INT,
      ...Array.from({ length: 16 }, (_, i) => proto(i + 1, ...Array.from({ length: 300 }, () => i + 1))),
    ];
    expect(spell(btfOf(wide), 17).length).toBeLessThan(10_000);
    expect(spell(btfOf(PROTOS), 31).length).toBeLessThan(10_000);
  });

  it.each<[string, readonly [at: number, value: number][]]>([
    ['a vlen of 16 million', [[28, 0x04ffffff]]],
    ['a name past the strings', [[24, 0xfffffff0]]],
    ['types past the end', [[12, 0xfffffffc]]],
    ['strings past the end', [[20, 0xffffffff]]],
    ['a header past the end', [[4, 0xfffffffc]]],
    [
      'types and strings that add up to zero in 32 bits',
      [
        [8, 0x80000000],
        [12, 0x80000000],
      ],
    ],
  ])('%s', (_, writes) => {
    const bytes = encodeBtf([struct('s', 4, ['a', 2]), INT]);
    for (const [at, value] of writes) new DataView(bytes.buffer).setUint32(at, value, true);
    expect(verdict(() => exerciseBtf(bytes))).toBe('ERR_TSBPF_FORMAT');
  });

  it('a name as long as the file, of every type', () => {
    const name = 'x'.repeat(500_000);
    expect(verdict(() => exerciseBtf(encodeBtf(Array.from({ length: 20_000 }, () => typedef(name, 0))), 0, 97))).toBe(
      'ERR_TSBPF_FORMAT',
    );
    const members = struct('s', 4, ...Array.from({ length: 20_000 }, (): [string, number] => [name, 1]));
    expect(verdict(() => exerciseBtf(encodeBtf([INT, members])))).toBe('ERR_TSBPF_FORMAT');
  });

  it('names that all fall into one place of the index', () => {
    // 'Aa' and 'BB' have the same hash, and so has every text made of them.
    const names = Array.from({ length: 4096 }, (_, i) =>
      i.toString(2).padStart(12, '0').replaceAll('0', 'Aa').replaceAll('1', 'BB'),
    );
    const btf = btfOf([INT, ...names.map((name) => typedef(name, 1))]);
    expect(verdict(() => expect(nameIndex(btf).essential('AaAaAaAaAaAaAaAaAaAaAaAa')).toEqual([2]))).toBe('works');
  });
});

describe('CO-RE', () => {
  it.each<[string, readonly BtfTypeInput[], boolean]>([
    ['structs', SHALLOW, true],
    ['function types', PROTOS, false],
  ])('comparing a diamond of %s with itself', (_, types) => {
    const local = btfOf(types);
    const kernel = btfOf(types);
    verdict(() => typesMatch(local, local.length - 1, kernel, kernel.length - 1));
    verdict(() => typesAreCompatible(local, local.length - 1, kernel, kernel.length - 1));
  });

  it('a member that is in none of a thousand million anonymous structs', () => {
    const kernel = btfOf(
      diamond(
        30,
        (level) => (level === 29 ? 'root' : ''),
        () => '',
      ),
    );
    const local = btfOf([INT, struct('root', 4, ['wanted', 1])]);
    const spec = parseSpec(local, 2, '0:0', 'byte_off', {});
    const [candidate] = findCandidates(local, 2, kernel);
    expect(
      verdict(() =>
        expect(matchSpec(spec, kernel, candidate?.id as number)).toMatchObject({ mismatch: 'it has no member wanted' }),
      ),
    ).toBe('works');
  });

  it('such structs are not listed to their end for an explanation', () => {
    const kernel = btfOf(
      diamond(
        30,
        (level) => (level === 29 ? 'root' : ''),
        () => '',
      ),
    );
    expect(verdict(() => movedTo(kernel, kernel.length - 1, 'wanted'))).toBe('works');
    const wide = btfOf([
      INT,
      ...Array.from({ length: 8 }, (_, i) => struct('', 4, ...Array.from({ length: 50 }, (): Member => ['', i + 1]))),
    ]);
    expect(verdict(() => membersOf(wide, wide.length - 1))).toBe('works');
  });

  it('thousands of relocations, each of a type that takes long to compare', () => {
    const types = [...SHALLOW, int('other', 2)];
    const btf = btfOf(types);
    const kernel = btfOf([int('int', 8), ...types.slice(1)]);
    const relo = { type: 31, access: '0', kind: 12 };
    const object = {
      btf,
      littleEndian: true,
      coreRelos: new Map([['tp', Array.from({ length: 5000 }, (_, insn) => ({ ...relo, insn }))]]),
      programs: [{ name: 'p', section: 'tp', start: 0, insns: new Uint8Array(5000 * 8).fill(0xb7) }],
    };
    verdict(() => relocate(object, { kernel }));
  });
});

describe('explanations', () => {
  /** An object that asks `times` times for what a kernel lacks. */
  const asking = (times: number, local: readonly BtfTypeInput[], type: number) => {
    const names: BtfTypeInput[] = [typedef('xdp', 1), typedef('0:0', 1)];
    const types = encodeBtf([...local, ...names]);
    const strings = new TextDecoder('latin1').decode(types.subarray(24 + new DataView(types.buffer).getUint32(12, true)));
    const [section, access] = [strings.indexOf('\0xdp\0') + 1, strings.indexOf('\0' + '0:0\0') + 1];
    const words = Uint32Array.from(Array.from({ length: times }, (_, i) => [i * 8, type, access, 0]).flat());
    const lines = Uint32Array.from(Array.from({ length: times }, (_, i) => [i * 8, section, section, i << 10]).flat());
    const ext = encodeExtRecords(
      { funcInfo: [], lineInfo: [{ section, size: 4, words: lines }], coreRelos: [{ section, size: 4, words }] },
      true,
    ) as Uint8Array;
    const data = new Uint8Array(times * 8);
    for (let at = 0; at < data.length; at += 8) data[at] = 0xb7;
    const bytes = buildElf({
      sections: [
        { name: 'xdp', flags: SHF_EXECINSTR, data },
        { name: '.BTF', data: types },
        { name: '.BTF.ext', data: ext },
      ],
      symbols: [{ name: 'p', section: 'xdp', type: STT_FUNC, size: data.length }],
    });
    return openObject(parseElf(region(bytes)));
  };
  const explained = (object: ReturnType<typeof asking>, types: readonly BtfTypeInput[]) => () => {
    const facts = { ...FACTS, kernelBtf: btfOf(types) };
    const { object: relocated, fixups } = relocate(object, { kernel: facts.kernelBtf });
    const found = explainRelocations({ object: relocated, facts, fixups, steps: planLoad(relocated, facts) });
    expect(found.size).toBe(object.coreRelos.get('xdp')?.length);
  };
  const wide = (word: string): BtfTypeInput[] => [
    INT,
    struct('wide', 80_000, ...Array.from({ length: 20_000 }, (_, i): Member => [`${word}_with_a_long_name_${i}`, 1, i * 4])),
  ];

  it('a member that twenty thousand others are like, twenty thousand times', () => {
    expect(verdict(explained(asking(20_000, wide('member'), 2), wide('membre')))).toBe('works');
  });

  it('a line of source for each', () => {
    expect(verdict(explained(asking(20_000, [INT, struct('s', 4, ['a', 1])], 2), [INT, struct('s', 4, ['b', 1])]))).toBe('works');
  });

  it('types of one name by the thousand', () => {
    const same = Array.from({ length: 20_000 }, () => struct('s', 4, ['b', 1]));
    const object = asking(5000, [INT, struct('s', 4, ['a', 1])], 2);
    expect(verdict(explained(object, [INT, ...same]))).toBe('ERR_TSBPF_RELOCATION');
  });

  it('more lines than a call takes arguments', () => {
    const object = asking(200_000, [INT, struct('s', 4, ['a', 1])], 2);
    const program = object.programs[0] as (typeof object.programs)[number];
    const ext = { ...object.ext, funcInfo: new Map([['xdp', [{ insn: 0, type: 1 }]]]) };
    expect(linkProgram({ ...object, ext }, program).lineInfo.length).toBe(200_000);
  });
});

describe('ELF', () => {
  const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
  const HUGE = new Uint8Array(200_000);
  const text = (data: Uint8Array): SectionInput => ({ name: '.text', flags: SHF_EXECINSTR, data });
  const fn = (name: string, section: string, value: number, size: number): SymbolInput => ({
    name,
    section,
    type: STT_FUNC,
    value,
    size,
  });

  it.each<[string, () => void, string]>([
    [
      'sections that share one long name',
      objectOf(
        many(20_000, () => ({ name: 'n'.repeat(4000) })),
        [],
      ),
      'works',
    ],
    [
      'sections that share a name longer than any',
      objectOf(
        many(20_000, () => ({ name: 'n'.repeat(5000) })),
        [],
      ),
      'ERR_TSBPF_FORMAT',
    ],
    [
      'symbols that share one long name',
      objectOf(
        [],
        many(20_000, () => ({ name: 'n'.repeat(4000), section: 1 })),
      ),
      'works',
    ],
    [
      'programs that are all of the file',
      objectOf(
        many(2000, (i) => ({ name: `xdp${i}`, flags: SHF_EXECINSTR, offset: 64, size: 100_000 })),
        [],
      ),
      'ERR_TSBPF_FORMAT',
    ],
    [
      'a .bss larger than memory',
      objectOf(
        many(64, (i) => ({ name: `.bss.${i}`, type: SHT_NOBITS, size: 0x7fffffff })),
        [],
      ),
      'ERR_TSBPF_UNSUPPORTED',
    ],
    [
      'functions that are all of their section',
      objectOf(
        [{ name: 'xdp', flags: SHF_EXECINSTR, data: HUGE }],
        many(5000, (i) => fn(`f${i}`, 'xdp', 0, HUGE.length)),
      ),
      'ERR_TSBPF_UNSUPPORTED',
    ],
    [
      'symbol tables by the dozen',
      objectOf(
        many(12, (i) => ({ name: `s${i}`, type: SHT_SYMTAB, link: 1 })),
        [],
      ),
      'ERR_TSBPF_FORMAT',
    ],
    [
      'relocations of relocations',
      objectOf([{ name: 'r', type: SHT_REL, info: 'r', entsize: 16, data: relEntries([{ offset: 0, symbol: 1 }]) }], []),
      'works',
    ],
  ])('%s', (_, run, expected) => {
    expect(verdict(run)).toBe(expected);
  });

  it('a .bss as large as may be costs nothing that is not touched', () => {
    expect(verdict(objectOf([{ name: '.bss', type: SHT_NOBITS, size: MOST_DATA_BYTES }], []))).toBe('works');
    expect(verdict(objectOf([{ name: '.bss', type: SHT_NOBITS, size: MOST_DATA_BYTES + 1 }], []))).toBe('ERR_TSBPF_UNSUPPORTED');
  });

  it('a section 0 that says that it is a symbol table', () => {
    const bytes = buildElf({ symbols: [] });
    const view = new DataView(bytes.buffer);
    const first = Number(view.getBigUint64(40, true));
    view.setUint32(first + 4, SHT_SYMTAB, true);
    view.setBigUint64(first + 32, 24n << 40n, true);
    expect(verdict(() => exerciseObject(bytes))).toBe('ERR_TSBPF_FORMAT');
  });

  it('a section count that is larger than the file', () => {
    const bytes = buildElf({ symbols: [] });
    const view = new DataView(bytes.buffer);
    view.setUint16(60, 0, true);
    view.setBigUint64(Number(view.getBigUint64(40, true)) + 32, 1n << 62n, true);
    expect(verdict(() => exerciseObject(bytes))).toBe('ERR_TSBPF_FORMAT');
  });

  it('a chain of calls deeper than any stack', () => {
    const data = new Uint8Array(20_001 * 16);
    for (let i = 0; i < 20_000; i++) data.set(CALL_NEXT, i * 16);
    data.set(EXIT, 20_000 * 16);
    const symbols = many(20_001, (i) => fn(`f${i}`, '.text', i * 16, 16));
    const entry = [
      { name: 'xdp', flags: SHF_EXECINSTR, data: CALL_FIRST },
      { name: '.relxdp', type: SHT_REL, info: 'xdp', entsize: 16, data: relEntries([{ offset: 0, symbol: 1 }]) },
    ];
    const bytes = buildElf({
      sections: [text(data), ...entry],
      symbols: [{ name: '.text', section: '.text', type: 3, binding: STB_LOCAL }, ...symbols, fn('main', 'xdp', 0, 16)],
    });
    const object = openObject(parseElf(region(bytes)));
    const main = object.programs.find(({ name }) => name === 'main');
    expect(verdict(() => main && linkProgram(object, main))).toBe('ERR_TSBPF_RELOCATION');
  });

  it('a recursive function is linked once', () => {
    const loop = CALL_FIRST;
    const entry = [
      { name: 'xdp', flags: SHF_EXECINSTR, data: CALL_FIRST },
      { name: '.relxdp', type: SHT_REL, info: 'xdp', entsize: 16, data: relEntries([{ offset: 0, symbol: 1 }]) },
    ];
    const bytes = buildElf({
      sections: [text(loop), ...entry],
      symbols: [fn('again', '.text', 0, 16), fn('main', 'xdp', 0, 16)],
    });
    const patched = openObject(parseElf(region(bytes)));
    expect(verdict(() => linkProgram(patched, patched.programs.at(-1) as (typeof patched.programs)[number]))).toMatch(
      /works|RELOCATION/,
    );
  });

  it('thousands of programs that call one large function', () => {
    const large = new Uint8Array(400_000);
    for (let at = 0; at < large.length; at += 8) large[at] = 0xb7;
    large.set(EXIT, large.length - EXIT.length);
    const calls = new Uint8Array(3000 * 16);
    for (let i = 0; i < 3000; i++) calls.set(CALL_FIRST, i * 16);
    const bytes = buildElf({
      sections: [
        text(large),
        { name: 'xdp', flags: SHF_EXECINSTR, data: calls },
        {
          name: '.relxdp',
          type: SHT_REL,
          info: 'xdp',
          entsize: 16,
          data: relEntries(many(3000, (i) => ({ offset: i * 16, symbol: 1 }))),
        },
      ],
      symbols: [fn('large', '.text', 0, large.length), ...many(3000, (i) => fn(`p${i}`, 'xdp', i * 16, 16))],
    });
    const object = openObject(parseElf(region(bytes)));
    expect(verdict(() => planLoad(object, FACTS))).toBe('ERR_TSBPF_UNSUPPORTED');
    expect(
      verdict(() => {
        const failed = relocatedPrograms(object, FACTS).filter((planned) => 'error' in planned);
        expect(failed.length).toBeGreaterThan(2900);
      }),
    ).toBe('works');
  });

  it('exception callbacks by the thousand, of one program', () => {
    const tag: BtfTypeInput = { kind: 'DECL_TAG', name: 'exception_callback:x', type: 3, component: -1, attribute: false };
    const types: BtfTypeInput[] = [INT, proto(1), { kind: 'FUNC', name: 'p', type: 2, linkage: 1 }, ...many(60_000, () => tag)];
    const sections = [
      { name: 'xdp', flags: SHF_EXECINSTR, data: EXIT },
      { name: '.BTF', data: encodeBtf(types) },
    ];
    expect(verdict(objectOf(sections, [fn('p', 'xdp', 0, 16)]))).toBe('works');
  });

  it('the variables of an arena are bounded as those of other sections are', () => {
    const types: BtfTypeInput[] = [
      INT,
      array(1, BPF_MAP_TYPE.BPF_MAP_TYPE_ARENA),
      ptr(2),
      struct('', 8, ['type', 3]),
      { kind: 'VAR', name: 'm', type: 4, linkage: 1 },
      { kind: 'DATASEC', name: '.maps', size: 8, vars: [{ type: 5, offset: 0, size: 8 }] },
    ];
    const arena = (size: number) =>
      objectOf(
        [
          { name: '.maps', data: new Uint8Array(8) },
          { name: '.BTF', data: encodeBtf(types) },
          { name: '.addr_space.1', type: SHT_NOBITS, size },
        ],
        [{ name: 'm', section: '.maps', type: 1 }],
      );
    expect(verdict(arena(MOST_DATA_BYTES + 1))).toBe('ERR_TSBPF_UNSUPPORTED');
    expect(verdict(arena(MOST_DATA_BYTES))).toBe('ERR_TSBPF_FORMAT'); // it has no pages
  });

  it('undefined symbols by the thousand', () => {
    expect(
      verdict(
        objectOf(
          [],
          many(20_000, (i) => ({ name: `u${i}`, type: STT_NOTYPE })),
        ),
      ),
    ).toBe('ERR_TSBPF_FORMAT');
  });
});

describe('map definitions', () => {
  const maps = (fields: BtfTypeInput) => [
    INT,
    array(1, 1),
    ptr(2),
    fields,
    { kind: 'VAR', name: 'm', type: 4, linkage: 1 } as const,
  ];
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__'])('a field called %s', (name) => {
    const types: BtfTypeInput[] = [
      ...maps(struct('', 8, ['type', 3], [name, 3])),
      { kind: 'DATASEC', name: '.maps', size: 8, vars: [{ type: 5, offset: 0, size: 8 }] },
    ];
    const run = objectOf(
      [
        { name: '.maps', data: new Uint8Array(8) },
        { name: '.BTF', data: encodeBtf(types) },
      ],
      [],
    );
    const result = verdict(run);
    expect(result).not.toBe('works');
  });

  it('a map with ten thousand fields, ten thousand times', () => {
    const fields = Array.from({ length: 10_000 }, (): [string, number] => ['type', 3]);
    const vars = Array.from({ length: 10_000 }, () => ({ type: 5, offset: 0, size: 8 }));
    const types: BtfTypeInput[] = [...maps(struct('', 8, ...fields)), { kind: 'DATASEC', name: '.maps', size: 8, vars }];
    expect(
      verdict(
        objectOf(
          [
            { name: '.maps', data: new Uint8Array(8) },
            { name: '.BTF', data: encodeBtf(types) },
          ],
          [{ name: 'm', section: '.maps', type: 1 }],
        ),
      ),
    ).toBe('ERR_TSBPF_FORMAT');
  });

  it('a list of structs longer than any stack, in search of the type of events', () => {
    const LENGTH = 20_000;
    const types: BtfTypeInput[] = [INT];
    for (let i = 0; i < LENGTH; i++) types.push(struct(`s${i}`, 8, ['next', types.length + 2]), ptr(types.length + 3));
    types.push(struct('last', 4, ['i', 1]));
    const uint = (value: number): number => types.push(ptr(types.length + 2), array(1, value)) - 1;
    const hash = types.push(struct('', 32, ['type', uint(1), 0], ['value', types.push(ptr(2)), 8]));
    const ring = types.push(struct('', 8, ['type', uint(27), 0]));
    const vars = [hash, ring].map((type, i) => ({
      type: types.push({ kind: 'VAR', name: `m${i}`, type, linkage: 1 }),
      offset: i * 32,
      size: 8,
    }));
    types.push({ kind: 'DATASEC', name: '.maps', size: 64, vars });
    const symbols = [0, 1].map((i) => ({ name: `m${i}`, section: '.maps', type: 1, value: i * 32 }));
    const sections = [
      { name: '.maps', data: new Uint8Array(64) },
      { name: '.BTF', data: encodeBtf(types) },
    ];
    expect(verdict(objectOf(sections, symbols))).toBe('ERR_TSBPF_USAGE');
  });

  it('types that are only for show', () => {
    expect(verdict(objectWith(DIAMOND))).toBe('works');
    expect(() => parseBtf(region(encodeBtf(DIAMOND)))).not.toThrow();
  });
});
