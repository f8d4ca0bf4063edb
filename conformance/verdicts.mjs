// CO-RE, decision by decision: what libbpf says of each relocation at debug level beside our fixups, told in its words. Every line
// of a relocation has to be there on both sides.

import { sameFailure } from './failures.mjs';
import { ANYTHING, told } from './told.mjs';

/**
 * @param theirs The witness's lines.
 * @param ours   `object` as it was before, `fixups` in the order of the records, the kernel's `modules`, and `failed`: the record
 *               at which it ended, if it did (relocated.mjs).
 * @returns      `differences`, as the other ones, and what was counted.
 */
export function compareVerdicts(theirs, ours) {
  const { records: a, strange } = grouped(theirs);
  const b = told(ours);
  const differences = strange.map((line) => ({ field: 'CO-RE: unknown line', at: '', theirs: line, ours: '' }));
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const found = firstDifference(a.get(key) ?? [], b.get(key) ?? []);
    if (found) differences.push({ field: 'CO-RE verdict', at: key, ...found });
  }
  return { differences, counts: counted(a) };
}

/** Lines by record. */
function grouped(lines) {
  const records = new Map();
  const strange = [];
  const put = (key, line) => records.set(key, [...(records.get(key) ?? []), line]);
  let section = '';
  let pending = [];
  for (const line of lines) {
    const [, of] = /^sec '(.*)': found \d+ CO-RE relocations$/.exec(line) ?? [];
    const [, skipped] = /^sec '.*': skipping CO-RE relocation #(\d+) /.exec(line) ?? [];
    const [, program, number] = /^prog '(.*)': relo #(\d+): (?!poisoning insn)/.exec(line) ?? [];
    if (of !== undefined) section = of;
    if (of !== undefined) put(section, line);
    else if (skipped !== undefined) put(`${section} #${skipped}`, line);
    else if (BEFORE.test(line)) pending.push(line);
    else if (program !== undefined) {
      for (const own of [...pending, line]) put(`${section} #${number} of ${program}`, own);
      pending = [];
    } else if (/CO-RE|\brelo\b(?! #\d+: poisoning insn)|candidate/.test(line) && !ENDED.test(line)) strange.push(line);
  }
  return { records, strange: [...strange, ...pending] };
}
/** Candidates, and what is wrong with a bitfield or an element: both come before a line that has the record's number. */
const BEFORE = /^CO-RE relocating \[|^prog '.*': relo \d+ at insn #\d+ /;
const ENDED = /^failed to perform CO-RE relocations: /;

function firstDifference(theirs, ours) {
  for (let i = 0; i < Math.max(theirs.length, ours.length); i++) {
    const [a, b] = [theirs[i], ours[i]];
    if (typeof b === 'object') return sameFailure(theirs.slice(i), b) ? undefined : { theirs: a ?? '-', ours: b.what };
    if (!isLike(a, b)) return { theirs: a ?? '-', ours: b ?? '-' };
  }
  return undefined;
}

const isLike = (theirs, ours) =>
  theirs === ours || (ours?.endsWith(ANYTHING) && theirs?.startsWith(ours.slice(0, -ANYTHING.length)));

/** Every record is in one of these, by the line that it ends with. */
const OUTCOMES = {
  patched: / patched insn #/,
  poisoned: / substituting insn #/,
  skipped: / skipping CO-RE relocation #/,
};
function counted(records) {
  const counts = { records: 0, patched: 0, poisoned: 0, skipped: 0, failed: 0, matching: 0, 'non-matching': 0, lines: 0 };
  for (const lines of records.values()) {
    counts.lines += lines.length;
    for (const line of lines) {
      if (line.includes(': matching candidate #')) counts.matching++;
      if (line.includes(': non-matching candidate #')) counts['non-matching']++;
    }
    const last = lines.at(-1);
    if (last.endsWith('CO-RE relocations')) continue;
    counts.records++;
    counts[Object.keys(OUTCOMES).find((name) => OUTCOMES[name].test(last)) ?? 'failed']++;
  }
  return counts;
}
