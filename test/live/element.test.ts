// Elements of maps by their types: what a dump shows, and what `update` takes.

import { describe, expect, it } from 'vitest';
import { fromHex, hex } from '../../src/bytes/index.js';
import { UnsupportedError, UsageError } from '../../src/errors.js';
import {
  ElementWordsError,
  type Json,
  type MapInfo,
  mapInfoOf,
  parseElement,
  signature,
  valueJson,
  writeJson,
} from '../../src/live/index.js';
import { BPF_MAP_TYPE } from '../../src/uapi/enums.js';
import { BtfBuilder } from '../maps/build-btf.js';

const shown = (build: (b: BtfBuilder) => number, text: string, plain = false): string => {
  const builder = new BtfBuilder();
  const id = build(builder);
  const json: Json = valueJson(builder.build(), id, fromHex(text), 0, { plain });
  return writeJson(json);
};

/** struct point { int x; char name[4]; union { u64 wide; s8 bytes[2]; }; unsigned low : 3, high : 7; bool on; } */
function point(b: BtfBuilder): number {
  const u32 = b.int('unsigned int', 4);
  const inner = b.union('', 8, [
    { name: 'wide', type: b.int('unsigned long', 8), bitOffset: 0 },
    { name: 'bytes', type: b.array(b.int('signed char', 1, true), 2), bitOffset: 0 },
  ]);
  return b.struct('point', 24, [
    { name: 'x', type: b.int('int', 4, true), bitOffset: 0 },
    { name: 'name', type: b.array(b.const(b.int('char', 1, true)), 4), bitOffset: 32 },
    { name: '', type: inner, bitOffset: 64 },
    { name: 'low', type: u32, bitOffset: 128, bits: 3 },
    { name: 'high', type: u32, bitOffset: 131, bits: 7 },
    { name: 'on', type: b.bool(), bitOffset: 160 },
  ]);
}

describe('a value by its type', () => {
  const POINT = 'feffffff616200ff ffffffffffffffff 1d030000 01000000';
  it.each<[string, (b: BtfBuilder) => number, string, string, string?]>([
    ['u64', (b) => b.int('unsigned long', 8), 'ffffffffffffffff', '18446744073709551615'],
    ['s16 under a typedef', (b) => b.typedef('short_t', b.int('short', 2, true)), 'feff', '-2'],
    [
      'u128',
      (b) => b.int('unsigned __int128', 16),
      '01000000000000000200000000000000',
      '"0x20000000000000001"',
      '0x20000000000000001',
    ],
    ['pointer', (b) => b.pointer(b.int('int', 4)), '1000000000000000', '16', '"0x10"'],
    ['null pointer', (b) => b.pointer(b.int('int', 4)), '0000000000000000', '0', '"(nil)"'],
    ['enum', (b) => b.enum('e', 4, { A: 0n, B: 5n }, false), '05000000', '"B"'],
    ['enum of no such name', (b) => b.enum('e', 4, { A: 0n }, false), 'ffffffff', '-1'],
    ['enum64', (b) => b.enum('e', 8, { BIG: 1n << 40n }, false), '0000000000010000', '"BIG"'],
    ['text', (b) => b.array(b.int('char', 1, true), 4), '68690061', '"hi"'],
    ['what is no text', (b) => b.array(b.int('char', 1, true), 2), '6869', '[104,105]'],
    ['a typedef of char is no text', (b) => b.array(b.typedef('c', b.int('char', 1, true)), 2), '6800', '[104,0]'],
    ['float', (b) => b.float('float', 4), '0000c03f', '1.5'],
    [
      'struct',
      point,
      POINT,
      '{"x":-2,"name":"ab","":{"wide":18446744073709551615,"bytes":[-1,-1]},"low":"0x5","high":"0x63","on":true}',
      '{"x":-2,"name":"ab","":{"wide":18446744073709551615,"bytes":[-1,-1]},"low":0x5,"high":0x63,"on":true}',
    ],
    [
      'variables of a section',
      (b) => b.datasec('.bss', [{ name: 'n', type: b.int('int', 4, true), offset: 4, size: 4 }]),
      '0000000007000000',
      '{".bss":[{"n":7}]}',
    ],
  ])('%s', (_, build, bytes, json, plain = json) => {
    expect(shown(build, bytes)).toBe(json);
    expect(shown(build, bytes, true)).toBe(plain);
  });

  it('has none for a forward', () => {
    expect(() => shown((b) => b.forward('nothing'), '00')).toThrow(UnsupportedError);
  });
});

it('a function as it is declared', () => {
  const builder = new BtfBuilder();
  const id = builder.function('handle', [builder.pointer(builder.const(0)), builder.pointer(builder.struct('task', 0, []))]);
  expect(signature(builder.build(), id)).toBe('void handle(const void * ctx, struct task * ctx)');
  expect(signature(builder.build(), 9999)).toBe('');
});

