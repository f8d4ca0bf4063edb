import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/index.js';
import { FormatError } from '../../src/errors.js';
import { type Insn, importInsns, insnCount, isLdImm64, ldImm64Value, patchInsn, readInsn } from '../../src/insn/insn.js';

const WHERE = { file: 'a.bpf.o', section: 'kprobe/x' };

// One instruction as it stands in a little-endian and in a big-endian object. Registers swap nibbles, off and imm bytes.
const VECTORS: readonly (readonly [name: string, le: string, be: string, insn: Insn])[] = [
  ['r6 = r1', 'bf16000000000000', 'bf61000000000000', { code: 0xbf, dst: 6, src: 1, off: 0, imm: 0 }],
  ['r1 = *(u32 *)(r10 -8)', '61a1f8ff00000000', '611afff800000000', { code: 0x61, dst: 1, src: 10, off: -8, imm: 0 }],
  ['r1 += -8', '07010000f8ffffff', '07100000fffffff8', { code: 0x07, dst: 1, src: 0, off: 0, imm: -8 }],
  ['w1 = 0x12345678', 'b401000078563412', 'b410000012345678', { code: 0xb4, dst: 1, src: 0, off: 0, imm: 0x12345678 }],
];

const anInsn: fc.Arbitrary<Insn> = fc.record({
  code: fc.integer({ min: 0, max: 0xff }),
  dst: fc.integer({ min: 0, max: 15 }),
  src: fc.integer({ min: 0, max: 15 }),
  off: fc.integer({ min: -0x8000, max: 0x7fff }),
  imm: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
});

describe('readInsn and patchInsn', () => {
  it.each(VECTORS)('read and write %s', (_name, le, _be, insn) => {
    expect(readInsn(fromHex(le), 0)).toEqual(insn);
    const slot = new Uint8Array(8);
    patchInsn(slot, 0, insn);
    expect(slot).toEqual(fromHex(le));
  });

  it('give back whatever instruction was put in', () => {
    fc.assert(
      fc.property(anInsn, fc.nat(3), (insn, index) => {
        const insns = new Uint8Array(32);
        patchInsn(insns, index, insn);
        expect(readInsn(insns, index)).toEqual(insn);
      }),
    );
  });

  it('patch the fields named and nothing else, in place', () => {
    const insns = fromHex('bf16000000000000' + '61a1f8ff00000000' + '9500000000000000');
    patchInsn(insns, 1, { off: 16 });
    expect(insns).toEqual(fromHex('bf16000000000000' + '61a1100000000000' + '9500000000000000'));
    patchInsn(insns, 1, {});
    expect(readInsn(insns, 1)).toEqual({ code: 0x61, dst: 1, src: 10, off: 16, imm: 0 });
  });

  it('work on a view that does not start its buffer', () => {
    const file = fromHex('ffff' + 'bf16000000000000' + 'ffff');
    const insns = file.subarray(2, 10);
    expect(readInsn(insns, 0)).toMatchObject({ dst: 6, src: 1 });
    patchInsn(insns, 0, { dst: 7 });
    expect(file).toEqual(fromHex('ffff' + 'bf17000000000000' + 'ffff'));
  });

  it('refuse a slot past the end', () => {
    expect(() => readInsn(new Uint8Array(8), 1)).toThrow(RangeError);
    expect(() => patchInsn(new Uint8Array(8), 1, { imm: 1 })).toThrow(RangeError);
  });
});

describe('ld_imm64', () => {
  const insns = fromHex('180100007856341200000000f0debc9a' + '1801000000000000');

  it('is known by its opcode, when its second slot is there', () => {
    expect(insnCount(insns)).toBe(3);
    expect([0, 1, 2].map((index) => isLdImm64(insns, index))).toEqual([true, false, false]);
  });

  it('holds 64 bits, without a sign', () => {
    expect(ldImm64Value(insns, 0)).toBe(0x9abcdef012345678n);
    expect(ldImm64Value(fromHex('18010000ffffffff0000000000000000'), 0)).toBe(0xffffffffn);
    expect(ldImm64Value(fromHex('18010000ffffffff00000000ffffffff'), 0)).toBe(0xffffffffffffffffn);
  });
});

describe('importInsns', () => {
  it.each(VECTORS)('turns around a big-endian %s', (_name, le, be) => {
    expect(importInsns(fromHex(be), false, WHERE)).toEqual(fromHex(le));
    expect(importInsns(fromHex(le), true, WHERE)).toEqual(fromHex(le));
  });

  it('turned around twice is what it was', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 8, maxLength: 8 }), { maxLength: 6 }), (slots) => {
        const insns = Uint8Array.from(slots.flatMap((slot) => [...slot]));
        expect(importInsns(importInsns(insns, false, WHERE), false, WHERE)).toEqual(insns);
      }),
    );
  });

  it('copies, so that patching leaves the object as it was', () => {
    for (const littleEndian of [true, false]) {
      const object = fromHex('bf16000000000000');
      const insns = importInsns(object, littleEndian, WHERE);
      patchInsn(insns, 0, { imm: -1 });
      expect(object).toEqual(fromHex('bf16000000000000'));
    }
  });

  it('takes no instructions at all', () => {
    expect(importInsns(new Uint8Array(0), false, WHERE)).toEqual(new Uint8Array(0));
  });

  it.each([1, 7, 9, 12])('refuses %i bytes, and says where they are', (length) => {
    for (const littleEndian of [true, false]) {
      const importing = () => importInsns(new Uint8Array(length), littleEndian, WHERE);
      expect(importing).toThrow(FormatError);
      expect(importing).toThrow(`there are ${length} (file a.bpf.o, section kprobe/x)`);
    }
  });
});
