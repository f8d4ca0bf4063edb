// The control-flow graph of a loaded program, in Graphviz's language: `prog dump xlated PROG visual`. A cluster for each function, a
// record for each basic block.

import { lastLine, sourceLineAt } from '../btf/index.js';
import { type BasicBlock, type CfgFunction, controlFlow } from '../insn/index.js';
import { BPF_INSN_SZ } from '../uapi/insn.js';
import { hexLines } from './json.js';
import { type LoadedCode, type XlatedOptions, type XlatedRow, xlatedRows } from './xlated.js';

/** bpftool numbers the nodes of a function: its way in, its way out, then its blocks. */
const [ENTRY, EXIT, FIRST_BLOCK] = [0, 1, 2];
/** The line that closes an instruction: Graphviz's "left-aligned", and a backslash, so that the label goes on. */
const LINE_END = '\\l\\\n';
const EDGE = '[style="solid,bold", color=black, weight=10, constraint=true]';

/**
 * To the byte what bpftool 7.8 draws, but where it draws what is not so: see docs/architecture.md.
 * @throws {FormatError} @see controlFlow
 * @see bpftool cfg_dump, cfg.c; dump_xlated_for_graph, xlated_dumper.c
 */
export function xlatedGraph(code: LoadedCode, options: XlatedOptions): string {
  const bySlot: (XlatedRow | undefined)[] = Array<undefined>(code.insns.length / BPF_INSN_SZ).fill(undefined);
  for (const row of xlatedRows(code)) bySlot[row.index] = row;
  const clusters = controlFlow(code.insns, { callIn: 'off' }).map((func) => cluster(func, bySlot, code, options));
  return `digraph "DOT graph for eBPF program" {\n${clusters.join('')}}\n`;
}

type BySlot = readonly (XlatedRow | undefined)[];

function cluster(func: CfgFunction, rows: BySlot, code: LoadedCode, options: XlatedOptions): string {
  const node = (place: number) => `fn_${func.index}_bb_${place}`;
  const arrow = (from: number, to: number, style = EDGE) => `\t${node(from)}:s -> ${node(to)}:n ${style};\n`;
  const special = (place: number, name: string) => `\t${node(place)} [shape=Mdiamond,style=filled,label="${name}"];\n\n`;
  const blocks = func.blocks.map((block, i) => {
    const label = blockLabel(block, func, rows.slice(block.start, block.end), code, options);
    return `\t${node(i + FIRST_BLOCK)} [shape=record,style=filled,label="{\\\n${label}}"];\n\n`;
  });
  const arrows = func.blocks.flatMap(({ edges }, i) =>
    edges.map(({ to }) => arrow(i + FIRST_BLOCK, to < 0 ? EXIT : to + FIRST_BLOCK)),
  );
  return [
    `subgraph "cluster_${func.index}" {\n\tstyle="dashed";\n\tcolor="black";\n\tlabel="func_${func.index} ()";\n`,
    special(ENTRY, 'ENTRY'),
    ...blocks,
    special(EXIT, 'EXIT'),
    arrow(ENTRY, FIRST_BLOCK),
    ...arrows,
    arrow(ENTRY, EXIT, '[style="invis", constraint=true]'), // for the layout
    '}\n',
  ].join('');
}

/** The instructions of a block, counted from its function's start, with the line of C above each that begins another one. */
function blockLabel(
  block: BasicBlock,
  func: CfgFunction,
  rows: BySlot,
  { btf, lineInfo }: LoadedCode,
  { opcodes = false, linum = false }: XlatedOptions,
): string {
  let shown: ReturnType<typeof lastLine>;
  let label = '';
  for (const row of rows) {
    if (!row) continue; // the second slot of an ld_imm64
    const { index, text, bytes, proto } = row;
    if (proto !== undefined) label += `; ${proto}:${LINE_END}`;
    const line = btf && lastLine(lineInfo, index);
    const source = line !== shown && btf && line ? sourceLineAt(btf, [line], line.insn) : undefined;
    shown = line;
    if (source?.text) label += lineLabel(source, linum);
    label += `${index - func.start}: ${text.replace(/[<>|&]/g, '\\$&')}${LINE_END}`;
    if (opcodes)
      label += `\\ \\ \\ \\ ${slots(bytes)
        .map((slot) => hexLines(slot))
        .join(' ')}${LINE_END}`;
    if (index !== block.end - 1) label += '| ';
  }
  return label;
}

const slots = (bytes: Uint8Array): Uint8Array[] =>
  Array.from({ length: bytes.length / BPF_INSN_SZ }, (_, i) => bytes.subarray(i * BPF_INSN_SZ, (i + 1) * BPF_INSN_SZ));

function lineLabel({ text, file, line, column }: NonNullable<XlatedRow['source']>, linum: boolean): string {
  const place = linum ? `; [${shortened(file)} line:${line} col:${column}]${LINE_END}` : '';
  return `${place}; ${escaped(text.trimStart())}${LINE_END}`;
}

const escaped = (text: string): string => text.replace(/[\\"{}<>| ]/g, '\\$&');

const LONGEST_PATH = 32;
const DOTS = '...';

/** A path's end, from a slash on, where it is long. */
function shortened(path: string): string {
  if (path.length <= LONGEST_PATH) return escaped(path);
  const inReach = path.indexOf('/', path.length - LONGEST_PATH);
  const at = inReach < 0 ? path.lastIndexOf('/') : inReach < DOTS.length ? 0 : inReach;
  return at > 0 ? `${DOTS}${escaped(path.slice(at))}` : escaped(path);
}
