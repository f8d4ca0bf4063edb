// `prog dump jited`: machine code of a program. There is no disassembler for it here, so it is shown in bytes, with the source line
// that each run of bytes comes from.

import type { Btf, LineInfo } from '../btf/index.js';
import { sourceLineAt } from '../btf/index.js';
import { hexBytes, hexLines, type Json } from './json.js';
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

interface Run {
  readonly pc: number;
  readonly bytes: Uint8Array;
  readonly source?: NonNullable<XlatedRow['source']>;
}
interface JitedFunction {
  readonly name: string;
  readonly proto: string;
  readonly runs: readonly Run[];
}

function jitedFunctions(jited: JitedCode): JitedFunction[] {
  const { code, ksyms, btf, funcInfo, symbols } = jited;
  const lengths = jited.lengths.length > 0 ? jited.lengths : [code.length];
  let start = 0;
  return lengths.map((length, i) => {
    const bytes = code.subarray(start, start + length);
    start += length;
    const address = ksyms[i];
    const type = funcInfo[i]?.type;
    return {
      name: address === undefined ? 'unknown' : (symbols.get(address) ?? `0x${address.toString(16).padStart(16, '0')}`),
      proto: btf && type !== undefined ? signature(btf, type) : '',
      runs: runsOf(jited, bytes, address),
    };
  });
}

function runsOf({ btf, lineInfo, lineAddresses }: JitedCode, bytes: Uint8Array, address: bigint | undefined): Run[] {
  const marks = lineAddresses.flatMap((at, i) => {
    const pc = address === undefined ? -1 : Number(at - address);
    const line = lineInfo[i];
    return line && pc >= 0 && pc < bytes.length ? [{ pc, line }] : [];
  });
  const starts = marks[0]?.pc === 0 ? marks : [{ pc: 0, line: undefined }, ...marks];
  return starts.flatMap(({ pc, line }, i) => {
    const end = starts[i + 1]?.pc ?? bytes.length;
    const source = btf && line ? sourceLineAt(btf, [line], line.insn) : undefined;
    return [{ pc, bytes: bytes.subarray(pc, end), ...(source && { source: { ...source, text: source.text.trimStart() } }) }];
  });
}

export function jitedText(jited: JitedCode, { linum = false }: XlatedOptions): string {
  let text = '';
  for (const { name, proto, runs } of jitedFunctions(jited)) {
    text += `${proto && `${proto}:\n`}${name}:\n`;
    for (const { pc, bytes, source } of runs) {
      if (source) text += `; ${sourceText(source, linum)}\n`;
      for (let at = 0; at < bytes.length; at += 16)
        text += `${(pc + at).toString(16).padStart(4)}:\t${hexLines(bytes.subarray(at, at + 16))}\n`;
    }
    text += '\n';
  }
  return text;
}

export const jitedJson = (jited: JitedCode, { linum = false }: XlatedOptions): Json =>
  jitedFunctions(jited).map(({ name, proto, runs }) => ({
    proto: proto || undefined,
    name,
    insns: runs.map(({ pc, bytes, source }) => ({
      ...(source && sourceJson(source, linum)),
      pc: `0x${pc.toString(16)}`,
      opcodes: hexBytes(bytes),
    })),
  }));
