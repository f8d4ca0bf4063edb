// What can be reached: constants are followed, everything else goes both ways.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/index.js';
import { reach } from '../../src/insn/index.js';

const EXIT = '9500000000000000';
const R0_IS_0 = 'b700000000000000';
const le16 = (n: number) => `${(n & 0xff).toString(16).padStart(2, '0')}${((n >> 8) & 0xff).toString(16).padStart(2, '0')}`;
const le32 = (n: number) => `${le16(n & 0xffff)}${le16((n >> 16) & 0xffff)}`;
/** code, dst, src, off, imm */
const insn = (code: number, dst = 0, src = 0, off = 0, imm = 0) =>
  `${code.toString(16).padStart(2, '0')}${((src << 4) | dst).toString(16).padStart(2, '0')}${le16(off)}${le32(imm)}`;
const mov = (dst: number, imm: number) => insn(0xb7, dst, 0, 0, imm);
const mov32 = (dst: number, imm: number) => insn(0xb4, dst, 0, 0, imm);
const jeq = (dst: number, imm: number, off: number) => insn(0x15, dst, 0, off, imm);
const jeq32 = (dst: number, imm: number, off: number) => insn(0x16, dst, 0, off, imm);

const reached = (...insns: string[]) =>
  reach(fromHex(insns.join('')))
    ?.reached.map(Number)
    .join('');

describe('reach', () => {
  it.each<[name: string, insns: string[], expected: string]>([
    ['a straight line', [R0_IS_0, EXIT], '11'],
    ['a jump on what is not known goes both ways', [jeq(1, 0, 1), R0_IS_0, EXIT], '111'],
    ['a jump that is always taken', [mov(1, 0), jeq(1, 0, 1), R0_IS_0, EXIT], '1101'],
    ['a jump that is never taken', [mov(1, 1), jeq(1, 0, 1), EXIT, R0_IS_0, EXIT], '11100'],
    ['in 32 bits', [mov32(1, -1), jeq32(1, -1, 1), R0_IS_0, EXIT], '1101'],
    ['a move of 32 bits clears the upper ones', [mov32(1, -1), jeq(1, -1, 1), EXIT, EXIT], '1110'],
    ['arithmetic', [mov(1, 3), insn(0x27, 1, 0, 0, 4), insn(0x57, 1, 0, 0, 8), jeq(1, 8, 1), R0_IS_0, EXIT], '111101'],
    ['copies', [mov(1, 3), insn(0xbf, 2, 1), jeq(2, 3, 1), R0_IS_0, EXIT], '11101'],
    ['signed comparison', [mov(1, -1), insn(0x65, 1, 0, 1, 0), EXIT, EXIT], '1110'],
    ['unsigned comparison', [mov(1, -1), insn(0x25, 1, 0, 1, 0), EXIT, EXIT], '1101'],
    ['bits', [mov(1, 6), insn(0x45, 1, 0, 1, 8), EXIT, EXIT], '1110'],
    ['two registers', [mov(1, 6), mov(2, 6), insn(0x1d, 1, 2, 1), EXIT, EXIT], '11101'],
    [
      'where ways meet with two values, neither is known',
      [mov(1, 0), jeq(2, 0, 1), mov(1, 1), jeq(1, 0, 1), R0_IS_0, EXIT],
      '111111',
    ],
    ['where they meet with one, it is', [mov(1, 0), jeq(2, 0, 1), mov(1, 0), jeq(1, 0, 1), R0_IS_0, EXIT], '111101'],
    ['a loop over a counter ends', [mov(1, 0), insn(0x07, 1, 0, 0, 1), insn(0xa5, 1, 0, -2, 9), EXIT], '1111'],
    [
      'a call clobbers r0 to r5, not r6',
      [mov(1, 0), mov(6, 0), insn(0x85, 0, 0, 0, 5), jeq(6, 0, 1), EXIT, jeq(1, 0, 1), EXIT, EXIT],
      '11110111',
    ],
    [
      'a function that is called gets its arguments',
      [mov(1, 0), insn(0x85, 0, 1, 0, 1), EXIT, jeq(1, 0, 1), R0_IS_0, EXIT],
      '111101',
    ],
    ['a load from memory is not known', [mov(1, 0), insn(0x79, 1, 10, -8), jeq(1, 0, 1), R0_IS_0, EXIT], '11111'],
    ['an ld_imm64 is both its slots', [insn(0x18, 1, 0, 0, 5), insn(0), jeq(1, 5, 1), R0_IS_0, EXIT], '11101'],
    ['a long jump', [insn(0x06, 0, 0, 0, 1), R0_IS_0, EXIT], '101'],
    ['a jump out of the program is none', [insn(0x05, 0, 0, 90)], '1'],
    ['nothing', [], ''],
  ])('%s', (_, insns, expected) => {
    expect(reached(...insns)).toBe(expected);
  });

  it('knows what is in memory that never changes', () => {
    const insns = fromHex([insn(0x18, 1, 2), insn(0, 0, 0, 0, 4), insn(0x61, 1, 1, 4), jeq(1, 7, 1), R0_IS_0, EXIT].join(''));
    const image = Uint8Array.of(0, 0, 0, 0, 7, 0, 0, 0);
    expect(
      reach(insns, { frozen: () => image })
        ?.reached.map(Number)
        .join(''),
    ).toBe('111101');
    expect(
      reach(insns, { frozen: () => image.subarray(4) })
        ?.reached.map(Number)
        .join(''),
    ).toBe('111111'); // past its end
    expect(reach(insns)?.reached.map(Number).join('')).toBe('111111');
  });

  it('says which instructions a decided jump comes from', () => {
    const insns = fromHex([mov(1, 1), insn(0x57, 1, 0, 0, 1), jeq(1, 0, 1), EXIT, EXIT].join(''));
    expect([...(reach(insns)?.decided ?? [])]).toEqual([[2, [0, 1]]]);
  });

  it('forgets everything after an opaque instruction', () => {
    const insns = fromHex([mov(6, 0), insn(0x85, 0, 0, 0, 99), jeq(6, 0, 1), R0_IS_0, EXIT].join(''));
    expect(
      reach(insns, { opaque: ({ imm }) => imm === 99 })
        ?.reached.map(Number)
        .join(''),
    ).toBe('11111');
  });

  it('gives up where a jump goes through a register', () => {
    expect(reach(fromHex(insn(0x0d, 1)))).toBeUndefined();
  });

  it('ends for any bytes, and slot 0 is always reached', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 60 }), (slots) => {
        const found = reach(Uint8Array.from(slots.flatMap((slot) => [...slot])));
        if (found) expect(found.reached[0]).toBe(true);
      }),
    );
  });
});
