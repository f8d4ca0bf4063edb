import { describe, expect, it } from 'vitest';
import {
  cString,
  type FieldType,
  fromHex,
  hex,
  isZero,
  LONGEST_NAME,
  region,
  slice,
  struct,
  textUntilNul,
  toCString,
  withOrder,
  wrapped,
} from '../../src/bytes/index.js';
import { FormatError } from '../../src/errors.js';
import { btfExtHeader, btfHeader } from '../../src/uapi/btf.js';
import { elf64Header, elf64Rel, elf64Section, elf64Symbol } from '../../src/uapi/elf.js';

describe('struct', () => {
  // What offsetof() and sizeof() say in C.
  it.each<[Record<string, FieldType>, Record<string, number>, number]>([
    [{ a: 'u8' }, { a: 0 }, 1],
    [{ a: 'u8', b: 'u32' }, { a: 0, b: 4 }, 8],
    [{ a: 'u32', b: 'u8' }, { a: 0, b: 4 }, 8],
    [{ a: 'u8', b: 'u16', c: 'u8' }, { a: 0, b: 2, c: 4 }, 6],
    [{ a: 'u32', b: 'u64', c: 'u32' }, { a: 0, b: 8, c: 16 }, 24],
    [{ a: 'char[3]', b: 'u16' }, { a: 0, b: 4 }, 6],
    [{ a: 'u8[5]', b: 's32', c: 'char[16]' }, { a: 0, b: 8, c: 12 }, 28],
    [{}, {}, 0],
  ])('%j', (types, at, size) => {
    const layout = struct('s', types);
    expect(layout.at).toEqual(at);
    expect(layout.size).toBe(size);
    expect(layout.fields.map(({ name }) => name)).toEqual(Object.keys(types));
  });

  it.each([
    [elf64Header, 64],
    [elf64Section, 64],
    [elf64Symbol, 24],
    [elf64Rel, 16],
    [btfHeader, 24],
    [btfExtHeader, 32],
  ] as const)('$name', (layout, size) => {
    expect(layout.size).toBe(size);
  });

  const layout = struct('all', { a: 'u8', b: 'u16', c: 'u32', d: 's32', e: 'u64', f: 'char[4]', g: 'u8[3]' });
  it.each([
    ['little', true, '01 00 0302 07060504 feffffff 00000000 0f0e0d0c0b0a0908 61620063 090807 00'],
    ['big', false, '01 00 0203 04050607 fffffffe 00000000 08090a0b0c0d0e0f 61620063 090807 00'],
  ])('reads every field, %s-endian', (_, littleEndian, text) => {
    const from = region(fromHex(`ff ff ${text}`), {}, littleEndian);
    expect(layout.read(from, 2)).toEqual({
      a: 1,
      b: 0x0203,
      c: 0x04050607,
      d: -2,
      e: 0x08090a0b0c0d0e0fn,
      f: 'ab',
      g: fromHex('090807'),
    });
  });

  it('reads through a view into the middle of a buffer', () => {
    const whole = fromHex('00000000 00000000 2a000000');
    expect(struct('s', { a: 'u32' }).read(region(whole.subarray(4)), 4)).toEqual({ a: 42 });
  });
});

