// Mutated objects through the whole pipeline.

import { readdirSync, readFileSync } from 'node:fs';
import { describeFacts, FEATURES, type FeatureName, type KernelFacts } from '../src/plan/index.js';
import { type Campaign, type Drawn, digestOf } from './campaign.js';
import { mutated, mutatedBtf, mutatedLog } from './mutate.js';
import { exercise } from './pipeline.js';
import type { Random } from './random.js';
import { parsedKernel, readSeeds, type Seed } from './seeds.js';

/** Verifier logs of real kernels, in the order of their names. */
export const readLogs = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8'));

export function objectCampaign({ files, logs: folder }: { readonly files: readonly string[]; readonly logs: string }): Campaign {
  const all = readSeeds(files);
  const kernels = all.map(({ kernel }) => parsedKernel(kernel));
  const logs = readLogs(folder);

  const draw = (random: Random): Drawn => {
    const index = random.below(all.length);
    const seed = all[index] as Seed;
    const notes: string[] = [];
    const bytes = random.chance(0.02) ? seed.layout.bytes : mutated(seed.layout, random, notes);
    const near = all[index + random.pick([-2, -1, 1, 2])] ?? seed; // other files of the same program
    const linked = random.chance(seed.opens ? 0.06 : 0.7) ? random.pick([near, near, random.pick(all)]) : undefined;
    const made = {
      bytes,
      other: linked && (random.chance(0.3) ? mutated(linked.layout, random, notes) : linked.layout.bytes),
      facts: factsFor(seed, kernels[random.chance(0.8) ? index : random.below(all.length)], random),
      otherKernel: random.chance(0.06) ? mutatedBtf(seed.kernel, random, notes) : undefined,
      log: random.chance(0.03) ? mutatedLog(random.pick(logs), random.pick(logs), random, notes) : undefined,
      inspect: random.chance(0.1),
      dedup: random.chance(0.1),
    };
    return { name: seed.name, notes, input: bytes, run: () => exercise(made) };
  };
  const digest = digestOf(
    `${all.length} objects`,
    all.map(({ layout }) => layout.bytes),
  );
  return { digest, draw };
}

const KCONFIG = 'CONFIG_HZ=250\nCONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_NONE="x"\nCONFIG_ODD=m\n';

/** A machine that has what the seed asks for, or not all of it. */
export function factsFor({ tracepoints, symbols }: Seed, kernelBtf: KernelFacts['kernelBtf'], random: Random): KernelFacts {
  const names = Object.keys(FEATURES) as FeatureName[];
  const old = random.chance(0.2);
  return describeFacts({
    possibleCpus: 2,
    kernelBtf: random.chance(0.02) ? undefined : kernelBtf,
    tracepointIds: new Map(tracepoints.map((name, i) => [name, i + 1])),
    kconfig: { file: 'config', text: KCONFIG },
    kallsyms: new Map(symbols.map((name, i) => [name, [0xffffffff81000000n + BigInt(i)]])),
    features: new Map(names.map((name) => [name, !old || random.chance(0.5)])),
  });
}
