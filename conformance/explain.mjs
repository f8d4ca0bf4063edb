// Why a row is not "the same": by the list of known differences, or a name for the class that it is in.

import { KNOWN } from './known-differences.mjs';

export const AGREE = ['same', 'both refuse'];

/** @returns For each thing that differs in a row: `{ reason, known, detail }`. */
export function explain(object, row) {
  if (AGREE.includes(row.verdict)) return [];
  const things =
    row.verdict === 'different'
      ? row.differences.map((found) => ({ ...found, detail: `${found.field} ${found.at}: ${found.theirs} | ${found.ours}` }))
      : row.verdict === 'libbpf alone refuses'
        ? [{ theirs: row.theirs, detail: row.theirs }]
        : [{ ours: saying(row.ours), detail: saying(row.ours) }];
  return things.map((thing) => {
    const known = KNOWN.find((candidate) => fits(candidate, object, row, thing));
    return { known: known !== undefined, reason: known?.reason ?? classOf(row, thing), detail: thing.detail };
  });
}

const saying = ({ name, what, errno }) => `${name}: ${what}${errno ? ` ${errno}` : ''}`;

const fits = (known, object, row, thing) =>
  known.verdict === row.verdict &&
  [
    [known.object, object.name],
    [known.source, object.source],
    [known.kernel, row.kernel],
    [known.field, thing.field],
    [known.at, thing.at],
    [known.theirs, thing.theirs],
    [known.ours, thing.ours],
  ].every(([pattern, text]) => pattern === undefined || new RegExp(pattern).test(text ?? ''));

/** Names and numbers go, so that what is alike counts as one. */
function classOf({ verdict }, { field, theirs, ours }) {
  if (verdict === 'different') return `different: ${field}${field === 'errno' ? ` ${theirs} | ${ours}` : ''}`;
  const plain = (theirs ?? ours)
    .split('\n')[0]
    .replace(/'[^']*'|"[^"]*"/g, '…')
    .replace(/\b(Map|Program|Extern|Function|Call of|Variable|Field|Reference to|function|variable) [^\s:,]+/g, '$1 …')
    .replace(/(map|prog|program|struct|extern \(\w+ \w+\)|relo #)\s?…/g, '$1 …')
    .replace(/-?\b(0x[0-9a-f]+|\d+)\b/g, 'N')
    .replace(/\bof \.\w[\w.]*/g, 'of …')
    .trim();
  return `${verdict}: ${plain.slice(0, 110)}`;
}