describe('region', () => {
  const whole = region(fromHex('00010203 04050607'), { file: 'a.o' }, false);

  it('slices are views that keep order and place', () => {
    const part = slice(whole, 2, 4, 'a part', { section: '.x' });
    expect(hex(part.bytes)).toBe('02030405');
    expect(part.bytes.buffer).toBe(whole.bytes.buffer);
    expect(part.littleEndian).toBe(false);
    expect(part.where).toEqual({ file: 'a.o', section: '.x' });
    expect(slice(part, 1, 2, 'a part of it').view.getUint16(0)).toBe(0x0304);
  });

  it.each([
    [0, 9],
    [8, 1],
    [9, 0],
    [-1, 2],
    [2, -1],
    [Number.NaN, 1],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [Number.POSITIVE_INFINITY, 0],
    [2 ** 53, 2 ** 53],
  ])('a slice of %d, %d is refused', (start, length) => {
    expect(() => slice(whole, start, length, 'the part')).toThrow(FormatError);
    expect(() => slice(whole, start, length, 'the part')).toThrow(
      `Cannot read the part: ${length} bytes at ${start}, but there are 8 (file a.o)`,
    );
  });

  it('may be empty, at the very end too', () => {
    expect(slice(whole, 8, 0, 'nothing').bytes.length).toBe(0);
    expect(slice(region(new Uint8Array()), 0, 0, 'nothing').bytes.length).toBe(0);
  });

  it('a Buffer becomes a plain view, whose slice() copies', () => {
    const buffer = Buffer.from([1, 2, 3]);
    const { bytes } = region(buffer);
    expect(Buffer.isBuffer(bytes)).toBe(false);
    const kept = bytes.slice();
    buffer[0] = 9;
    expect(bytes[0]).toBe(9);
    expect(kept[0]).toBe(1);
  });

  it('nothing but zeros is seen at any place and length', () => {
    for (let start = 0; start < 8; start++) {
      for (let length = 0; length < 16; length++) {
        const bytes = new Uint8Array(32)
          .fill(1)
          .fill(0, start, start + length)
          .subarray(start, start + length);
        expect(isZero(bytes)).toBe(true);
        for (let i = 0; i < length; i++) expect(isZero(bytes.map((_, at) => (at === i ? 1 : 0)))).toBe(false);
      }
    }
  });

  it('another order reads the same bytes', () => {
    expect(withOrder(whole, true).littleEndian).toBe(true);
    expect(withOrder(whole, true).bytes).toBe(whole.bytes);
  });
});

describe('text', () => {
  const table = region(toCString('\0abc\0\u00fcber'), { section: '.strtab' });

  it.each([
    [0, ''],
    [1, 'abc'],
    [2, 'bc'],
    [4, ''],
    [5, '\u00fcber'],
    [7, 'ber'],
    [10, ''],
  ])('the string at %d is %j', (offset, text) => {
    expect(cString(table, offset)).toBe(text);
  });

  it.each([11, 1000, -1, Number.NaN])('there is no string at %d', (offset) => {
    expect(() => cString(table, offset)).toThrow(`Cannot read string ${offset}: the table ends at 11 (section .strtab)`);
  });

  it('a string needs an end, and no name is longer than a page', () => {
    expect(() => cString(region(fromHex('00 61 62')), 1)).toThrow('String 1 has no end');
    const longest = 'x'.repeat(LONGEST_NAME);
    expect(cString(region(toCString(longest)), 0)).toBe(longest);
    expect(() => cString(region(toCString(`${longest}x`)), 0)).toThrow('a name has at most 4096');
  });

  it.each([
    ['616263', 'abc'],
    ['610062', 'a'],
    ['00', ''],
    ['', ''],
    ['ff61', '\ufffda'],
    ['c3a4', '\u00e4'],
  ])('the text of %s is %j', (bytes, text) => {
    expect(textUntilNul(fromHex(bytes))).toBe(text);
  });

  it.each([1, 12, 13, 40, 64, 65, 200])('names of %d letters, ASCII or not, read the same', (length) => {
    for (const letter of ['a', '\u00e9', '\u{1f41d}']) {
      const name = letter.repeat(length);
      expect(cString(region(toCString(name)), 0)).toBe(name);
    }
  });

  it('hex and back', () => {
    expect(hex(fromHex('00ff 7f80'))).toBe('00ff7f80');
    expect(fromHex('')).toEqual(new Uint8Array());
  });
});

describe('wrapped', () => {
  it.each<[string, number, string[]]>([
    ['', 10, ['']],
    ['one', 10, ['one']],
    ['one two three', 7, ['one two', 'three']],
    ['  one two three', 7, ['  one', '  two', '  three']],
    ['a-word-that-is-longer than', 7, ['a-word-that-is-longer', 'than']],
  ])('%j in %i columns', (text, columns, lines) => {
    expect(wrapped(text, columns)).toEqual(lines);
  });
});
