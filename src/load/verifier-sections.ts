// The report that Linux 7.3 adds to a verifier log, after the classic lines and before `processed … insns`. Its shape is that of
// kernel/bpf/diagnostics.c there (commit ce7c9f6c599b); Debian's 7.3.4 writes it so:
//
//   Verification failed: Register Type Safety: Invalid dereference
//   <empty>
//   Reason:
//     text, wrapped at 100 columns and indented by two
//   <empty>
//   At:
//     handle_exec @ a.bpf.c:16:9                   (or `insn 7`, where there is no line_info)
//     Source context:
//     >>> 16 | *value += 1;
//            | ^-- error: invalid dereference
//     Instruction context:
//     >>> 7 | (79) r1 = *(u64 *)(r0 +0)
//   <empty>
//   Causal path:                                   (any number of such places, with an empty line between them)
//   <empty>
//   Suggestion:
//     text

import type { PathStep } from '../errors.js';

export interface LogSections {
  /** The line that the report starts with. */
  readonly start: number;
  /** `Register Type Safety: Invalid dereference`. */
  readonly title: string;
  readonly reason: string;
  readonly insn: number | undefined;
  readonly insnText: string | undefined;
  readonly path: readonly PathStep[];
  readonly suggestion: string;
}

const TITLE = /^\s*Verification failed:\s*(.*)$/;
/** Any heading, so that a section which later kernels add does not run into the one before it. */
const HEADING = /^\s{0,8}(Reason|At|Causal path|Suggestion|[A-Z][a-z]+(?: [a-z]+){0,2}):\s*(.*)$/;
const KNOWN: ReadonlySet<string> = new Set(['Reason', 'At', 'Causal path', 'Suggestion']);
/** Headings inside a place. */
const INNER = /^\s*(?:Source|Instruction) context:\s*$/;

/** The report at the end of a log, wherever its lines are indented; undefined if there is none. */
export function parseSections(lines: readonly string[]): LogSections | undefined {
  const title = lines.findLastIndex((line) => TITLE.test(line));
  const first = title >= 0 ? title : lines.findLastIndex((line) => /^\s*Reason:/.test(line));
  if (first < 0) return undefined;
  const bodies = new Map<string, string[]>();
  let body: string[] | undefined;
  for (const line of lines.slice(title >= 0 ? title + 1 : first)) {
    const isOutside = /^\S/.test(line);
    const heading = INNER.test(line) ? null : HEADING.exec(line);
    if (heading && (KNOWN.has(heading[1] as string) || (isOutside && heading[2] === ''))) {
      body = heading[2] ? [heading[2]] : [];
      bodies.set(heading[1] as string, body);
    } else if (isOutside)
      break; // `processed 7 insns`, or what the verifier had left to say
    else body?.push(line);
  }
  const text = (name: string) => prose(bodies.get(name) ?? []);
  const at = placeOf(bodies.get('At') ?? []);
  return {
    start: first,
    title: TITLE.exec(lines[first] ?? '')?.[1] ?? '',
    reason: text('Reason'),
    insn: at?.insn,
    insnText: at?.text || undefined,
    path: placesOf(bodies.get('Causal path') ?? []).flatMap((place) => placeOf(place) ?? []),
    suggestion: text('Suggestion'),
  };
}

/** Wrapped lines as one. */
const prose = (body: readonly string[]): string =>
  body
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');

function placesOf(body: readonly string[]): string[][] {
  const places: string[][] = [[]];
  for (const line of body) {
    if (line.trim() === '') places.push([]);
    else places.at(-1)?.push(line);
  }
  return places.filter((place) => place.length > 0);
}

/** One place: where, what is said of it, and its instruction. */
function placeOf(body: readonly string[]): PathStep | undefined {
  const [head = ''] = body;
  const plain = /^\s*insn (\d+)/.exec(head)?.[1];
  const inInsns = body.findIndex((line) => /^\s*Instruction context:/.test(line));
  const marked = body
    .slice(inInsns + 1)
    .map((line) => /^\s*>>>\s*(\d+) \| (?:\([0-9a-f]{2}\) )?(.*)$/.exec(line))
    .find((found) => found && inInsns >= 0);
  const insn = marked?.[1] ?? plain;
  if (insn === undefined) return undefined;
  const text = body.slice(0, inInsns < 0 ? undefined : inInsns);
  const line = text.map((row) => /^\s*>>>\s*\d+ \| (.*)$/.exec(row)?.[1]).find((found) => found !== undefined);
  const place = plain === undefined ? head.trim().replace(/^.* @ /, '') : '';
  const from = text.findIndex((row) => /\| \s*\^-- /.test(row));
  const note = from < 0 ? '' : annotation(text.slice(from));
  return {
    insn: Number(insn),
    text: marked?.[2] ?? '',
    ...(place && { source: line ? `${place}: ${line.trim()}` : place }),
    ...(note && { note }),
  };
}

/** `| ^-- error: text`, and the lines that go on with it. */
function annotation(lines: readonly string[]): string {
  const [first = '', ...rest] = lines;
  const end = rest.findIndex((line) => !/^\s*\|\s/.test(line));
  return prose([
    first.replace(/^.*\^-- /, ''),
    ...rest.slice(0, end < 0 ? undefined : end).map((line) => line.replace(/^\s*\|/, '')),
  ]);
}
