// A share of a campaign, in a process of its own: cases `from` to `to`. One JSON object per line on standard output; the number of the
// case at hand stands in a file, so that whoever waits knows which one hangs, or took the process with it.

import { openSync, writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import type { Drawn } from './campaign.js';
import { objectCampaign } from './objects.js';
import { Random } from './random.js';
import { readerCampaign } from './readers.js';
import { writeSamples } from './samples.js';
import { diverse } from './seeds.js';
import { Failed } from './stages.js';

/** What a case may take. The time is the processor's, of the fastest of three runs, because others use the machine too. */
const MOST_MILLISECONDS = 2000;
const MOST_BYTES = 256 * 1024 * 1024;
const TRIES = 3;

interface Work {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  readonly files: readonly string[];
  /** Only says which objects of these folders a campaign takes. Done apart, because reading them all takes memory. */
  readonly choose?: { readonly corpus: readonly string[]; readonly most: number };
  readonly logs: string;
  /** Other readers of foreign bytes, in place of objects. */
  readonly readers: boolean;
  /** Real answers of rtnetlink. */
  readonly captures: string;
  /** A folder with samples of this machine; none if not given. */
  readonly samples?: string;
  /** Only fills that folder. */
  readonly gather?: string;
  /** Where a case may write files. */
  readonly scratch: string;
  readonly progress: string;
  readonly only: string | undefined;
}

const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

const work = JSON.parse(process.argv[2] ?? '{}') as Work;
if (work.choose) {
  say({ kind: 'chosen', files: diverse(work.files, work.choose.corpus, work.choose.most) });
  process.exit();
}
if (work.gather !== undefined) {
  writeSamples(work.gather);
  say({ kind: 'gathered' });
  process.exit();
}
const campaign = work.readers ? readerCampaign(work) : objectCampaign(work);
say({ kind: 'start', digest: campaign.digest });

const held = (): number => {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
};

interface Result {
  readonly outcome: string;
  readonly milliseconds: number;
  readonly bytes: number;
  readonly stage?: string;
  readonly stack?: string;
}

function attempt({ run }: Drawn): Result {
  const before = held();
  const start = process.cpuUsage();
  const took = () => {
    const { user, system } = process.cpuUsage(start);
    return { milliseconds: (user + system) / 1000, bytes: held() - before };
  };
  try {
    const outcome = run();
    return { outcome, ...took() };
  } catch (error) {
    const { stage, cause } = error instanceof Failed ? error : { stage: 'unknown', cause: error };
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    return { outcome: 'FAILED', ...took(), stage, stack };
  }
}

function verdict(drawn: Drawn): Result {
  let best = attempt(drawn);
  for (let i = 1; i < TRIES && best.milliseconds > MOST_MILLISECONDS; i++) {
    const again = attempt(drawn);
    if (again.milliseconds < best.milliseconds) best = again;
  }
  if (best.outcome === 'FAILED') return best;
  if (best.milliseconds > MOST_MILLISECONDS)
    return { ...best, outcome: 'FAILED', stage: 'time', stack: `took ${Math.round(best.milliseconds)} ms (${best.outcome})` };
  if (best.bytes > MOST_BYTES)
    return {
      ...best,
      outcome: 'FAILED',
      stage: 'memory',
      stack: `took ${Math.round(best.bytes / 2 ** 20)} MiB (${best.outcome})`,
    };
  return best;
}

const counts = new Map<string, number>();
const slowest: { number: number; milliseconds: number; seed: string; notes: readonly string[] }[] = [];
const progress = openSync(work.progress, 'w');
const mark = Buffer.alloc(8);
let peak = process.resourceUsage().maxRSS;
let saidAt = performance.now();

const report = (kind: string, done: number): void => {
  say({ kind, done, counts: [...counts], peak: process.resourceUsage().maxRSS * 1024, slowest });
  counts.clear();
  slowest.length = 0;
};

for (let number = work.from; number < work.to; number++) {
  mark.writeDoubleLE(number);
  writeSync(progress, mark, 0, 8, 0);
  // Everything about a case follows from its number and the campaign's seed.
  const drawn = campaign.draw(new Random(work.seed, number));
  const { name, notes } = drawn;
  if (work.only !== undefined) say({ kind: 'case', number, name, notes });
  const result = verdict(drawn);
  const key = `${name}\0${result.outcome}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
  const look = result.milliseconds > 5 || number % 8 === 0; // which costs as much as a small case
  const now = look ? process.resourceUsage().maxRSS : peak;
  if (result.outcome === 'FAILED')
    say({ kind: 'failure', number, name, notes, stage: result.stage, stack: result.stack, file: base64(drawn.input) });
  if (now * 1024 > MOST_BYTES && peak * 1024 <= MOST_BYTES)
    say({
      kind: 'failure',
      number,
      name,
      notes,
      stage: 'RSS',
      stack: `the process has ${now >> 10} MiB, ${peak >> 10} before`,
      file: base64(drawn.input),
    });
  peak = now;
  if (result.milliseconds > 200) slowest.push({ number, milliseconds: Math.round(result.milliseconds), seed: name, notes });
  if (performance.now() - saidAt > 1000) {
    report('progress', number + 1);
    saidAt = performance.now();
  }
}
report('end', work.to);

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
