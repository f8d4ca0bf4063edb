// Machine instructions, written as bpftool writes them when it is built with LLVM, from what Capstone says of them: both come from the
// same tables, and differ in how numbers are written.

/** One instruction: `operation` may have a prefix before it (`lock addq`), `operands` is as it is printed, and may be empty. */
export interface MachineInsn {
  readonly size: number;
  readonly operation: string;
  readonly operands: string;
}

/** Takes a function's code and its address, 0 where that is not told. Bytes that are no instruction become `.byte`. */
export type MachineDisassembler = (code: Uint8Array, address: bigint) => readonly MachineInsn[];

/** The rewriting for a processor: operands as Capstone has them, and the bytes of the instruction. */
export type MachineSyntax = (operation: string, operands: string, bytes: Uint8Array) => string;

const BRANCH_TARGET = /^0x[\da-f]+$/;
/** Not the digits of a register. */
const NUMBER = /(?<!\w)(-?)(0x[\da-f]+|\d+)/g;
const rewritten = (text: string, write: (value: bigint) => string): string =>
  text.replace(NUMBER, (_, minus: string, digits: string) => write(BigInt(digits) * (minus ? -1n : 1n)));
const signed = (bits: number) => (value: bigint) => `${BigInt.asIntN(bits, value)}`;

/** AT&T: numbers in decimal with a sign, no blanks inside of an address, and no `$1` where a shift means it. */
export const x86Syntax: MachineSyntax = (operation, operands, bytes) => {
  if (operation === '.byte' || BRANCH_TARGET.test(operands)) return operands;
  const opcode = opcodeOf(bytes);
  const suffix = operation.at(-1) as string;
  const bits = (suffix === 'b' || SIGNED_BYTE.has(opcode) ? WIDTHS[suffix] : undefined) ?? 64;
  const written = rewritten(operands, signed(64))
    .replace(/\$-?\d+/g, (constant) => rewritten(constant, signed(bits)))
    .replace(/\([^)]*\)/g, (address) => address.replaceAll(' ', ''));
  return SHIFT_BY_ONE.has(opcode) ? written.replace(/^\$1, /, '') : written;
};

/**
 * Operations of group 1, imul and push: their byte has a sign in the width that is computed with, which the last letter of the
 * operation says. Longer constants stand as they were written.
 */
const SIGNED_BYTE: ReadonlySet<number> = new Set([0x83, 0x6b, 0x6a]);
const SHIFT_BY_ONE: ReadonlySet<number> = new Set([0xd0, 0xd1]);
const WIDTHS: Readonly<Record<string, number>> = { b: 8, w: 16, l: 32 };
/** lock, sizes and segments. */
const PREFIXES: ReadonlySet<number> = new Set([0xf0, 0xf2, 0xf3, 0x66, 0x67, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65]);

/** The first byte behind the prefixes: of longer opcodes 0x0f, or a VEX prefix. */
function opcodeOf(bytes: Uint8Array): number {
  const byte = bytes.find((value) => !PREFIXES.has(value) && (value & 0xf0) !== 0x40);
  return byte ?? 0;
}

/** Numbers in decimal, but for masks; addresses stay hexadecimal, without a `#`. */
export const arm64Syntax: MachineSyntax = (operation, operands) => {
  if (operation === '.byte') return operands;
  const bits = operands.startsWith('w') ? 32 : 64;
  if (MASKS.has(operation))
    return operands.replace(
      /, #(-?\w+)$/,
      (_, mask: string) => `, #${rewritten(mask, (value) => `0x${BigInt.asUintN(bits, value).toString(16)}`)}`,
    );
  const address = ADDRESSED.test(operation) ? operands.lastIndexOf('#') : -1;
  if (address >= 0) return rewritten(operands.slice(0, address), signed(64)) + operands.slice(address + 1);
  return rewritten(operands, signed(operation === 'mov' ? bits : 64));
};

const MASKS: ReadonlySet<string> = new Set(['and', 'ands', 'orr', 'eor', 'tst']);
const ADDRESSED = /^(b|bl|b\..+|cbn?z|tbn?z|adrp?)$/;

/** Operands one by one, those of an address too, as bpftool's JSON has them. */
export const operandList = (operands: string): string[] => operands.split(/[ \t,()]+/).filter((operand) => operand !== '');
