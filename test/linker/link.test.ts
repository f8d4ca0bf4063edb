// Two small objects become one: what is where afterwards, and what is refused.

import { describe, expect, it } from 'vitest';
import { type BtfTypeInput, encodeBtf, parseBtf, parseBtfExt } from '../../src/btf/index.js';
import { region, utf8Bytes } from '../../src/bytes/index.js';
import { type ElfFile, parseElf, relocations } from '../../src/elf/index.js';
import { type BpfError, FormatError, UnsupportedError, UsageError } from '../../src/errors.js';
import { linkObjects } from '../../src/linker/index.js';
import { openObject } from '../../src/object/index.js';
import { STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_OBJECT, STT_SECTION, STV_HIDDEN } from '../../src/uapi/elf.js';
import { INT, int } from '../support/btf-types.js';
import { buildElf, type ElfInput, relEntries } from '../support/elf-builder.js';
import { DECLARES, DEFINES } from '../support/linkable.js';

const elf = (bytes: Uint8Array, file = 'a.bpf.o'): ElfFile => parseElf(region(bytes, { file }));
const link = (...objects: Uint8Array[]): ElfFile =>
  elf(linkObjects(objects.map((bytes, i) => elf(bytes, `${'abcdef'[i]}.bpf.o`))));
const section = (file: ElfFile, name: string) => {
  const found = file.sections.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no section ${name}`);
  return found;
};
const symbol = (file: ElfFile, name: string) => file.symbols?.find((candidate) => candidate.name === name);

describe('a declaration and its definition', () => {
  it.each([
    ['first', [DECLARES, DEFINES]],
    ['last', [DEFINES, DECLARES]],
  ])('the declaration %s', (_, objects) => {
    const file = link(...objects);
    const btf = parseBtf(section(file, '.BTF').data);
    expect(symbol(file, 'shared')).toMatchObject({
      section: section(file, '.data').index,
      value: 4,
      size: 4,
      binding: STB_GLOBAL,
    });
    expect(symbol(file, 'helper')).toMatchObject({ section: section(file, '.text').index, binding: STB_GLOBAL });
    const { where: _where, ...maps } = { ...openObject(file), where: undefined };
    expect(maps.maps.map(({ name, type }) => [name, type]).sort()).toContainEqual(['table', 2]);

    const types = Array.from({ length: btf.length }, (__, id) => btf.type(id));
    expect(types.filter(({ name }) => name === 'shared')).toHaveLength(1);
    expect(types.filter(({ kind, name }) => kind === 'FUNC' && name === 'helper')).toMatchObject([{ linkage: 1 }]);
    expect(types.filter(({ kind }) => kind === 'FWD')).toEqual([]); // struct node is defined by one of them
    const datasec = types.find(({ kind, name }) => kind === 'DATASEC' && name === '.maps');
    const places = datasec?.kind === 'DATASEC' ? datasec.vars.map(({ type, offset }) => [btf.name(type), offset]) : [];
    expect(places).toContainEqual(['table', symbol(file, 'table')?.value]);
    expect(places).toContainEqual(['own', symbol(file, 'own')?.value]);

    const ext = parseBtfExt(section(file, '.BTF.ext').data, btf);
    expect(ext.funcInfo.get('.text')?.map(({ type }) => btf.name(type))).toEqual(['helper']);
    const refs = relocations(section(file, '.relraw_tp/x')).map((relocation) => file.symbols?.[relocation.symbol]?.name);
    expect(refs).toEqual(['shared', 'table', 'list', 'helper']);
  });
});

/** An object with one variable, and the types that it needs. */
const variable = (
  name: string,
  data: number,
  { type = INT, ...symbolIs }: Partial<Record<'binding' | 'visibility', number>> & { type?: BtfTypeInput } = {},
) =>
  buildElf({
    sections: [
      { name: '.data', data: Uint8Array.of(data, 0, 0, 0), flags: 3, addralign: 4 },
      {
        name: '.BTF',
        data: encodeBtf([
          type,
          { kind: 'VAR', name, type: 1, linkage: 1 },
          { kind: 'DATASEC', name: '.data', size: 0, vars: [{ type: 2, offset: 0, size: 4 }] },
        ]),
      },
    ],
    symbols: [{ name, section: '.data', type: STT_OBJECT, binding: STB_GLOBAL, size: 4, ...symbolIs }],
  });

describe('weak, strong, hidden', () => {
  it('the strong definition wins, in either order, and both keep their bytes', () => {
    const weak = variable('x', 1, { binding: STB_WEAK });
    const strong = variable('x', 2);
    expect(symbol(link(weak, strong), 'x')).toMatchObject({ value: 4, binding: STB_GLOBAL });
    expect(symbol(link(strong, weak), 'x')).toMatchObject({ value: 0, binding: STB_GLOBAL });
    expect([...section(link(weak, strong), '.data').data.bytes]).toEqual([1, 0, 0, 0, 2, 0, 0, 0]);
  });
  it('of two weak ones the first', () => {
    const weak = (data: number) => variable('x', data, { binding: STB_WEAK });
    expect(symbol(link(weak(1), weak(2)), 'x')).toMatchObject({ value: 0, binding: STB_WEAK });
  });
  it('hidden in one file is hidden', () => {
    const hidden = variable('x', 1, { binding: STB_WEAK, visibility: STV_HIDDEN });
    expect(symbol(link(variable('x', 2), hidden), 'x')).toMatchObject({ visibility: STV_HIDDEN });
  });
  it('local ones of the same name stay apart', () => {
    const local = buildElf({
      sections: [{ name: '.data', data: new Uint8Array(4), flags: 3 }],
      symbols: [{ name: 'x', section: '.data', type: STT_OBJECT, binding: STB_LOCAL, size: 4 }],
    });
    expect(link(local, local).symbols?.filter(({ name }) => name === 'x')).toMatchObject([{ value: 0 }, { value: 4 }]);
  });
});

describe('references to sections', () => {
  const code = (imm: string): ElfInput => ({
    sections: [
      {
        name: '.text',
        data: Uint8Array.from([0x85, 0x10, 0, 0, Number.parseInt(imm, 16), 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]),
        flags: 6,
        addralign: 8,
      },
      {
        name: '.rel.text',
        type: 9,
        data: relEntries([{ offset: 0, symbol: 1, type: 10 }]),
        entsize: 16,
        link: '.symtab',
        info: '.text',
      },
    ],
    symbols: [{ name: '', section: '.text', type: STT_SECTION, binding: STB_LOCAL }],
  });
  it('a call counts instructions', () => {
    const { view } = section(link(buildElf(code('00')), buildElf(code('01'))), '.text').data;
    expect([view.getInt32(4, true), view.getInt32(20, true)]).toEqual([0, 3]);
  });
  it('one symbol for each section is enough', () => {
    expect(link(buildElf(code('00')), buildElf(code('01'))).symbols?.filter(({ type }) => type === STT_SECTION)).toHaveLength(1);
  });
});

it('aligns what it joins, and takes the largest alignment', () => {
  const object = (size: number, addralign: number) =>
    buildElf({ sections: [{ name: '.data', data: new Uint8Array(size).fill(7), flags: 3, addralign }], symbols: [] });
  const joined = section(link(object(3, 1), object(4, 16), object(1, 2)), '.data');
  expect(joined).toMatchObject({ size: 33, addralign: 16 }); // the last one too is aligned as the section is by then
  expect([...joined.data.bytes.keys()].filter((i) => joined.data.bytes[i] === 7)).toEqual([0, 1, 2, 16, 17, 18, 19, 32]);
});

const license = (text: string) =>
  buildElf({ sections: [{ name: 'license', data: utf8Bytes(`${text}\0`), flags: 3 }], symbols: [] });
it('has one license', () => {
  expect(new TextDecoder().decode(section(link(license('GPL'), license('GPL')), 'license').data.bytes)).toBe('GPL\0');
});

describe('refused, with the files and a remedy', () => {
  const big = buildElf({ littleEndian: false, symbols: [] });
  it.each<[string, Uint8Array[], typeof BpfError, RegExp]>([
    ['two definitions', [variable('x', 1), variable('x', 2)], FormatError, /x is defined twice: in a\.bpf\.o and in b\.bpf\.o/],
    [
      'other types',
      [variable('x', 1), variable('x', 1, { binding: STB_WEAK, type: int('long', 8) })],
      FormatError,
      /x is int in a\.bpf\.o and long in b\.bpf\.o: int of 4 bytes against long of 8/,
    ],
    ['other licenses', [license('GPL'), license('MIT')], FormatError, /"license": "GPL" in a\.bpf\.o, "MIT" in b\.bpf\.o/],
    ['other byte orders', [license('GPL'), big], UnsupportedError, /a\.bpf\.o is little-endian, b\.bpf\.o is big-endian/],
    ['no symbols', [buildElf({ sections: [] })], FormatError, /no symbol table/],
    ['not BPF', [buildElf({ machine: 62, symbols: [] })], FormatError, /machine 62/],
    [
      'an extern without types',
      [buildElf({ symbols: [{ name: 'x', binding: STB_GLOBAL }] })],
      UnsupportedError,
      /x is extern, and the file has no BTF/,
    ],
  ])('%s', (_, objects, kind, words) => {
    let error: unknown;
    try {
      link(...objects);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(kind);
    expect((error as BpfError).message).toMatch(words);
    expect((error as BpfError).remedy).toBeTruthy();
  });
  it('nothing', () => {
    expect(() => linkObjects([])).toThrow(UsageError);
  });
});
