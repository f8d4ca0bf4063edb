// The matrix object x kernel as text: a row for each object, and for each program where they differ; what is behind a cell stands below.

import { printable } from '../bytes/index.js';
import { CANNOT_KNOW, type CheckVerdict, type ExternCheck, type Finding, type ObjectCheck, verdictOf } from '../check/index.js';
import type { BpfError } from '../errors.js';
import { type CheckedObject, overall } from './check.js';
import { cut, externText } from './extern-text.js';
import { openLines } from './open-lines.js';
import { type Look, type Paint, wrap } from './paint.js';

interface Row {
  readonly label: string;
  /** One for each kernel. */
  readonly cells: readonly Cell[];
}

interface Cell {
  readonly text: string;
  readonly verdict: CheckVerdict;
}

const LONGEST_LABEL = 40;
const GAP = 2;

type Named = CheckedObject & { readonly name: string };

/** The last part of each path, and as many before it as tell it from the others. */
function shortNames(paths: readonly string[]): string[] {
  const last = (path: string, count: number): string => path.split('/').slice(-count).join('/');
  return paths.map((path) => {
    const others = paths.filter((other) => other !== path);
    const most = path.split('/').length;
    let count = 1;
    while (count < most && others.some((other) => last(other, count) === last(path, count))) count++;
    return last(path, count);
  });
}

export function checkText(kernels: readonly string[], objects: readonly CheckedObject[], look: Look): string {
  const names = shortNames(objects.map(({ file }) => file));
  const named = objects.map((object, i): Named => ({ ...object, name: names[i] as string }));
  const rows = named.flatMap((object) => rowsOf(object, kernels.length));
  const all = named.flatMap(detailsOf);
  const sections = [
    matrix(kernels, rows, look),
    ...externTables(kernels, named, look),
    ...objects.flatMap(({ file, error }) => (error ? [['', ...unopened(file, error, look.width)]] : [])),
    details(
      'RED',
      all.filter(({ finding }) => finding.verdict === 'red'),
      look,
    ),
    details(
      'NOT KNOWN',
      all.filter(({ finding }) => finding.verdict === 'unknown'),
      look,
    ),
    notGiven(objects, look),
    ['', ...CANNOT_KNOW.flatMap((text) => wrap(text, look.width)).map(look.paint.dim)],
    ['', summary(objects, look.paint)],
  ];
  return `${sections.flat().join('\n')}\n`;
}

/** Why it cannot be opened, and what to do: the file is named once. */
function unopened(file: string, { what, where, remedy }: BpfError, width: number): string[] {
  const places = Object.entries(where).flatMap(([key, value]) =>
    value === undefined || value === file ? [] : [`${key} ${value}`],
  );
  const head = `${what.includes(file) ? '' : `${file}: `}${what}${places.length > 0 ? ` (${places.join(', ')})` : ''}`;
  const advice = remedy === undefined ? [] : remedy.split('\n');
  return [...wrap(printable(head), width, '', '  '), ...advice.flatMap((line) => wrap(printable(line), width, '  ', '    '))];
}

/** One row for an object that is the same whatever the program. */
function rowsOf({ name, checks, error, off = 0 }: Named, kernels: number): Row[] {
  if (error) return [{ label: name, cells: Array.from({ length: kernels }, () => cellOf([OPENING])) }];
  const programs = checks[0]?.programs ?? [];
  const whole: Row = {
    label: `${name} (${programs.length} program${programs.length === 1 ? '' : 's'}${off > 0 ? `, ${off} off` : ''})`,
    cells: checks.map((check) => cellOf(everything(check))),
  };
  if (checks.every(({ verdict }) => verdict === 'ok')) return [whole];
  const own = checks.map(({ findings }) => findings);
  return [
    whole,
    ...(own.some((findings) => findings.length > 0) ? [{ label: '  (maps and externs)', cells: own.map(cellOf) }] : []),
    ...programs.map(
      ({ program }, i): Row => ({
        label: `  ${program}`,
        cells: checks.map(({ programs: all }) => cellOf(all[i]?.findings ?? [])),
      }),
    ),
  ];
}

