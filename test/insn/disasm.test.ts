import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/index.js';
import { disassemble, disassembleAll } from '../../src/insn/disasm.js';
import { readInsn } from '../../src/insn/insn.js';

const textOf = (hex: string): string =>
  disassemble(readInsn(fromHex(hex), 0), { next: hex.length > 16 ? readInsn(fromHex(hex), 1) : undefined });

// Slots and how the verifier of Linux 6.18.44 wrote them in its log (level 2), less the opcode it puts first.
const VERIFIER: Record<string, readonly (readonly [hex: string, text: string])[]> = {
  arithmetic: [
    ['0412020005000000', 'w2 += 5'],
    ['0f69030003000000', 'r9 += r6'],
    ['1f020200fbffffff', 'r2 -= r0'],
    ['24a6ffff03000000', 'w6 *= 3'],
    ['3412000003000000', 'w2 /= 3'],
    ['3401010002000000', 'w1 s/= 2'],
    ['3f69200050000000', 'r9 /= r6'],
    ['3f06010041000000', 'r6 s/= r0'],
    ['4406200001000000', 'w6 |= 1'],
    ['5f01f8ffa1000000', 'r1 &= r0'],
    ['6f110000fbffffff', 'r1 <<= r1'],
    ['7402000002000000', 'w2 >>= 2'],
    ['84290100ffffff7f', 'w9 = -w9'],
    ['8721100040000000', 'r1 = -r1'],
    ['9729000000000000', 'r9 %= 0'],
    ['9f00010002000000', 'r0 s%= r0'],
    ['a7a1100003000000', 'r1 ^= 3'],
    ['c706000005000000', 'r6 s>>= 5'],
    ['cc66000051000000', 'w6 s>>= w6'],
  ],
  moves: [
    ['b411020000000000', 'w1 = 0'],
    ['b706f8ff00000000', 'r6 = 0'],
    ['bc66f8ffd13fd8cf', 'w6 = w6'],
    ['bf0000008c000000', 'r0 = r0'],
    ['bc12080010010000', 'w2 = (s8)w1'],
    ['bf09080041000000', 'r9 = (s8)r0'],
    ['bf61010003000000', 'r1 = addr_space_cast(r6, 0, 3)'],
    ['bf66ffff50000000', 'r6 = &(void __percpu *)(r6)'],
    ['d426ffff01000000', 'r6 = le1 r6'],
    ['dc26080002000000', 'r6 = be2 r6'],
    ['d720020005000000', 'r0 = bswap5 r0'],
  ],
  'loads and stores': [
    ['2061000002000000', 'r0 = *(u32 *)skb[2]'],
    ['3009e3bf03000000', 'r0 = *(u8 *)skb[3]'],
    ['4809ffff02000000', 'r0 = *(u16 *)skb[r0 + 2]'],
    ['6161ffff00000000', 'r1 = *(u32 *)(r6 -1)'],
    ['6926020000000000', 'r6 = *(u16 *)(r2 +2)'],
    ['7110080000000000', 'r0 = *(u8 *)(r1 +8)'],
    ['7901010000000000', 'r1 = *(u64 *)(r0 +1)'],
    ['8129000000000000', 'r9 = *(s32 *)(r2 +0)'],
    ['8900ffff00000000', 'r0 = *(s16 *)(r0 -1)'],
    ['9166f8ff00000000', 'r6 = *(s8 *)(r6 -8)'],
    ['62a0ffff00000000', '*(u32 *)(r0 -1) = 0'],
    ['7266ffff03000000', '*(u8 *)(r6 -1) = 3'],
    ['6b12030000000000', '*(u16 *)(r2 +3) = r1'],
    ['7b62000000000000', '*(u64 *)(r2 +0) = r6'],
  ],
  atomics: [
    ['c309000000000000', 'lock *(u32 *)(r9 +0) += r0'],
    ['db10020040000000', 'lock *(u64 *)(r0 +2) |= r1'],
    ['db09ffff50000000', 'lock *(u64 *)(r9 -1) &= r0'],
    ['c3000300a0000000', 'lock *(u32 *)(r0 +3) ^= r0'],
    ['c301080001000000', 'r0 = atomic_fetch_add((u32 *)(r1 +8), r0)'],
    ['db02020041000000', 'r0 = atomic64_fetch_or((u64 *)(r2 +2), r0)'],
    ['db20020051000000', 'r2 = atomic64_fetch_and((u64 *)(r0 +2), r2)'],
    ['c3020100a1000000', 'r0 = atomic_fetch_xor((u32 *)(r2 +1), r0)'],
    ['c3260100e1000000', 'r2 = atomic_xchg((u32 *)(r6 +1), r2)'],
    ['db610000f1000000', 'r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r6)'],
    ['d300000000010000', 'r0 = load_acquire((u8 *)(r0 +0))'],
    ['db09080000010000', 'r9 = load_acquire((u64 *)(r0 +8))'],
    ['cb06030010010000', 'store_release((u16 *)(r6 +3), r0)'],
  ],
  jumps: [
    ['0506ffffe1000000', 'goto pc-1'],
    ['0669010002000000', 'gotol pc+2'],
    ['e502020001000000', 'may_goto pc+2'],
    ['1566feff03000000', 'if r6 == 0x3 goto pc-2'],
    ['1609020001000000', 'if w9 == 0x1 goto pc+2'],
    ['2d290000a0000000', 'if r9 > r2 goto pc+0'],
    ['3e01000000000000', 'if w1 >= w0 goto pc+0'],
    ['4d60feff1e000000', 'if r0 & r6 goto pc-2'],
    ['5619010001000000', 'if w9 != 0x1 goto pc+1'],
    ['65a2000003000000', 'if r2 s> 0x3 goto pc+0'],
    ['7d62ffff20000000', 'if r2 s>= r6 goto pc-1'],
    ['a526020003000000', 'if r6 < 0x3 goto pc+2'],
    ['b601feff03000000', 'if w1 <= 0x3 goto pc-2'],
    ['ce09030000000000', 'if w9 s< w0 goto pc+3'],
    ['d609030000000000', 'if w9 s<= 0x0 goto pc+3'],
    ['8502ffff40000000', 'call bpf_bind#64'],
    ['8500ffffffffffff', 'call unknown#-1'],
    ['8510000001000000', 'call pc+1'],
    ['9512ffff11000000', 'exit'],
  ],
  'constants of 64 bits': [
    ['18010000050000000000000000000000', 'r1 = 0x5'],
    ['180100007856341200000000f0debc7a', 'r1 = 0x7abcdef012345678'],
    ['18010000ffffffff00000000ffffffff', 'r1 = 0xffffffffffffffff'],
    ['18010000ffffffff0000000000000000', 'r1 = 0xffffffff'],
  ],
};

