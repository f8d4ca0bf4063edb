// A refusal as a screen of text: where, what, what the verifier knew, why, and what to do.

import { showSource } from '../btf/index.js';
import { printable, wrapped } from '../bytes/index.js';
import type { PathStep, SourceLine, VerifierError } from '../errors.js';

/** So many lines at most. */
export const FRAME_LINES = 25;
const FRAME_COLUMNS = 160;
const WIDTH = 120;
/** As much stands in front of text at most. */
const TITLE = 10;
const MOST_STEPS = 5;
const TAB = '    ';

/**
 * The error in at most 25 lines, without the log. Control characters of names and source do not reach a terminal.
 * @param columns Of the terminal, if it is one: text is broken between words, and what the verifier knew is cut, so that each line is one.
 */
export function verifierFrame(error: VerifierError, columns?: number): string {
  const width = columns ?? WIDTH;
  const { where, errno } = error;
  const of = where.file ? ` of ${where.file}` : '';
  const refused = `The kernel refuses program ${where.program ?? '?'}${of}: ${error.call} failed with ${errno}`;
  const head = wrapped(refused, (columns ?? FRAME_COLUMNS) - TITLE).map((line, i) => (i === 0 ? line : `    ${line}`));
  const tail = [
    ...block('reason:', error.reason ? wrapped(error.reason, width - TITLE) : []),
    ...explained(error),
    ...block('remedy:', remedyLines(error, width - TITLE)),
    ...(error.log ? [`  the whole log: ${countLines(error.log)} lines`] : []),
  ];
  const room = FRAME_LINES - head.length - tail.length;
  const lines = [...head, ...middle(error, room, columns ?? FRAME_COLUMNS), ...tail].slice(0, FRAME_LINES).map(printable);
  return lines.map((line) => cut(line, FRAME_COLUMNS)).join('\n');
}

const cut = (line: string, columns: number): string => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line);

function countLines(log: string): number {
  const text = log.trimEnd();
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

/** Source, instruction, states, way: as many as there is room for, in this order of importance. */
function middle(error: VerifierError, room: number, columns: number): string[] {
  const source = sourceLines(error);
  const insn = error.insn === undefined ? [] : [`  instruction ${error.insn}: ${error.insnText ?? ''}`.trimEnd()];
  const states = stateLines(error);
  const way = wayLines(error);
  let left = room - insn.length;
  const take = (lines: string[]): string[] => {
    const fits = lines.length <= left ? lines : [];
    left -= fits.length;
    return fits;
  };
  const [a, b, c] = [take(source.length > left ? source.slice(0, 1) : source), take(states), take(way)];
  const [at, ...text] = a;
  return [...(at === undefined ? [] : [at]), ...[...text, ...c, ...insn, ...b].map((line) => cut(line, columns))];
}

function sourceLines({ source, context }: VerifierError): string[] {
  if (!source) return [];
  const head = `  at ${showSource(source)}${source.function ? ` in ${source.function}()` : ''}`;
  const width = Math.max(...context.map(({ line }) => String(line).length));
  const row = (line: SourceLine) =>
    `  ${line.line === source.line ? '>' : ' '} ${String(line.line).padStart(width)} | ${line.text.replaceAll('\t', TAB).trimEnd()}`;
  return [head, ...(context.length > 0 ? context : [source]).map(row)];
}

/** Registers that the instruction reads, else the first of all. */
function stateLines({ states, insn, insnText = '' }: VerifierError): string[] {
  const last = states.at(-1);
  if (!last || insn === undefined) return [];
  const read = insnText.replace(/^[rw]\d+ = /, '');
  const number = ([name]: readonly [string, string]) => Number(/\d+/.exec(name)?.[0]);
  const all = Object.entries(last.registers).sort(
    (a, b) => Number(b[0][0] === 'R') - Number(a[0][0] === 'R') || number(a) - number(b),
  );
  const named = all.filter(([name]) => name[0] === 'R' && new RegExp(`\\b[rw]${name.slice(1)}\\b`).test(read));
  return list(
    'known before it:',
    (named.length > 0 ? named : all.slice(0, MOST_STEPS)).map(([name, state]) => `${name} = ${state}`),
  );
}

/** In a loop, from where the instruction was last met: it has a line of its own. */
function wayLines({ path, insn }: VerifierError): string[] {
  const before = path.at(-1)?.insn === insn ? path.slice(0, -1) : path;
  const steps = before.slice(before.findLastIndex((step) => step.insn === insn) + 1).slice(-MOST_STEPS);
  const said = ({ state, note }: PathStep) => ((note ?? state) ? ` ; ${note ?? state}` : '');
  return list(
    'on the way there:',
    steps.map((step) => `${`${step.insn}: ${step.text}`.padEnd(32)}${said(step)}`.trimEnd()),
  );
}

function explained({ explanation: found }: VerifierError): string[] {
  if (!found) return [];
  const { nearest, moved, failed } = found;
  return [
    ...(failed && !failed.differs // else the reason has said how
      ? block('missing:', [`${failed.component}${failed.index === undefined ? '' : ` in ${failed.type}`}`])
      : []),
    ...(nearest.length > 0 ? block('the kernel has:', [nearest.join(', ')]) : []),
    ...(moved.length > 0 ? block('moved to:', [moved.join(', ')]) : []),
  ];
}

const remedyLines = ({ remedy = '' }: VerifierError, columns: number): string[] =>
  remedy
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('The verifier says: '))
    .flatMap((line) => wrapped(line.replaceAll('\t', TAB).replace(/^ {2}/, ''), columns));

/** `  title first` and the other lines under it; nothing of no lines. */
const block = (title: string, [first, ...rest]: readonly string[]): string[] =>
  first === undefined ? [] : [`  ${title} ${first.trimStart()}`, ...rest.map((line) => `    ${line}`)];

const list = (title: string, rows: readonly string[]): string[] =>
  rows.length === 0 ? [] : [`  ${title}`, ...rows.map((row) => `    ${row}`)];