const OPENING: Finding = { concern: 'type', verdict: 'red', stage: 'load', what: 'it cannot be opened' };

const everything = ({ findings, programs }: ObjectCheck): Finding[] => [...findings, ...programs.flatMap((one) => one.findings)];

const WORDS: Readonly<Record<CheckVerdict, string>> = { ok: 'ok', unknown: '?', red: 'RED' };
const CONCERN_WORDS: Readonly<Partial<Record<Finding['concern'], string>>> = {
  instructions: 'insns',
  relocations: 'CO-RE',
  helpers: 'helper',
  symbols: 'symbol',
  settings: 'config',
  maps: 'map',
};

/** `RED helper+1`: the verdict, the first concern that has it, and how many others do. */
function cellText(findings: readonly Finding[]): string {
  const verdict = verdictOf(findings);
  const concerns = [...new Set(findings.filter((finding) => finding.verdict === verdict).map(({ concern }) => concern))];
  const [first] = concerns;
  if (first === undefined) return WORDS.ok;
  if (findings[0] === OPENING) return 'RED opening';
  return `${WORDS[verdict]} ${CONCERN_WORDS[first] ?? first}${concerns.length > 1 ? `+${concerns.length - 1}` : ''}`;
}

const COLOURS: Readonly<Record<CheckVerdict, keyof Paint>> = { ok: 'green', unknown: 'yellow', red: 'red' };

const cellOf = (findings: readonly Finding[]): Cell => ({ text: cellText(findings), verdict: verdictOf(findings) });

/** What externs come to: values of settings, and where symbols are. */
function externTables(kernels: readonly string[], objects: readonly Named[], look: Look): string[][] {
  return objects.flatMap(({ name: object, checks }) => {
    const rows = (checks[0]?.externs ?? []).map(
      ({ name, weak }, i): Row => ({
        label: `  ${name}${weak ? ' (weak)' : ''}`,
        cells: checks.map(({ externs }) => externCell(externs[i])),
      }),
    );
    if (rows.length === 0) return [];
    return [['', look.paint.bold(`EXTERNS of ${object}`)], matrix(kernels, rows, look)];
  });
}

function externCell(extern: ExternCheck | undefined): Cell {
  if (!extern) return { text: '', verdict: 'ok' };
  return { text: externText(extern), verdict: extern.found === undefined ? 'unknown' : extern.verdict };
}

function notGiven(objects: readonly CheckedObject[], look: Look): string[] {
  const lines = openLines(
    objects.flatMap(({ checks }) => checks),
    look.width,
  );
  return lines.length === 0 ? [] : ['', look.paint.bold('NOT GIVEN'), ...lines];
}

/** As many kernels beside each other as fit; the others follow below. */
function matrix(kernels: readonly string[], rows: readonly Row[], { width, paint }: Look): string[] {
  const texts = rows.map(({ cells }) => cells.map(({ text }) => text));
  const labels = rows.map(({ label }) => cut(printable(label), LONGEST_LABEL));
  const first = Math.max(0, ...labels.map(({ length }) => length)) + GAP;
  const names = kernels.map((name) => cut(printable(name), LONGEST_LABEL));
  const widths = names.map((name, i) => Math.max(name.length, ...texts.map((row) => (row[i] ?? '').length)) + GAP);
  const lines: string[] = [];
  for (let from = 0; from < kernels.length; ) {
    let to = from;
    for (let used = first; to < kernels.length && (to === from || used + (widths[to] as number) <= width); to++)
      used += widths[to] as number;
    const columns = Array.from({ length: to - from }, (_, i) => from + i);
    const line = (head: string, cells: readonly string[]): string => `${head}${cells.join('')}`.trimEnd();
    if (from > 0) lines.push('');
    lines.push(
      paint.bold(
        line(
          ' '.repeat(first),
          columns.map((i) => (names[i] as string).padEnd(widths[i] as number)),
        ),
      ),
    );
    for (const [r, row] of rows.entries()) {
      const cells = columns.map((i) => {
        const text = texts[r]?.[i] ?? '';
        const colour = COLOURS[row.cells[i]?.verdict ?? 'ok'];
        return `${paint[colour](text)}${' '.repeat((widths[i] as number) - text.length)}`;
      });
      lines.push(line((labels[r] as string).padEnd(first), cells));
    }
    from = to;
  }
  return lines;
}

