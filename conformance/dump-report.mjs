// What the comparison of printed types came to, in words.

import { table } from './table.mjs';

/** For the terminal. */
export const dumpSummary = ({ version, rows, different, headers }) => [
  ...Object.values(byKind(rows)).map(
    ({ kind, files, same, refused, bytes }) =>
      `${kind}: ${files} dumps, ${same} as bpftool ${version} has them (${bytes} bytes), refused by both ${refused}, different ${files - same - refused}`,
  ),
  ...different.map(({ file, format, detail }) => `DIFFERENT ${format} ${file}: ${detail}`),
  ...headers.map(({ kernel, problem }) => `header of ${kernel}: ${problem ? `does not compile: ${problem}` : 'compiles'}`),
];

/** Of the page. */
export const dumpSection = ({ version, rows, different, headers }) => `## Types, printed

\`tsbpf btf dump\` beside bpftool ${version}, the newest that Debian has: as C, as C in the order of ids, raw, as JSON and as JSON for people. The types are
those of the kernels, of modules with their kernel's types as base (25 of each kernel from 6.1 on, before that they have none; C of every
fifth, as it repeats the kernel's), and of all objects.

${table(
  ['types of', 'format', 'dumps:', 'the same bytes:', 'refused by both:', 'different:', 'bytes:'],
  Object.values(byKind(rows)).map(({ kind, format, files, same, refused, bytes }) => [
    kind.replace(/:.*/, ''),
    format,
    files,
    same,
    refused,
    files - same - refused,
    bytes,
  ]),
)}

*refused by both*: the file has no types.${different.map(({ file, format, detail }) => `\n- ${format}, ${file}: ${detail}`).join('')}

A program that includes all of a kernel's types as C compiles with clang 19: ${headers
  .map(({ kernel, problem }) => `${kernel} ${problem ? 'no' : 'yes'}`)
  .join(', ')}.
`;

/** All kernels together, all modules, all objects; for each format. */
function byKind(rows) {
  const found = {};
  for (const { group, format, ...counts } of rows) {
    const of = /^(kernel|modules)(?= )/.exec(group)?.[0] ?? 'objects';
    const kind = `${of === 'kernel' ? 'kernels' : of}: ${format}`;
    const line = found[kind] ?? { kind, format, files: 0, same: 0, refused: 0, bytes: 0 };
    for (const name of ['files', 'same', 'refused', 'bytes']) line[name] += counts[name];
    found[kind] = line;
  }
  return found;
}
