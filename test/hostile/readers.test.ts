// What the campaign of readers found, and what was made to hurt: each asks for more time or memory than there is, or was believed.

import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { diffBtf, dumpC } from '../../src/btf/index.js';
import { fromHex, TextSink } from '../../src/bytes/index.js';
import { parseSymbols } from '../../src/check/index.js';
import { type MapInfo, mapInfoOf, parseElement, valueJson } from '../../src/live/index.js';
import { parseVerifierLog } from '../../src/load/index.js';
import { type Fixup, minCoreBtf } from '../../src/relocate/index.js';
import { findNames, findSymbols, mountPointsIn, parseFdInfo, unpacked } from '../../src/syscall/index.js';
import { array, btfOf, INT, int, proto, ptr, struct, union } from '../support/btf-types.js';
import { verdict } from '../support/hostile.js';
import { SimulatedRing } from '../support/ring.js';

describe('a verifier log', () => {
  const lines = (count: number, line: (i: number) => string) => Array.from({ length: count }, (_, i) => line(i)).join('\n');
  it.each([
    ['that names ever more stack slots', lines(20_000, (i) => `${i}: (b7) r0 = 0    ; fp-${8 * i}=${i}`)],
    [
      'that jumps back from where it never was',
      `${lines(20_000, (i) => `${i}: (b7) r0 = 0`)}\n${lines(20_000, () => 'from 99999 to 1: ')}`,
    ],
    ['of one line of jumps', `0: (05) ${'goto pc+1 ; a @ b:1 '.repeat(50_000)}`],
    ['of one line of blanks', `0: (05) ${' '.repeat(1 << 20)}x`],
    ['with NULs in the middle', `${'\0'.repeat(1 << 20)}x`],
  ])('%s takes no longer than others', (_, log) => {
    expect(verdict(() => parseVerifierLog(log))).toBe('works');
  });

  it('knows after a jump only what it says there, and after a call what a call leaves', () => {
    const log = [
      '0: (b7) r1 = 1    ; R1=1 R6=6',
      '1: (85) call bpf_get_prandom_u32#7    ; R0=scalar()',
      '2: (15) if r0 == 0x0 goto pc+2    ; R0=scalar()',
      '3: (b7) r7 = 1    ; R7=1',
      'from 2 to 5: R0=0 R8=8',
      '5: (b7) r9 = 1    ; R9=1',
    ];
    const { states } = parseVerifierLog(log.join('\n'));
    expect(states.map(({ insn, registers }) => [insn, registers])).toEqual([
      [0, { R1: '1', R6: '6' }],
      [1, { R0: 'scalar()', R6: '6' }],
      [2, { R0: 'scalar()', R6: '6' }],
      [5, { R0: '0', R8: '8' }],
      [5, { R0: '0', R8: '8', R9: '1' }],
    ]);
  });
});

describe('a value by its type', () => {
  const value = (btf: ReturnType<typeof btfOf>, id: number, size: number) => () =>
    void valueJson(btf, id, new Uint8Array(size).fill(0x41), 0, { plain: false });

  it('that is shorter than its type is refused', () => {
    const btf = btfOf([INT, struct('s', 8, ['a', 1], ['b', 1, 4]), array(1, 100)]);
    expect(verdict(value(btf, 2, 6))).toBe('ERR_TSBPF_FORMAT');
    expect(verdict(value(btf, 3, 6))).toBe('ERR_TSBPF_FORMAT');
    expect(verdict(value(btf, 1, 4))).toBe('works');
  });
  it('that is the same bytes in ever more ways is refused', () => {
    const levels = Array.from({ length: 30 }, (_, i) => union(`u${i}`, 4, ['l', i + 1], ['r', i + 1]));
    expect(verdict(value(btfOf([INT, ...levels]), 31, 4))).toBe('ERR_TSBPF_UNSUPPORTED');
  });
  it('that is a long text is that text', () => {
    const btf = btfOf([INT, int('char', 1, 1), array(2, 300_001)]);
    const bytes = new Uint8Array(300_001).fill(0x41, 0, 300_000);
    expect(valueJson(btf, 3, bytes, 0, { plain: false })).toBe('A'.repeat(300_000));
  });
});