interface Detail {
  readonly object: string;
  readonly finding: Finding;
  readonly kernels: readonly string[];
  /** Programs, each with the line of C where it has one. */
  readonly places: readonly string[];
  /** What to do, with the kernels where it is that. */
  readonly remedies: readonly (readonly [advice: string, kernels: readonly string[]])[];
}

/** The same finding of several programs, or on several kernels, is told once. */
function detailsOf({ name, checks }: Named): Detail[] {
  const found = new Map<
    string,
    { finding: Finding; kernels: Set<string>; places: Set<string>; remedies: Map<string, Set<string>> }
  >();
  const add = (kernel: string, finding: Finding, program?: string): void => {
    const key = `${finding.verdict} ${finding.concern} ${finding.what}`;
    const known = found.get(key) ?? { finding, kernels: new Set(), places: new Set(), remedies: new Map() };
    found.set(key, known);
    known.kernels.add(kernel);
    const advice = adviceOf(finding);
    known.remedies.set(advice, (known.remedies.get(advice) ?? new Set()).add(kernel));
    if (program !== undefined) known.places.add(`${program}${placeOf(finding)}`);
  };
  for (const { kernel, findings, programs } of checks) {
    for (const finding of findings) add(kernel, finding);
    for (const one of programs) for (const finding of one.findings) add(kernel, finding, one.program);
  }
  return [...found.values()].map(({ finding, kernels, places, remedies }) => ({
    object: name,
    finding,
    kernels: [...kernels],
    places: [...places],
    remedies: [...remedies].map(([advice, where]) => [advice, [...where]] as const),
  }));
}

const placeOf = ({ source }: Finding): string => (source ? ` at ${source.file}:${source.line}: ${source.text.trim()}` : '');

/** What the kernel has in place of what is missing, and what to write. */
const adviceOf = ({ explanation, remedy }: Finding): string =>
  [
    ...(explanation && explanation.nearest.length > 0 ? [`the kernel has: ${explanation.nearest.join(', ')}`] : []),
    ...(explanation && explanation.moved.length > 0 ? [`moved to: ${explanation.moved.join(', ')}`] : []),
    ...(remedy === undefined ? [] : [remedy]),
  ].join('\n');

const MOST_PLACES = 5;

function details(title: string, found: readonly Detail[], { width, paint }: Look): string[] {
  if (found.length === 0) return [];
  const lines = ['', paint.bold(title)];
  for (const { object, finding, kernels, places, remedies } of found) {
    const { what, since, stage } = finding;
    const when = stage === 'attach' ? ', when it is attached' : '';
    lines.push('', ...wrap(`${object} on ${kernels.join(', ')}${when}`, width, '', '  '));
    lines.push(...wrap(`${what}${since === undefined ? '' : ` (since ${since})`}`, width, '  ', '    '));
    for (const place of places.slice(0, MOST_PLACES)) lines.push(...wrap(`in ${place}`, width, '    ', '      '));
    if (places.length > MOST_PLACES) lines.push(`    and ${places.length - MOST_PLACES} more`);
    for (const [advice, where] of remedies) {
      if (advice === '') continue;
      if (remedies.length > 1) lines.push(...wrap(`on ${where.join(', ')}:`, width, '    '));
      for (const line of advice.split('\n')) lines.push(...wrap(line, width, '    ', '      '));
    }
  }
  return lines;
}

function summary(objects: readonly CheckedObject[], paint: Paint): string {
  const verdicts = objects.flatMap(({ checks }) => checks.map(({ verdict }) => verdict));
  const count = (wanted: CheckVerdict): number => verdicts.filter((verdict) => verdict === wanted).length;
  const broken = objects.filter(({ error }) => error).length;
  const text = [
    `${count('ok')} ok`,
    `${count('red')} red`,
    `${count('unknown')} not known`,
    ...(broken > 0 ? [`${broken} not opened`] : []),
  ].join(', ');
  return paint[COLOURS[overall(objects)]](text);
}
