// `prog dump jited`: machine code of a program, with the lines of C that it comes from. Where there is no disassembler, in bytes.

import type { Btf, LineInfo } from '../btf/index.js';
import { sourceLineAt } from '../btf/index.js';
import { hexBytes, hexLines, type Json } from './json.js';
import { type MachineDisassembler, type MachineInsn, operandList } from './machine-code.js';
import { signature } from './signature.js';
import { sourceJson, sourceText, type XlatedOptions, type XlatedRow } from './xlated.js';

export interface JitedCode {
  readonly code: Uint8Array;
  /** Bytes of each function, in their order; addresses of them are `ksyms`. */
  readonly lengths: readonly number[];
  readonly ksyms: readonly bigint[];
  readonly btf?: Btf | undefined;
  readonly funcInfo: readonly { readonly type: number }[];
  readonly lineInfo: readonly LineInfo[];
  /** Addresses of the machine code of each line of `lineInfo`. */
  readonly lineAddresses: readonly bigint[];
  readonly symbols: ReadonlyMap<bigint, string>;
}

/** An instruction, or without a disassembler all bytes of a line. */
interface Row {
  readonly pc: number;
  readonly bytes: Uint8Array;
  readonly insn?: MachineInsn;
  readonly source?: NonNullable<XlatedRow['source']>;
}
interface JitedFunction {
  readonly name: string;
  readonly proto: string;
  readonly rows: readonly Row[];
}
/** Where in a function a line begins. */
interface Mark {
  readonly pc: number;
  readonly line: LineInfo;
}

function jitedFunctions(jited: JitedCode, disassemble: MachineDisassembler | undefined): JitedFunction[] {
  const { code, ksyms, btf, funcInfo, symbols } = jited;
  const lengths = jited.lengths.length > 0 ? jited.lengths : [code.length];
  let start = 0;
  return lengths.map((length, i) => {
    const bytes = code.subarray(start, start + length);
    start += length;
    const address = ksyms[i];
    const type = funcInfo[i]?.type;
    const marks = marksOf(jited, bytes.length, address);
    return {
      name: address === undefined ? 'unknown' : (symbols.get(address) ?? `0x${address.toString(16).padStart(16, '0')}`),
      proto: btf && type !== undefined ? signature(btf, type) : '',
      rows: disassemble ? insnRows(jited, bytes, marks, disassemble(bytes, address ?? 0n)) : byteRows(jited, bytes, marks),
    };
  });
}

const marksOf = ({ lineInfo, lineAddresses }: JitedCode, length: number, address: bigint | undefined): Mark[] =>
  lineAddresses.flatMap((at, i) => {
    const pc = address === undefined ? -1 : Number(at - address);
    const line = lineInfo[i];
    return line && pc >= 0 && pc < length ? [{ pc, line }] : [];
  });

/**
 * Above an instruction stands the last line that begins at or before it, if the first that was not shown yet does.
 * @see libbpf bpf_prog_linfo__lfind_addr_func, src/bpf_prog_linfo.c
 */
function insnRows({ btf }: JitedCode, bytes: Uint8Array, marks: readonly Mark[], insns: readonly MachineInsn[]): Row[] {
  let pc = 0;
  let shown = 0;
  let begun = 0; // lines that begin at or before `pc`
  return insns.map((insn) => {
    while ((marks[begun]?.pc ?? Number.POSITIVE_INFINITY) <= pc) begun++;
    const mark = shown < begun ? marks[begun - 1] : undefined;
    if (mark) shown++;
    const row = { pc, bytes: bytes.subarray(pc, pc + insn.size), insn, ...withSource(btf, mark?.line) };
    pc += insn.size;
    return row;
  });
}

function byteRows({ btf }: JitedCode, bytes: Uint8Array, marks: readonly Mark[]): Row[] {
  const starts: readonly { pc: number; line?: LineInfo }[] = marks[0]?.pc === 0 ? marks : [{ pc: 0 }, ...marks];
  return starts.map(({ pc, line }, i) => {
    const end = starts[i + 1]?.pc ?? bytes.length;
    return { pc, bytes: bytes.subarray(pc, end), ...withSource(btf, line) };
  });
}

function withSource(btf: Btf | undefined, line: LineInfo | undefined): Pick<Row, 'source'> {
  const source = btf && line ? sourceLineAt(btf, [line], line.insn) : undefined;
  return source ? { source: { ...source, text: source.text.trimStart() } } : {};
}

export function jitedText(jited: JitedCode, options: XlatedOptions, disassemble?: MachineDisassembler): string {
  const { linum = false } = options;
  let text = '';
  for (const { name, proto, rows } of jitedFunctions(jited, disassemble)) {
    text += `${proto && `${proto}:\n`}${name}:\n`;
    for (const row of rows) {
      if (row.source) text += `; ${sourceText(row.source, linum)}\n`;
      text += row.insn ? insnText(row, row.insn, options) : bytesText(row);
    }
    text += '\n';
  }
  return text;
}

const atPc = (pc: number): string => `${pc.toString(16).padStart(4)}:\t`;

function insnText({ pc, bytes }: Row, { operation, operands }: MachineInsn, { opcodes = false }: XlatedOptions): string {
  const text = `${atPc(pc)}${operation}${operands && `\t${operands}`}\n`;
  return opcodes ? `${text}\t${Array.from(bytes, (byte) => `${byte.toString(16).padStart(2, '0')} `).join('')}\n` : text;
}

function bytesText({ pc, bytes }: Row): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 16) text += `${atPc(pc + at)}${hexLines(bytes.subarray(at, at + 16))}\n`;
  return text;
}

export const jitedJson = (jited: JitedCode, options: XlatedOptions, disassemble?: MachineDisassembler): Json =>
  jitedFunctions(jited, disassemble).map(({ name, proto, rows }) => ({
    proto: proto || undefined,
    name,
    insns: rows.map(({ pc, bytes, source, insn }) => ({
      ...(source && sourceJson(source, options.linum ?? false)),
      pc: `0x${pc.toString(16)}`,
      ...(insn && { operation: insn.operation, operands: insn.operands ? operandList(insn.operands) : [null] }),
      opcodes: insn && !options.opcodes ? undefined : hexBytes(bytes),
    })),
  }));
