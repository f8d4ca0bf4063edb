// Instructions of a loaded program with their source lines and the names of what they refer to, as `prog dump xlated` shows them.

import type { Btf, LineInfo } from '../btf/index.js';
import { sourceLineAt } from '../btf/index.js';
import { disassemble, type Insn, insnCount, isLdImm64, ldImm64Value, readInsn } from '../insn/index.js';
import { BPF_FUNC } from '../uapi/enums.js';
import {
  BPF_INSN_SZ,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  CALL,
} from '../uapi/insn.js';
import { hexBytes, hexLines, type Json } from './json.js';
import { signature } from './signature.js';

/** A program as the kernel gives it back. */
export interface LoadedCode {
  readonly insns: Uint8Array;
  readonly btf?: Btf | undefined;
  readonly funcInfo: readonly { readonly insn: number; readonly type: number }[];
  readonly lineInfo: readonly LineInfo[];
  /** Addresses of its functions; none where it is interpreted, or addresses are not told. */
  readonly ksyms: readonly bigint[];
  /** Where the kernel counts calls from (`__bpf_call_base`); absent where addresses are not told. */
  readonly callBase?: bigint | undefined;
  readonly symbols: ReadonlyMap<bigint, string>;
}

export interface XlatedRow {
  readonly index: number;
  readonly insn: Insn;
  readonly text: string;
  /** All bytes, of both slots where there are two. */
  readonly bytes: Uint8Array;
  /** Of the function that starts here. */
  readonly proto?: string;
  /** Where a new line of the source begins. */
  readonly source?: { readonly text: string; readonly file: string; readonly line: number; readonly column: number };
}

const HELPERS: ReadonlySet<number> = new Set(Object.values(BPF_FUNC));

/** Addresses whose names `xlatedRows` will ask for. */
export function calledAddresses({ insns, ksyms, callBase }: Omit<LoadedCode, 'symbols'>): bigint[] {
  const called: bigint[] = [...ksyms];
  for (let i = 0; callBase !== undefined && i < insnCount(insns); i++) {
    if (isLdImm64(insns, i)) i++;
    else if (readInsn(insns, i).code === CALL) called.push(callBase + BigInt(readInsn(insns, i).imm));
  }
  return called;
}

export function xlatedRows(code: LoadedCode): XlatedRow[] {
  const { insns, btf, funcInfo, lineInfo } = code;
  const rows: XlatedRow[] = [];
  let nextFunc = 0;
  let skipped = 0;
  for (let index = 0; index < insnCount(insns); index++) {
    const insn = readInsn(insns, index);
    const wide = isLdImm64(insns, index);
    const starts = btf && funcInfo[nextFunc]?.insn === index ? funcInfo[nextFunc++] : undefined;
    const proto = btf && starts ? signature(btf, starts.type) : '';
    const line = lineFrom(lineInfo, index, skipped);
    if (line) skipped++;
    const source = btf && line ? sourceLineAt(btf, [line], line.insn) : undefined;
    rows.push({
      index,
      insn,
      text: insnText(code, insn, index, wide),
      bytes: insns.subarray(index * BPF_INSN_SZ, (index + (wide ? 2 : 1)) * BPF_INSN_SZ),
      ...(proto !== '' && { proto }),
      ...(source && { source: { ...source, text: source.text.trimStart() } }),
    });
    if (wide) index++;
  }
  return rows;
}

/**
 * The last line at or before an instruction, if the first one that has not been shown is.
 * @see libbpf bpf_prog_linfo__lfind, src/bpf_prog_linfo.c
 */
function lineFrom(lines: readonly LineInfo[], insn: number, skipped: number): LineInfo | undefined {
  const first = lines[skipped];
  if (!first || insn < first.insn) return undefined;
  let found = first;
  for (let i = skipped + 1; i < lines.length; i++) {
    const line = lines[i] as LineInfo;
    if (insn < line.insn) return found;
    found = line;
  }
  return found;
}

