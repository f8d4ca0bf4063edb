// Results as text.

import { cpus, loadavg, release, totalmem } from 'node:os';

export const describeMachine = () =>
  `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, ${process.arch}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}, load average ${loadavg()[0].toFixed(2)} at the start`;

const HEAD = ['', 'tsbpf', 'libbpf C', 'ratio', 'target', ''];
const number = (value, unit) => (value === undefined ? '' : `${value.toPrecision(3)} ${unit}`);
const digits = (value) => (value === undefined ? '' : value.toFixed(2));

/** A table that is Markdown as well. */
export function showTable(results) {
  const rows = results.map(({ part, name, unit, tsbpf, libbpf, ratio, target, met }) => [
    `(${part}) ${name}`,
    number(tsbpf, unit),
    number(libbpf, unit),
    digits(ratio),
    target ?? '',
    met === undefined ? '' : met ? 'met' : 'NOT MET',
  ]);
  const widths = HEAD.map((title, i) => Math.max(3, title.length, ...rows.map((cells) => cells[i].length)));
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(HEAD), rule, ...rows.map(line)].join('\n');
}