describe('JSON for a value', () => {
  const btf = btfOf([INT, int('unsigned char', 1), array(2, 4), int('char', 1, 1), array(4, 4)]);
  const info: MapInfo = { ...mapInfoOf(new DataView(new ArrayBuffer(256))), type: 1, keySize: 4, valueSize: 4 };
  const given = (type: number, text: string) =>
    parseElement(['value', text], { ...info, btfValueTypeId: type }, { key: false, value: true }, { btf }).value;

  it.each(['[300]', '[-129]', '["xy"]', '[null]', '[1.5]', '[[1]]', '[{}]', '[18446744073709551615]'])(
    'of bytes is not taken for others: %s',
    (text) => {
      expect(verdict(() => given(3, text))).toBe('ERR_TSBPF_USAGE');
      expect(verdict(() => given(5, text))).toBe('ERR_TSBPF_USAGE');
    },
  );
  it('of bytes is what a dump shows: numbers, of char with a sign, or characters', () => {
    expect(given(3, '[1,255,0,7]')).toEqual(fromHex('01ff0007'));
    expect(given(5, '[-1,"a",0,"\\u0001"]')).toEqual(fromHex('ff610001'));
  });
  it('is not written to an integer of which only some bits are meant', () => {
    const odd = btfOf([{ kind: 'INT', name: 'odd', size: 4, bits: 3, bitOffset: 12, encoding: 0 }]);
    const of = { ...info, btfValueTypeId: 1 };
    expect(verdict(() => parseElement(['value', '5'], of, { key: false, value: true }, { btf: odd }))).toBe(
      'ERR_TSBPF_UNSUPPORTED',
    );
  });
  it('is not written to a boolean of a size that no machine has, nor to one of two members of a name', () => {
    const types = btfOf([int('flag', 12, 4), struct('s', 12, ['on', 1]), INT, struct('twins', 8, ['a', 3, 0], ['a', 3, 4])]);
    const write = (type: number, valueSize: number, text: string) =>
      parseElement(['value', text], { ...info, valueSize, btfValueTypeId: type }, { key: false, value: true }, { btf: types });
    expect(verdict(() => write(2, 12, '{"on":true}'))).toBe('ERR_TSBPF_UNSUPPORTED');
    expect(verdict(() => write(4, 8, '{"a":1}'))).toBe('ERR_TSBPF_USAGE');
  });
  it('takes no room for a type that is not of the map', () => {
    const large = btfOf([INT, struct('large', 0xb0000000, ['a', 1])]);
    const words = ['value', '{"a":1}'];
    const of = { ...info, btfValueTypeId: 2 };
    expect(verdict(() => parseElement(words, of, { key: false, value: true }, { btf: large }))).toBe('ERR_TSBPF_USAGE');
  });
  it.each(['[', '{"":'])('may not be nested without end: %s', (open) => {
    const text = `${open.repeat(3000)}1${(open === '[' ? ']' : '}').repeat(3000)}`;
    expect(verdict(() => given(1, text))).toBe('ERR_TSBPF_USAGE');
  });
});

describe('a ring buffer whose consumer position somebody else moved', () => {
  const SIZE = 4096;
  it.each([
    ['into the middle of a record', 16n],
    ['between two words', 4n],
    ['beyond what was written', 4000n],
    ['behind what is there', -5000n],
  ])('%s: what waited is skipped, and what comes is read', (_, moved) => {
    const start = 8192n;
    const ring = new SimulatedRing(SIZE, start);
    for (let i = 0; i < 5; i++) ring.put(new Uint8Array(60).fill(0x3f));
    const reader = ring.readerFrom(start + moved);
    const all = () => {
      let count = 0;
      while (reader.next()) count++;
      return count;
    };
    expect(verdict(() => void all())).toBe('ERR_TSBPF_FORMAT');
    expect(all()).toBe(0);
    expect(ring.consumerPosition).toBe(ring.producerPosition);
    expect(ring.put(Uint8Array.of(1, 2, 3))).toBe(true);
    expect(all()).toBe(1);
  });
});

describe('types', () => {
  it('whose hashes fall from one to the next are put in order as fast as others', () => {
    const count = 60_000;
    const falling = Array.from({ length: count }, (_, i) => array(2, count - i));
    const btf = btfOf([INT, struct('', 4, ['a', 1]), ...falling]);
    expect(verdict(() => dumpC(btf, new TextSink()))).toBe('works');
  });
  it('that are the same members in ever more ways differ from no others', () => {
    const levels = Array.from({ length: 30 }, (_, i) => struct('', 8, ['', i + 1], ['', i + 1, 4]));
    const btf = btfOf([INT, ...levels, struct('top', 8, ['', 31])]);
    expect(verdict(() => diffBtf(btf, btf))).toBe('ERR_TSBPF_FORMAT');
  });
  it.each(['type_exists', 'type_matches'])('in a chain that is longer than any stack are kept for %s', (kind) => {
    for (const next of [ptr, (id: number) => proto(id)]) {
      const btf = btfOf([INT, ...Array.from({ length: 50_000 }, (_, i) => next(i + 1))]);
      const fixup = { verdicts: [{ spec: { kind, btf, root: 50_001 } }] } as unknown as Fixup;
      expect(verdict(() => minCoreBtf(btf, [fixup]))).toBe('works');
    }
  });
});

describe('texts of the kernel', () => {
  it('a symbol without an address is none', () => {
    expect(findSymbols(' T a\nxyz T a\nffffffff81000000 T a\n', ['a'])).toEqual(new Map([['a', [0xffffffff81000000n]]]));
  });
  it.each(['', ' '])('lines without anything take no longer than others, with "%s" behind them', (end) => {
    const text = `ffffffff81000000 T _stext\nffffffff82000000 T _etext\n${'\n'.repeat(1 << 20)}${end}`;
    const names: string[] = [];
    expect(verdict(() => void names.push(...parseSymbols(text, 'System.map').names()))).toBe('works');
    expect(names).toEqual(['_stext', '_etext']);
    expect(verdict(() => void findNames(text, [1n]))).toBe('works');
  });
  it('a configuration that is small only while it is packed is refused', () => {
    expect(verdict(() => unpacked('config.gz', gzipSync(new Uint8Array(1 << 24).fill(10))))).toBe('ERR_TSBPF_FORMAT');
  });
  it('lines that say nothing are left out', () => {
    expect(parseFdInfo('a\nmap_id:\t12\n:\t1\n\0')).toEqual(new Map([['map_id', '12']]));
    expect(mountPointsIn('none /a\\040b\\999 bpf rw 0 0\nbpf\n\n', 'bpf')).toEqual(['/a b\\999']);
  });
});
