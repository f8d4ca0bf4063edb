// A share of a campaign, in a process of its own: cases `from` to `to`. One JSON object per line on standard output; the number of the
// case at hand stands in a file, so that whoever waits knows which one hangs, or took the process with it.

import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { describeFacts, FEATURES, type FeatureName, type KernelFacts } from '../src/plan/index.js';
import { mutated, mutatedBtf, mutatedLog } from './mutate.js';
import { type Case, exercise, Failed } from './pipeline.js';
import { Random } from './random.js';
import { digestOf, diverse, parsedKernel, readSeeds, type Seed } from './seeds.js';

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
  readonly progress: string;
  readonly only: string | undefined;
}

const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

const work = JSON.parse(process.argv[2] ?? '{}') as Work;
if (work.choose) {
  say({ kind: 'chosen', files: diverse(work.files, work.choose.corpus, work.choose.most) });
  process.exit();
}
const all = readSeeds(work.files);
const kernels = all.map(({ kernel }) => parsedKernel(kernel));
const logs = readdirSync(work.logs)
  .filter((name) => name.endsWith('.log'))
  .sort()
  .map((name) => readFileSync(`${work.logs}/${name}`, 'utf8'));
say({ kind: 'start', digest: digestOf(all), seeds: all.map(({ name }) => name), rss: process.memoryUsage().rss });

/** Everything about a case follows from its number and the campaign's seed. */
function caseOf(number: number): { readonly seed: Seed; readonly notes: string[]; readonly made: Case } {
  const random = new Random(work.seed, number);
  const index = random.below(all.length);
  const seed = all[index] as Seed;
  const notes: string[] = [];
  const bytes = random.chance(0.02) ? seed.layout.bytes : mutated(seed.layout, random, notes);
  const near = all[index + random.pick([-2, -1, 1, 2])] ?? seed; // other files of the same program
  const linked = random.chance(seed.opens ? 0.06 : 0.7) ? random.pick([near, near, random.pick(all)]) : undefined;
  const other = linked && (random.chance(0.3) ? mutated(linked.layout, random, notes) : linked.layout.bytes);
  return {
    seed,
    notes,
    made: {
      bytes,
      other,
      facts: factsFor(seed, random.chance(0.8) ? index : random.below(all.length), random),
      otherKernel: random.chance(0.06) ? mutatedBtf(seed.kernel, random, notes) : undefined,
      log: random.chance(0.03) ? mutatedLog(random.pick(logs), random.pick(logs), random, notes) : undefined,
      inspect: random.chance(0.1),
      dedup: random.chance(0.1),
    },
  };
}

const KCONFIG = 'CONFIG_HZ=250\nCONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_NONE="x"\nCONFIG_ODD=m\n';

function factsFor({ tracepoints, symbols }: Seed, kernel: number, random: Random): KernelFacts {
  const names = Object.keys(FEATURES) as FeatureName[];
  const old = random.chance(0.2);
  return describeFacts({
    possibleCpus: 2,
    kernelBtf: random.chance(0.02) ? undefined : kernels[kernel],
    tracepointIds: new Map(tracepoints.map((name, i) => [name, i + 1])),
    kconfig: { file: 'config', text: KCONFIG },
    kallsyms: new Map(symbols.map((name, i) => [name, [0xffffffff81000000n + BigInt(i)]])),
    features: new Map(names.map((name) => [name, !old || random.chance(0.5)])),
  });
}

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

function attempt(made: Case): Result {
  const before = held();
  const start = process.cpuUsage();
  const took = () => {
    const { user, system } = process.cpuUsage(start);
    return { milliseconds: (user + system) / 1000, bytes: held() - before };
  };
  try {
    const outcome = exercise(made);
    return { outcome, ...took() };
  } catch (error) {
    const { stage, cause } = error instanceof Failed ? error : { stage: 'unknown', cause: error };
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    return { outcome: 'FAILED', ...took(), stage, stack };
  }
}

function verdict(made: Case): Result {
  let best = attempt(made);
  for (let i = 1; i < TRIES && best.milliseconds > MOST_MILLISECONDS; i++) {
    const again = attempt(made);
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
const slowest: { number: number; milliseconds: number; seed: string; notes: string[] }[] = [];
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
  const { seed, notes, made } = caseOf(number);
  if (work.only !== undefined) say({ kind: 'case', number, name: seed.name, notes });
  const result = verdict(made);
  const key = `${seed.name}\0${result.outcome}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
  const look = result.milliseconds > 5 || number % 8 === 0; // which costs as much as a small case
  const now = look ? process.resourceUsage().maxRSS : peak;
  if (result.outcome === 'FAILED')
    say({ kind: 'failure', number, name: seed.name, notes, stage: result.stage, stack: result.stack, file: base64(made.bytes) });
  if (now * 1024 > MOST_BYTES && peak * 1024 <= MOST_BYTES)
    say({
      kind: 'failure',
      number,
      name: seed.name,
      notes,
      stage: 'RSS',
      stack: `the process has ${now >> 10} MiB, ${peak >> 10} before`,
      file: base64(made.bytes),
    });
  peak = now;
  if (result.milliseconds > 200) slowest.push({ number, milliseconds: Math.round(result.milliseconds), seed: seed.name, notes });
  if (performance.now() - saidAt > 1000) {
    report('progress', number + 1);
    saidAt = performance.now();
  }
}
report('end', work.to);

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
