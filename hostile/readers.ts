// Everything else that reads what others wrote: a table of readers, each with what it is given.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, utf8Bytes } from '../src/bytes/index.js';
import { type Campaign, type Drawn, digestOf } from './campaign.js';
import { readLogs } from './objects.js';
import type { Random } from './random.js';
import { btfReaders } from './readers/btf.js';
import { codeReaders } from './readers/code.js';
import { kernelReaders } from './readers/kernel-files.js';
import { logReaders } from './readers/logs.js';
import { objectReaders } from './readers/objects.js';
import { valueReaders } from './readers/values.js';
import { wireReaders } from './readers/wire.js';
import { readSamples } from './samples.js';
import { readSeeds, type Seed } from './seeds.js';
import { Failed, Stages } from './stages.js';

export interface ReaderWork {
  readonly files: readonly string[];
  readonly logs: string;
  readonly captures: string;
  readonly samples?: string;
  readonly scratch: string;
}

export function readerCampaign({ files, logs: folder, captures, samples: sampleFolder, scratch }: ReaderWork): Campaign {
  const seeds = readSeeds(files);
  const samples = readSamples(sampleFolder);
  const logs = readLogs(folder);
  const datagrams = readCaptures(captures);
  const btfs = [
    ...seeds.flatMap((seed) => sectionsOf(seed, ({ name }) => name === '.BTF')),
    ...samples.progs.flatMap(({ btf }) => btf ?? []),
  ];
  const insns = seeds.flatMap((seed) => sectionsOf(seed, ({ index }) => isCode(seed, index)));
  const readers = [
    ...kernelReaders(samples, join(scratch, 'kernel')),
    ...btfReaders(btfs),
    ...valueReaders(btfs),
    ...codeReaders({ insns, btfs, progs: samples.progs }),
    ...objectReaders(seeds, join(scratch, 'objects')),
    ...logReaders(logs),
    ...wireReaders(datagrams),
  ];

  const draw = (random: Random): Drawn => {
    const { name, draw: drawn } = random.pick(readers);
    const notes: string[] = [];
    const { input, run } = drawn(random, notes);
    return {
      name,
      notes,
      input: typeof input === 'string' ? utf8Bytes(input) : input,
      run: () => {
        const stages = new Stages();
        try {
          run(stages);
        } catch (error) {
          throw error instanceof Failed ? error : new Failed(`what came of ${name}`, error);
        }
        return stages.outcome;
      },
    };
  };
  const all = [...seeds.map(({ layout }) => layout.bytes), ...btfs, ...insns, ...datagrams, utf8Bytes(logs.join('\n'))];
  return { digest: digestOf(`${readers.length} readers, ${seeds.length} objects`, all), draw };
}

const sectionsOf = ({ layout }: Seed, wanted: (section: Seed['layout']['sections'][number]) => boolean): Uint8Array[] =>
  layout.littleEndian
    ? layout.sections.flatMap((section) =>
        section.size > 0 && wanted(section) ? [layout.bytes.slice(section.at, section.at + section.size)] : [],
      )
    : [];

const isCode = ({ layout }: Seed, index: number): boolean => {
  const section = layout.sections[index];
  return layout.tables.some(({ what, at }) => what === 'instructions' && at === section?.at);
};

/** Real answers of rtnetlink, which a test has too. */
function readCaptures(file: string): Uint8Array[] {
  const { about: _, ...captures } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string[]> & { about: string };
  return Object.values(captures)
    .flat()
    .map((text) => fromHex(text));
}
