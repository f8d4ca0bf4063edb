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

let before = new Uint16Array(64);
let row = new Uint16Array(64);

/**
 * Insertions, deletions and replacements between two words (Levenshtein), one row at a time; `limit` or more where it is at least
 * that. A kernel has 60,000 names, of which most differ from the start.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (before.length <= b.length) {
    before = new Uint16Array(2 * b.length);
    row = new Uint16Array(2 * b.length);
  }
  for (let j = 0; j <= b.length; j++) before[j] = j;
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    let least = i;
    const letter = a.charCodeAt(i - 1);
    for (let j = 1; j <= b.length; j++) {
      const replace = (before[j - 1] as number) + (letter === b.charCodeAt(j - 1) ? 0 : 1);
      const other = Math.min(before[j] as number, row[j - 1] as number) + 1;
      const steps = replace < other ? replace : other;
      row[j] = steps;
      if (steps < least) least = steps;
    }
    if (least >= limit) return limit;
    [before, row] = [row, before];
  }
  return before[b.length] as number;
}