function insnText(code: LoadedCode, insn: Insn, index: number, wide: boolean): string {
  const next = wide ? readInsn(code.insns, index + 1) : undefined;
  const text = insn.code === CALL ? callText(code, insn) : next ? loadText(code, insn, next, index) : disassemble(insn);
  return text.startsWith('BUG_') ? text : `(${insn.code.toString(16).padStart(2, '0')}) ${text}`;
}

function callText({ symbols, ksyms, callBase }: LoadedCode, { src, imm, off }: Insn): string {
  if (src === 0 && imm > 0 && HELPERS.has(imm)) return disassemble({ code: CALL, dst: 0, src, imm, off });
  const address = (src === BPF_PSEUDO_CALL ? ksyms[imm] : undefined) ?? BigInt.asUintN(64, (callBase ?? 0n) + BigInt(imm));
  const name = symbols.get(address) ?? `0x${address.toString(16)}`;
  if (src !== BPF_PSEUDO_CALL) return `call ${name}#${imm}`;
  const target = `pc${off < 0 ? off : `+${off}`}`;
  return ksyms.length === 0 ? `call ${target}` : `call ${target}#${name}`; // an interpreted program has no addresses
}

/** The kernel has put ids of maps where descriptors were. */
function loadText({ insns }: LoadedCode, { src, dst, imm }: Insn, next: Insn, index: number): string {
  switch (src) {
    case BPF_PSEUDO_MAP_FD:
      return `r${dst} = map[id:${imm >>> 0}]`;
    case BPF_PSEUDO_MAP_VALUE:
      return `r${dst} = map[id:${imm >>> 0}][0]+${next.imm >>> 0}`;
    case BPF_PSEUDO_MAP_IDX_VALUE:
      return `r${dst} = map[idx:${imm >>> 0}]+${next.imm >>> 0}`;
    case BPF_PSEUDO_FUNC:
      return `r${dst} = subprog[${imm < 0 ? imm : `+${imm}`}]`;
    default:
      return `r${dst} = 0x${ldImm64Value(insns, index).toString(16)}`;
  }
}

export interface XlatedOptions {
  readonly opcodes?: boolean;
  readonly linum?: boolean;
}

export function xlatedText(rows: readonly XlatedRow[], { opcodes = false, linum = false }: XlatedOptions): string {
  let text = '';
  for (const row of rows) {
    if (row.proto !== undefined) text += `${row.proto}:\n`;
    if (row.source) text += `; ${sourceText(row.source, linum)}\n`;
    text += `${String(row.index).padStart(4)}: ${row.text}\n`;
    if (!opcodes) continue;
    const [first, second] = [row.bytes.subarray(0, BPF_INSN_SZ), row.bytes.subarray(BPF_INSN_SZ)];
    text += `       ${hexLines(first)}${second.length > 0 ? ` ${hexLines(second)}` : ''}\n`;
  }
  return text;
}

export const sourceText = ({ text, file, line, column }: NonNullable<XlatedRow['source']>, linum: boolean): string =>
  linum ? `${text} [file:${file} line_num:${line} line_col:${column}]` : text;

export const sourceJson = (
  { text, file, line, column }: NonNullable<XlatedRow['source']>,
  linum: boolean,
): { readonly [key: string]: Json | undefined } => ({
  src: text,
  ...(linum && { file, line_num: line || undefined, line_col: column || undefined }),
});

export const xlatedJson = (rows: readonly XlatedRow[], { opcodes = false, linum = false }: XlatedOptions): Json =>
  rows.map(({ proto, source, text, insn, bytes }) => ({
    proto,
    ...(source && sourceJson(source, linum)),
    disasm: text,
    opcodes: opcodes
      ? {
          code: `0x${insn.code.toString(16).padStart(2, '0')}`,
          src_reg: `0x${insn.src.toString(16)}`,
          dst_reg: `0x${insn.dst.toString(16)}`,
          off: hexBytes(bytes.subarray(2, 4)),
          imm: hexBytes(bytes.subarray(4)),
        }
      : undefined,
  }));
