// Writing ELF: what is read back is what was written, in both byte orders.

import { expect, it } from 'vitest';
import { region, StringPool } from '../../src/bytes/index.js';
import { encodeElf, encodeRelocations, encodeSymbols, parseElf, relocations, type SectionOutput } from '../../src/elf/index.js';
import { EM_BPF, ET_REL, SHT_NOBITS, SHT_PROGBITS, SHT_REL, SHT_STRTAB, SHT_SYMTAB } from '../../src/uapi/elf.js';

it.each([true, false])('little-endian: %s', (littleEndian) => {
  const names = new StringPool();
  const section = (name: string, type: number, data: Uint8Array, more: Partial<SectionOutput> = {}): SectionOutput => ({
    name: names.addText(name),
    type,
    flags: 0,
    link: 0,
    info: 0,
    addralign: 1,
    entsize: 0,
    size: data.length,
    data,
    ...more,
  });
  const symbols = [
    { name: 0, type: 0, binding: 0, visibility: 0, section: 0, value: 0, size: 0 },
    { name: names.addText('größe'), type: 1, binding: 1, visibility: 2, section: 1, value: 0x123456789, size: 5 },
  ];
  const relocation = { offset: 8, type: 10, symbol: 1 };
  const sections = [
    section('.data', SHT_PROGBITS, Uint8Array.of(1, 2, 3), { flags: 3, addralign: 16 }),
    section('.bss', SHT_NOBITS, new Uint8Array(0), { size: 1000, addralign: 8 }),
    section('.rel.data', SHT_REL, encodeRelocations([relocation], littleEndian), { entsize: 16, link: 4, info: 1, addralign: 8 }),
    section('.symtab', SHT_SYMTAB, encodeSymbols(symbols, littleEndian), { entsize: 24, link: 5, addralign: 8 }),
  ];
  const name = names.addText('.strtab');
  sections.push({ ...section('.strtab', SHT_STRTAB, names.bytes), name });
  const file = parseElf(region(encodeElf({ littleEndian, type: ET_REL, machine: EM_BPF, sections, namesIndex: 5 })));

  expect(file).toMatchObject({ littleEndian, type: ET_REL, machine: EM_BPF });
  expect(file.sections.map((read) => [read.name, read.size, read.addralign])).toEqual([
    ['', 0, 0],
    ['.data', 3, 16],
    ['.bss', 1000, 8],
    ['.rel.data', 16, 8],
    ['.symtab', 48, 8],
    ['.strtab', names.length, 1],
  ]);
  expect(file.sections[1]?.data.bytes).toEqual(Uint8Array.of(1, 2, 3));
  expect(file.sections[1]?.data.bytes.byteOffset).toBe(64);
  expect(file.symbols?.[1]).toEqual({ index: 1, ...symbols[1], name: 'größe' });
  expect(relocations(file.sections[3] as (typeof file.sections)[number])).toEqual([relocation]);
});

it('a string pool has each string once, byte by byte', () => {
  const pool = new StringPool();
  expect([pool.addText(''), pool.addText('ab'), pool.addText('b'), pool.addText('ab')]).toEqual([0, 1, 4, 1]);
  expect(pool.add(Uint8Array.of(0xff))).not.toBe(pool.add(Uint8Array.of(0xfe)));
  expect(pool.add(Uint8Array.of(0x80))).toBe(pool.add(Uint8Array.of(0x80)));
  const long = 'x'.repeat(1000);
  expect(pool.addText(long)).toBe(pool.addText(long));
  expect(pool.bytes.length).toBe(pool.length);
});