describe('words of an element', () => {
  const builder = new BtfBuilder();
  const key = builder.int('int', 4, true);
  const value = point(builder);
  const section = builder.datasec('.data', [
    { name: 'a', type: key, offset: 0, size: 4 },
    { name: 'b', type: key, offset: 4, size: 4 },
  ]);
  const btf = builder.build();
  const info: MapInfo = {
    ...mapInfoOf(new DataView(new ArrayBuffer(104))),
    type: BPF_MAP_TYPE.BPF_MAP_TYPE_HASH,
    keySize: 4,
    valueSize: 24,
    btfKeyTypeId: key,
    btfValueTypeId: value,
  };
  const both = { key: true, value: true, flags: true };
  const small: MapInfo = { ...info, valueSize: 2, btfKeyTypeId: 0, btfValueTypeId: 0 };
  const parse = (words: string, of = info, types: Parameters<typeof parseElement>[3] = { btf }) => {
    const said = parseElement(words.split(' '), of, both, types);
    return [hex(said.key ?? new Uint8Array()), said.value instanceof Uint8Array ? hex(said.value) : said.value, said.flags];
  };

  it.each([
    ['key 1 0x2 03 255 value 1 2', '010203ff', '0102', undefined],
    ['key hex 01 ff 0xa 0 value hex a b', '01ff0a00', '0a0b', undefined],
    ['value 1 2 key 1 0 0 0 noexist', '01000000', '0102', 1],
    ['k 1 0 0 0 v 1 2 exist', '01000000', '0102', 2],
    ['any key 010 0 0 0 value 1 2', '08000000', '0102', 0],
  ])('bytes: %s', (words, keyHex, valueHex, flags) => {
    expect(parse(words, small)).toEqual([keyHex, valueHex, flags]);
  });

  it('JSON by types, in whole or in parts, as a dump shows it or flat', () => {
    const [keyHex, valueHex] = parse('key -2 value {"x":1,"":{"wide":18446744073709551615},"low":5,"on":true}');
    expect([keyHex, valueHex]).toEqual(['feffffff', `0100000000000000${'ff'.repeat(8)}0500000001000000`]);
    expect(parse('key 7 value {"wide":3,"name":[200,1]} any')).toEqual([
      '07000000',
      `00000000c8010000${'03'.padEnd(16, '0')}0000000000000000`,
      0,
    ]);
  });

  it('a number in hex', () => {
    expect(parse('key 0x10 value {}')[0]).toBe('10000000');
    expect(() => parse('key 0x1g value {}')).toThrow(/no JSON/);
  });

  it('JSON for variables keeps those that it does not name', () => {
    const of = { ...info, type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY, valueSize: 8, btfKeyTypeId: 0, btfValueTypeId: section };
    const current = () => fromHex('0100000002000000');
    expect(parse('key 0 value {"b":9}', of, { btf, current, index: true })).toEqual(['00000000', '0100000009000000', undefined]);
  });

  it('a map or a program in the place of the value', () => {
    const of = { ...small, type: BPF_MAP_TYPE.BPF_MAP_TYPE_PROG_ARRAY, valueSize: 4 };
    expect(parse('key 3 value id 12 any', of, { index: true })).toEqual(['03000000', { selector: ['id', '12'] }, 0]);
    expect(() => parse('key 3 value id', of, { index: true })).toThrow(/names a program/);
  });

  it.each([
    ['key 1 2 value 1 2', small, /key expected 4 bytes got 4|error parsing byte: value/],
    ['key 1 2', small, /key expected 4 bytes got 2/],
    ['key 1', small, /key expected 4 bytes got 1/],
    ['key 1 0 0 256 value 1 2', small, /error parsing byte: 256/],
    ['key hex 1 0 0 xy value 1 2', small, /error parsing byte: xy/],
    ['key 1 0 0 0', small, /did not find value/],
    ['value 1 2', small, /did not find key/],
    ['key 1 0 0 0 key 1 0 0 0', small, /duplicate key/],
    ['key 1 0 0 0 value 1 2 any exist', small, /several|multiple/],
    ['key 1 0 0 0 value 1 2 sometimes', small, /expected key or value, got: sometimes/],
    ['key {"x" value {}', info, /no JSON/],
    ['key 1 value {"nope":1}', info, /no member nope/],
    ['key 99999999999 value {}', info, /does not fit/],
  ])('%s is refused', (words, of, message) => {
    expect(() => parse(words, of)).toThrow(message);
    expect(() => parse(words, of)).toThrow(UsageError);
  });

  it('wrong words and wrong data are told apart', () => {
    expect(() => parse('key 1 0 0 0', small)).toThrow(ElementWordsError);
    expect(() => parse('key 1 0 0 256 value 1 2', small)).not.toThrow(ElementWordsError);
    expect(() => parse('key {"x" value {}', info)).toThrow(/single ones around it/);
  });
});
