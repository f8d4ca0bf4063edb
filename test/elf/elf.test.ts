import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, region } from '../../src/bytes/index.js';
import { type ElfFile, parseElf, relocations } from '../../src/elf/index.js';
import { BpfError } from '../../src/errors.js';
import { open } from '../../src/node.js';
import { openObject } from '../../src/object/index.js';
import { SHF_EXECINSTR, SHT_NOBITS, SHT_REL, SHT_SYMTAB, STB_LOCAL, STT_FUNC, STT_SECTION } from '../../src/uapi/elf.js';
import { buildElf, type ElfInput, relEntries } from '../support/elf-builder.js';
import { type ElfyFile, elfy } from '../support/elfy.js';

const FIXTURES = readdirSync('fixtures').filter((name) => name.endsWith('.o'));
const read = (bytes: Uint8Array): ElfFile => parseElf(region(bytes, { file: 'x.o' }));

const EXAMPLE: ElfInput = {
  sections: [
    { name: '.text', flags: SHF_EXECINSTR | 2, data: fromHex('b700000000000000 9500000000000000'), addralign: 8 },
    { name: '.rel.text', type: SHT_REL, data: new Uint8Array(), info: '.text', link: '.symtab', entsize: 16 },
    { name: '.bss', type: SHT_NOBITS, size: 4096, flags: 3 },
    { name: 'license', data: fromHex('47504c00'), flags: 3 },
  ],
  symbols: [
    { name: '', section: '.text', type: STT_SECTION, binding: STB_LOCAL },
    { name: 'main', section: '.text', type: STT_FUNC, value: 8, size: 8, visibility: 2 },
    { name: 'elsewhere' },
  ],
};

describe.each([
  ['little', true],
  ['big', false],
] as const)('%s-endian', (_, littleEndian) => {
  const elf = read(buildElf({ ...EXAMPLE, littleEndian }));

  it('has its sections', () => {
    expect(elf).toMatchObject({ littleEndian, type: 1, machine: 247 });
    expect(elf.sections.map(({ name }) => name)).toEqual([
      '',
      '.text',
      '.rel.text',
      '.bss',
      'license',
      '.symtab',
      '.strtab',
      '.shstrtab',
    ]);
    expect(elf.sections[1]).toMatchObject({ index: 1, type: 1, flags: 6, size: 16, link: 0, info: 0, addralign: 8, entsize: 0 });
    expect(elf.sections[2]).toMatchObject({ type: SHT_REL, link: 5, info: 1, entsize: 16 });
    expect(elf.sections[3]).toMatchObject({ type: SHT_NOBITS, size: 4096 });
    expect(elf.sections[3]?.data.bytes.length).toBe(0);
    expect(elf.sections[4]?.data.bytes).toEqual(fromHex('47504c00'));
    expect(elf.sections[4]?.data.where).toEqual({ file: 'x.o', section: 'license' });
  });

  it('has its symbols', () => {
    expect(elf.symbols).toEqual([
      { index: 0, name: '', type: 0, binding: 0, visibility: 0, section: 0, value: 0, size: 0 },
      { index: 1, name: '', type: STT_SECTION, binding: 0, visibility: 0, section: 1, value: 0, size: 0 },
      { index: 2, name: 'main', type: STT_FUNC, binding: 1, visibility: 2, section: 1, value: 8, size: 8 },
      { index: 3, name: 'elsewhere', type: 0, binding: 1, visibility: 0, section: 0, value: 0, size: 0 },
    ]);
  });

  it('has its relocations', () => {
    const entries = [
      { offset: 8, symbol: 2, type: 10 },
      { offset: 2 ** 40, symbol: 0xfffffff0, type: 0xffffffff },
    ];
    const file = read(
      buildElf({
        littleEndian,
        sections: [{ name: '.rel', type: SHT_REL, entsize: 16, data: relEntries(entries, littleEndian) }],
      }),
    );
    expect(relocations(file.sections[1] as (typeof file.sections)[number])).toEqual(entries);
  });
});

describe('the witness elfy sees the same section table', () => {
  /** All but sh_addralign and sh_entsize, which elfy reads from two bytes before their place. */
  const ours = ({ sections }: ElfFile) =>
    sections.map(({ name, size, link, info, data }) => ({
      name,
      size,
      link,
      info,
      bytes: Buffer.from(data.bytes).toString('hex'),
    }));
  const theirs = ({ body }: ElfyFile) =>
    body.sections.map(({ name, size, link, info, data, type }) => ({
      name,
      size,
      link,
      info,
      bytes: type === 'nobits' || type === 'null' ? '' : data.toString('hex'),
    }));
  const agree = (bytes: Uint8Array) => expect(ours(read(bytes))).toEqual(theirs(elfy.parse(Buffer.from(bytes))));

  it.each(FIXTURES)('of %s', (name) => {
    const bytes = readFileSync(`fixtures/${name}`);
    agree(bytes);
    expect(elfy.parse(bytes)).toMatchObject({ class: '64', endian: read(bytes).littleEndian ? 'lsb' : 'msb', type: 'rel' });
  });

  const section = fc.record({
    name: fc.stringMatching(/^[.a-zA-Z0-9_/?]{0,20}$/),
    data: fc.uint8Array({ maxLength: 64 }),
    type: fc.constantFrom(1, 3, 7, 8),
    flags: fc.nat(7),
    link: fc.nat(0xffff),
    info: fc.integer({ min: 0, max: 0xffffffff }),
  });
  it('of generated files in both orders', () => {
    fc.assert(
      fc.property(fc.array(section, { maxLength: 12 }), fc.boolean(), fc.boolean(), (sections, littleEndian, withSymbols) => {
        agree(buildElf({ littleEndian, sections, ...(withSymbols && { symbols: [{ name: 'a', section: 1 }] }) }));
      }),
      { numRuns: 200 },
    );
  });
});

