// Source lines of instructions: line_info records and the strings they name.

import { BpfError, type SourceLine } from '../errors.js';
import type { Btf } from './btf.js';
import type { LineInfo } from './ext.js';

/**
 * The line that instruction `insn` came from: that of the last record at or before it.
 * @param lines In the order of their instructions.
 * @param from  Where the function of the instruction starts: records before it belong to another.
 */
export function sourceLineAt(btf: Btf, lines: readonly LineInfo[], insn: number, from = 0): SourceLine | undefined {
  const found = lastLine(lines, insn);
  return found && found.insn >= from ? sourceLine(btf, found) : undefined;
}

/** The record that holds at `insn`: the last at or before it. */
export function lastLine(lines: readonly LineInfo[], insn: number): LineInfo | undefined {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] as LineInfo).insn <= insn) low = middle + 1;
    else high = middle;
  }
  return lines[low - 1];
}

/** Lines of the same file that are at most `reach` away, in order, as far as `lines` has them: the file itself is not needed. */
export function linesAround(btf: Btf, lines: readonly LineInfo[], middle: SourceLine, reach = 2): SourceLine[] {
  const near = new Map([[middle.line, middle]]);
  for (const line of lines) {
    if (Math.abs(line.line - middle.line) > reach || near.has(line.line) || textAt(btf, line.fileName) !== middle.file) continue;
    const text = textAt(btf, line.text);
    if (text.trim() !== '') near.set(line.line, { ...sourceLine(btf, line), text });
  }
  return [...near.values()].sort((a, b) => a.line - b.line);
}

const sourceLine = (btf: Btf, { fileName, text, line, column }: LineInfo): SourceLine => ({
  file: textAt(btf, fileName),
  line,
  column,
  text: textAt(btf, text),
});

/** `a.bpf.c:16:9`. */
export const showSource = ({ file, line, column }: SourceLine): string => `${file}:${line}${column > 0 ? `:${column}` : ''}`;

/** Lines are told to people beside something else: a broken one is empty, not an error. */
function textAt(btf: Btf, offset: number): string {
  try {
    return btf.string(offset);
  } catch (error) {
    if (error instanceof BpfError) return '';
    throw error;
  }
}
