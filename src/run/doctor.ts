// The doctor's report as text and as JSON.

import type { Diagnosis, Row, State } from '../doctor/index.js';

const WIDTH = 100;
const INDENT = 10;
const TITLES: Readonly<Record<Row['group'], string>> = {
  kernel: 'Kernel',
  rights: 'Rights',
  confinement: 'What stands in between',
  sysctls: 'Sysctls and limits',
  configuration: 'What the kernel was built with',
  types: 'Types',
  mounts: 'File systems',
  hooks: 'Hooks: programs that do nothing were loaded, and attached where that touches nobody',
};
const same = (rows: readonly Row[]): readonly Row[] => rows;
/** Where many rows say much the same. */
const SHORTER: Readonly<Partial<Record<Row['group'], typeof same>>> = { configuration: summed, hooks: merged };

/** A page: a section for each group, a line for each row, and under it what a row that is not well means and what mends it. */
export function doctorText({ rows, hooks, count }: Diagnosis): string {
  const all: readonly Row[] = [...rows, ...hooks];
  const groups = [...new Set(all.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const members = all.filter((row) => row.group === group);
    return `${TITLES[group]}\n${(SHORTER[group] ?? same)(members).map(rowText).join('')}\n`;
  });
  return `${sections.join('')}${verdict(count)}\n`;
}

/** Rows that differ by their title alone are told in one. */
function merged(rows: readonly Row[]): readonly Row[] {
  const byWords = new Map<string, Row>();
  for (const row of rows) {
    const key = [row.state, row.found, row.means, row.mend].join('\n');
    const first = byWords.get(key);
    byWords.set(key, first ? { ...first, title: `${first.title}, ${row.title}` } : row);
  }
  return [...byWords.values()];
}

/** All that are well in one. */
function summed(rows: readonly Row[]): readonly Row[] {
  const well = rows.filter(({ state, id }) => state === 'ok' && id !== 'config.file');
  const others = rows.filter((row) => !well.includes(row));
  const [first] = well;
  return first
    ? [...others, { ...first, title: 'settings', found: `${well.length} of ${rows.length - 1} as BPF wants them` }]
    : others;
}

function rowText({ state, title, found, where, means, mend, group }: Row): string {
  const place = where !== undefined && group !== 'hooks' && state !== 'ok' ? ` (${where})` : '';
  const head = `  ${state.padEnd(8)}${title}: ${found}${place}`;
  const mends = mend && state !== 'ok' ? `Mend: ${mend}` : undefined;
  const brief = means && !mends ? `${head}. ${means}` : undefined;
  const lines =
    brief && brief.length <= WIDTH
      ? [brief]
      : [head, ...[means, mends].flatMap((text) => (text ? [`${' '.repeat(INDENT + 2)}${text}`] : []))];
  return lines
    .flatMap((line) => wrapped(line, INDENT + 2))
    .map((line) => `${line}\n`)
    .join('');
}

/** Broken at blanks; further lines are indented. */
function wrapped(text: string, indent: number): string[] {
  if (text.length <= WIDTH) return [text];
  const at = text.lastIndexOf(' ', WIDTH);
  if (at <= indent) return [text];
  return [text.slice(0, at), ...wrapped(' '.repeat(indent) + text.slice(at + 1), indent)];
}

const some = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

function verdict({ ok, warning, problem, unknown }: Readonly<Record<State, number>>): string {
  const rest = `${some(warning, 'warning')}, ${unknown} unknown, ${ok} ok`;
  return problem === 0 ? `No problems; ${rest}.` : `${some(problem, 'problem')}; ${rest}.`;
}

/** `{ ok, count, checks, hooks }`: rows as they are, each with its id, state and words; hooks with the answers for each part. */
export const doctorJson = ({ rows, hooks, count }: Diagnosis): Record<string, unknown> => ({
  ok: count.problem === 0,
  count,
  checks: rows,
  hooks: hooks.map(({ parts, where: what, ...row }) => ({ ...row, what, parts: parts.map(({ hook: _, ...part }) => part) })),
});