describe('what is refused says why', () => {
  const text = new TextEncoder();
  const build = (input: ElfInput, at: number, value: number): Uint8Array => {
    const bytes = buildElf(input);
    bytes[at] = value;
    return bytes;
  };
  const whole = buildElf(EXAMPLE);
  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(), 'The file is empty'],
    ['text', text.encode('#include <vmlinux.h>\n'), 'Not an ELF file: it starts with 23 69 6e 63'],
    ['one byte', fromHex('7f'), 'Not an ELF file: it starts with 7f'],
    ['LLVM bitcode', fromHex('4243c0de 35140000'), 'This is LLVM bitcode'],
    ['raw BTF', fromHex('9feb0100 18000000'), 'This is raw BTF'],
    ['a magic number and nothing more', fromHex('7f454c46 0201'), 'needs 16 bytes, the file has 6'],
    ['a 32-bit file', build({}, 4, 1), 'This is a 32-bit ELF file'],
    ['a class that does not exist', build({}, 4, 3), 'ELF class 3 does not exist'],
    ['an order that does not exist', build({}, 5, 0), 'ELF byte order 0 does not exist'],
    ['half a header', whole.subarray(0, 40), 'Cannot read the ELF header: 64 bytes at 0, but there are 40'],
    ['a file cut in its section headers', whole.subarray(0, whole.length - 1), 'Cannot read 8 section headers'],
    ['no section headers', build({}, 40, 0), 'section headers'],
    ['section headers of another size', build({}, 58, 40), 'Section headers of 40 bytes, expected 64'],
    ['no section of names', build({}, 62, 9), 'Section names are said to be in section 9, but there are 2'],
    ['another machine', buildElf({ machine: 62 }), 'Not a BPF object: ELF type 1, machine 62'],
    ['an executable', buildElf({ type: 2 }), 'Not a BPF object: ELF type 2, machine 247'],
    ['a stripped object', buildElf({ sections: EXAMPLE.sections ?? [] }), 'The object has no symbol table'],
    [
      'two symbol tables',
      buildElf({ sections: [{ name: '.symtab2', type: SHT_SYMTAB, link: 1 }], symbols: [] }),
      'The file has 2 symbol tables',
    ],
    [
      'a symbol table of odd size',
      buildElf({ sections: [{ name: 's', type: SHT_SYMTAB, link: 1, data: new Uint8Array(25) }] }),
      '25 bytes are not a multiple of 24',
    ],
    [
      'symbol names nowhere',
      buildElf({ sections: [{ name: 's', type: SHT_SYMTAB, link: 77 }] }),
      'Symbol names are said to be in section 77',
    ],
    ['a section past the end', buildElf({ sections: [{ name: 'a', data: new Uint8Array(8), size: 90_000 }] }), '90000 bytes'],
    [
      'a section larger than any',
      buildElf({ sections: [{ name: 'a', type: SHT_NOBITS, size: 2 ** 40 }] }),
      'Section size 1099511627776 is not believable',
    ],
    [
      'sections that overlap',
      buildElf({ sections: [1, 2, 3].map((i) => ({ name: `${i}`, offset: 0, size: 300 })) }),
      'Sections overlap',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => openObject(read(bytes))).toThrow(BpfError);
    expect(() => openObject(read(bytes))).toThrow(message);
  });

  it('relocations of another size', () => {
    const section = (entsize: number, length: number) =>
      read(buildElf({ sections: [{ name: 'r', type: SHT_REL, entsize, data: new Uint8Array(length) }] }))
        .sections[1] as ElfFile['sections'][number];
    expect(() => relocations(section(24, 48))).toThrow('Relocation entries of 24 bytes, expected 16');
    expect(() => relocations(section(16, 40))).toThrow('expected 16 (file x.o, section r)');
  });

  it.each([
    ['.', 'EISDIR', 'This is a directory; name a file in it.'],
    ['no/such/file.bpf.o', 'ENOENT', 'There is no such file'],
  ])('open(%j): %s', (path, errno, remedy) => {
    const attempt = () => open(path);
    expect(attempt).toThrow(BpfError);
    expect(attempt).toThrow(`Cannot read ${path}: open failed with ${errno}`);
    expect(attempt).toThrow(remedy);
  });

  it('open() of text names the file', () => {
    expect(() => open('package.json')).toThrow(
      /Not an ELF file: it starts with 7b 0a 20 20 \("\{"\) \(file package.json\)\n {2}A BPF object is what clang writes/,
    );
  });
});
