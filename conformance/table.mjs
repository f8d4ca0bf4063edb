/** A table in Markdown. Columns whose heading ends with a colon are numbers. */
export const table = (head, rows) =>
  [head, head.map((name) => (name.endsWith(':') ? '---:' : '---')), ...rows]
    .map(
      (cells, i) =>
        `| ${cells.map((cell) => (i === 0 ? cell.replace(/:$/, '') : `${cell}`.replaceAll('|', '\\|'))).join(' | ')} |`,
    )
    .join('\n');
