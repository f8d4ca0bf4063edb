// "Did you mean …?"

/** The candidate with the fewest edits from `name`, if it is near enough to be meant. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length / 2)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= least) continue; // so many edits at least: a kernel has 60,000 candidates
    const distance = editDistance(name, candidate, least);
    if (distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** A bound on the work that suggestions may cause together: comparing two words takes a step for each pair of their letters. */
export class Patience {
  #left: number;

  constructor(steps = 20_000_000) {
    this.#left = steps;
  }
  get isGone(): boolean {
    return this.#left < 0;
  }
  spend(steps: number): void {
    this.#left -= steps;
  }
}

/**
 * The candidates most like `name`: those that start with it or that it starts with (kernels rename `i_atime` to `i_atime_sec`), then
 * those with few edits.
 */
export function nearestFew(name: string, candidates: Iterable<string>, { most = 3, patience = new Patience() } = {}): string[] {
  const ranked: { candidate: string; rank: number }[] = [];
  const allowed = Math.max(1, Math.floor(name.length / 3));
  for (const candidate of new Set(candidates)) {
    if (candidate === '' || candidate === name) continue;
    if (patience.isGone) break;
    patience.spend(1);
    if (isExtended(name, candidate)) ranked.push({ candidate, rank: Math.abs(candidate.length - name.length) / 1000 });
    else if (Math.abs(candidate.length - name.length) <= allowed) {
      patience.spend(name.length * candidate.length);
      const distance = editDistance(name, candidate, allowed + 1);
      if (distance <= allowed && distance < Math.max(name.length, candidate.length)) ranked.push({ candidate, rank: distance });
    }
  }
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** One is the other with a word before or after it: `__state` and `state`, `i_atime` and `i_atime_sec`. */
export function isExtended(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short.length < 3) return false;
  return (
    (long.startsWith(short) && long[short.length] === '_') ||
    (long.endsWith(short) && long[long.length - short.length - 1] === '_')
  );
}

/** Insertions, deletions and replacements between two words (Levenshtein), one row at a time; `most` if there are as many or more. */
function editDistance(a: string, b: string, most: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  let next = row.slice();
  for (let i = 1; i <= a.length; i++) {
    let [left, least] = [i, i];
    next[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] as number) + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      left = Math.min(replace, (row[j] as number) + 1, left + 1);
      next[j] = left;
      if (left < least) least = left;
    }
    if (least >= most) return most; // no later row has fewer
    [row, next] = [next, row];
  }
  return Math.min(row[b.length] as number, most);
}