// The log shows these as addresses, has no text for them, or the verifier refuses them before it prints any.
const OURS: readonly (readonly [hex: string, text: string])[] = [
  ['18110000050000000000000000000000', 'r1 = map[fd:5]'],
  ['18210000050000000000000010000000', 'r1 = map[fd:5][0]+16'],
  ['18310000070000000000000000000000', 'r1 = btf[vmlinux][id:7]'],
  ['18310000070000000000000009000000', 'r1 = btf[fd:9][id:7]'],
  ['184100000c0000000000000000000000', 'r1 = subprog[+12]'],
  ['18510000020000000000000000000000', 'r1 = map[idx:2]'],
  ['18610000020000000000000010000000', 'r1 = map[idx:2]+16'],
  ['1801000005000000', 'r1 = 0x5 (the second slot is missing)'],
  ['85200000d2040000', 'call kernel-function#1234'],
  ['0d01000000000000', 'gotox r1'],
  ['8d02000000000000', 'callx r2'],
  ['c200000000000000', 'nospec'],
];

describe('disassemble', () => {
  for (const [group, vectors] of Object.entries(VERIFIER)) {
    it.each(vectors)(`writes ${group} as the kernel does: %s`, (hex, text) => expect(textOf(hex)).toBe(text));
  }

  it.each(OURS)('finds words of its own for %s', (hex, text) => expect(textOf(hex)).toBe(text));

  it.each([
    ['0000000000000000', 'BUG_ld_00'],
    ['2100000000000000', 'BUG_ldx_21'],
    ['9900000000000000', 'BUG_ldx_99'],
    ['2200000000000000', 'BUG_st_22'],
    ['2300000000000000', 'BUG_23'],
    ['c300000002000000', 'BUG_c3'],
    ['e400000000000000', 'BUG_alu_e4'],
    ['ff00000000000000', 'BUG_alu64_ff'],
    ['f500000000000000', 'BUG_jmp_f5'],
    ['e510000000000000', 'BUG_jmp_e5'],
    ['8600000000000000', 'BUG_jmp32_86'],
  ])('says BUG of %s, which is no operation', (hex, text) => expect(textOf(hex)).toBe(text));

  it('has a text for any 8 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (slot) => {
        const text = disassemble(readInsn(slot, 0));
        expect(text).not.toBe('');
        expect(text).not.toMatch(/undefined|NaN|null/);
      }),
      { numRuns: 2000 }, // enough to meet each of the 256 opcodes
    );
  });
});

describe('disassembleAll', () => {
  it('gives a row per instruction, with the slot each starts at', () => {
    const rows = disassembleAll(fromHex('18010000050000000000000000000000' + 'bf10000000000000' + '9500000000000000'));
    expect(rows.map(({ index, text }) => [index, text])).toEqual([
      [0, 'r1 = 0x5'],
      [2, 'r0 = r1'],
      [3, 'exit'],
    ]);
    expect(rows[1]?.insn).toEqual({ code: 0xbf, dst: 0, src: 1, off: 0, imm: 0 });
  });

  it('reads from where a view starts, not from the start of its buffer', () => {
    const rows = disassembleAll(fromHex('ffffff' + '9500000000000000').subarray(3));
    expect(rows.map((row) => row.text)).toEqual(['exit']);
  });

  it('shows an ld_imm64 that is cut off, and leaves out a slot that is', () => {
    const cut = '1801000005000000';
    expect(disassembleAll(fromHex(cut)).map((row) => row.text)).toEqual(['r1 = 0x5 (the second slot is missing)']);
    expect(disassembleAll(fromHex(`${cut}000000`)).map((row) => row.text)).toEqual(['r1 = 0x5 (the second slot is missing)']);
    expect(disassembleAll(new Uint8Array(7))).toEqual([]);
  });

  it('covers each whole slot once, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (insns) => {
        const rows = disassembleAll(insns);
        const slots = rows.map((row, n) => (rows[n + 1]?.index ?? Math.floor(insns.length / 8)) - row.index);
        expect(slots.every((count) => count === 1 || count === 2)).toBe(true);
        expect(slots.reduce((sum, count) => sum + count, 0)).toBe(Math.floor(insns.length / 8));
      }),
    );
  });
});
