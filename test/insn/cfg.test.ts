// Functions, blocks and edges. `reach` is the witness: it finds by another way which instructions can be come to.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/index.js';
import { FormatError } from '../../src/errors.js';
import { type CfgOptions, controlFlow, reach } from '../../src/insn/index.js';

const le16 = (n: number) => `${(n & 0xff).toString(16).padStart(2, '0')}${((n >> 8) & 0xff).toString(16).padStart(2, '0')}`;
const le32 = (n: number) => `${le16(n & 0xffff)}${le16((n >> 16) & 0xffff)}`;
const slot = (code: number, { src = 0, off = 0, imm = 0 } = {}) =>
  `${code.toString(16).padStart(2, '0')}${(src << 4).toString(16).padStart(2, '0')}${le16(off)}${le32(imm)}`;

const EXIT = slot(0x95);
const MOV = slot(0xb7);
const HELPER = slot(0x85, { imm: 5 });
const THROUGH_TABLE = slot(0x0d);
const ja = (off: number) => slot(0x05, { off });
const gotol = (imm: number) => slot(0x06, { imm });
const jeq = (off: number) => slot(0x15, { off });
const mayGoto = (off: number) => slot(0xe5, { off });
const call = (imm: number, off = 0) => slot(0x85, { src: 1, imm, off });
const ldImm64 = (low: number, src = 0) => [slot(0x18, { src, imm: low }), slot(0)];

/** `#0 0-3: 0-2 >1 | 2-3 exit`: a function and its slots, then its blocks, `>` before what follows and `^` before targets of jumps. */
const shown = (insns: string[], options?: CfgOptions) =>
  controlFlow(fromHex(insns.join('')), options).map(({ index, start, end, blocks }) => {
    const texts = blocks.map((block) => {
      const edges = block.edges.map(({ kind, to }) => (kind === 'exit' ? 'exit' : `${kind === 'next' ? '>' : '^'}${to}`));
      return [`${block.start}-${block.end}`, ...edges].join(' ');
    });
    return `#${index} ${start}-${end}: ${texts.join(' | ')}`;
  });

describe('control flow', () => {
  it.each<[name: string, insns: string[], expected: string[]]>([
    ['nothing', [], []],
    ['a straight line', [MOV, MOV, EXIT], ['#0 0-3: 0-3 exit']],
    ['a helper ends no block', [MOV, HELPER, EXIT], ['#0 0-3: 0-3 exit']],
    ['two ways that meet', [jeq(1), MOV, EXIT], ['#0 0-3: 0-1 >1 ^2 | 1-2 >2 | 2-3 exit']],
    ['a conditional jump to what follows has two edges', [jeq(0), EXIT], ['#0 0-2: 0-1 >1 ^1 | 1-2 exit']],
    ['a loop', [MOV, MOV, jeq(-2), EXIT], ['#0 0-4: 0-1 >1 | 1-3 >2 ^1 | 3-4 exit']],
    ['a way around', [ja(1), MOV, EXIT], ['#0 0-3: 0-1 ^2 | 1-2 >2 | 2-3 exit']],
    ['a far jump', [gotol(1), MOV, EXIT], ['#0 0-3: 0-1 ^2 | 1-2 >2 | 2-3 exit']],
    ['may_goto', [mayGoto(1), MOV, EXIT], ['#0 0-3: 0-1 >1 ^2 | 1-2 >2 | 2-3 exit']],
    ['two exits', [jeq(1), EXIT, EXIT], ['#0 0-3: 0-1 >1 ^2 | 1-2 exit | 2-3 exit']],
    ['through a table, where nobody knows', [THROUGH_TABLE, MOV, EXIT], ['#0 0-3: 0-1 | 1-3 exit']],
    ['a call that never returns', [MOV, HELPER], ['#0 0-2: 0-2 exit']],
    ['an ld_imm64 has two slots', [...ldImm64(7), jeq(-3), EXIT], ['#0 0-4: 0-3 >1 ^0 | 3-4 exit']],
    ['what looks like a jump in a second slot', [slot(0x18), slot(0x05), EXIT], ['#0 0-3: 0-3 exit']],
    ['a function', [call(1), EXIT, MOV, EXIT], ['#0 0-2: 0-2 exit', '#1 2-4: 2-4 exit']],
    ['one that is called twice', [call(2), call(1), EXIT, EXIT], ['#0 0-3: 0-3 exit', '#1 3-4: 3-4 exit']],
    [
      'functions by where they start, numbered by who is named first',
      [call(3), call(1), EXIT, MOV, EXIT],
      ['#0 0-3: 0-3 exit', '#2 3-4: 3-4 exit', '#1 4-5: 4-5 exit'],
    ],
    ['a callback', [...ldImm64(2, 4), EXIT, MOV, EXIT], ['#0 0-3: 0-3 exit', '#1 3-5: 3-5 exit']],
    ['recursion', [call(-1), EXIT], ['#0 0-2: 0-2 exit']],
  ])('%s', (_, insns, expected) => {
    expect(shown(insns)).toEqual(expected);
  });

  it('reads calls as a kernel gives them back: how far in off, the number of the function in imm', () => {
    expect(shown([call(1, 1), EXIT, MOV, EXIT], { callIn: 'off' })).toEqual(['#0 0-2: 0-2 exit', '#1 2-4: 2-4 exit']);
  });

  it.each<[string, string[], string]>([
    ['a jump behind the end', [ja(5), EXIT], 'Leads to slot 6, but its function has slots 0 to 1 (insn 0)'],
    ['a jump before the start', [jeq(-2), EXIT], 'Leads to slot -1, but its function has slots 0 to 1 (insn 0)'],
    [
      'a jump into another function',
      [call(1), EXIT, jeq(-3), EXIT],
      'Leads to slot 0, but its function has slots 2 to 3 (insn 2)',
    ],
    ['a call out of the program', [MOV, call(9), EXIT], 'Leads to slot 11, but the program has slots 0 to 2 (insn 1)'],
  ])('refuses %s', (_, insns, message) => {
    expect(() => shown(insns)).toThrow(FormatError);
    expect(() => shown(insns)).toThrow(message);
  });

  /** Jumps go anywhere inside; nothing is known of r0, which they compare. */
  const programs = fc
    .array(fc.tuple(fc.constantFrom('mov', 'ja', 'gotol', 'jeq', 'exit', 'helper'), fc.nat()), { minLength: 1 })
    .map((ops) =>
      ops.map(([op, at], i) => {
        const off = (at % ops.length) - i - 1;
        const made = { mov: slot(0xbf, { src: 3 }), ja: ja(off), gotol: gotol(off), jeq: jeq(off), exit: EXIT, helper: HELPER };
        return made[op as keyof typeof made];
      }),
    );

  it('has blocks without gaps, and goes where a run may go', () => {
    fc.assert(
      fc.property(programs, (insns) => {
        const [func] = controlFlow(fromHex(insns.join('')));
        const blocks = func?.blocks ?? [];
        expect(blocks.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i))).toEqual([
          ...insns.keys(),
        ]);
        const seen = new Set<number>();
        const visit = (place: number): void => {
          if (place < 0 || seen.has(place)) return;
          seen.add(place);
          for (const { to } of blocks[place]?.edges ?? []) visit(to);
        };
        visit(0);
        const reached = insns.map((_, i) => blocks.some(({ start, end }, place) => seen.has(place) && i >= start && i < end));
        expect(reached).toEqual(reach(fromHex(insns.join('')))?.reached);
      }),
    );
  });
});
