// What is shown of an object to people and to programs: inspect, explain, check, and the least of a kernel's types that it needs.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diffBtf, parseBtf } from '../../src/btf/index.js';
import { printableLines, region } from '../../src/bytes/index.js';
import { checkObject } from '../../src/check/index.js';
import { parseElf } from '../../src/elf/index.js';
import { openObject } from '../../src/object/index.js';
import { relocatedPrograms, usedTypes } from '../../src/plan/index.js';
import { minCoreBtf, relocate } from '../../src/relocate/index.js';
import {
  checkJson,
  checkText,
  describeObject,
  explainJson,
  explainObject,
  explainText,
  NO_PAINT,
  neededAnywhere,
  objectPage,
  ownFunctions,
  ownListing,
  readKernel,
  relocatedText,
  relocationRows,
  relocationTable,
  sectionRows,
  sectionTable,
  snakeKeys,
  toJson,
} from '../../src/run/index.js';
import { mutated, mutatedBtf } from '../mutate.js';
import { factsFor } from '../objects.js';
import { parsedKernel, type Seed } from '../seeds.js';
import { mustBeTame, mustParse, type Reader } from './reader.js';

export function objectReaders(seeds: readonly Seed[], scratch: string): Reader[] {
  const opening = seeds.filter(({ opens }) => opens);
  return [
    {
      name: 'inspect',
      draw: (random, notes) => {
        const seed = random.pick(opening);
        const input = random.chance(0.95) ? mutated(seed.layout, random, notes) : seed.layout.bytes;
        const kernel = random.chance(0.5) ? mutatedBtf(seed.kernel, random, notes) : seed.kernel;
        const facts = factsFor(seed, undefined, random);
        return {
          input,
          run: (stages) => {
            const file = stages.run('parseElf', () => parseElf(region(input, { file: 'hostile.bpf.o' })));
            if (!file) return;
            mustBeTame(printableLines(stages.run('sections', () => sectionTable(sectionRows(file))) ?? ''));
            const object = stages.run('openObject', () => openObject(file));
            if (!object) return;
            const needed = stages.run('neededAnywhere', () => neededAnywhere(object));
            const described = needed && stages.run('describeObject', () => describeObject(object, needed));
            if (needed && described) {
              stages.run('objectPage', () => objectPage(described, needed));
              mustParse(stages.run('the page as JSON', () => toJson({ ...described, asks: snakeKeys(described.asks) })) ?? '0');
            }
            const rows = stages.run('relocationRows', () => relocationRows(object));
            if (rows) stages.run('relocationTable', () => relocationTable(rows));
            stages.run('ownListing', () => ownListing(object));
            mustParse(stages.run('ownFunctions', () => toJson(ownFunctions(object))) ?? '0');
            const kernelBtf = stages.run('parseBtf of a kernel', () => parsedKernel(kernel));
            const programs = stages.run('relocatedPrograms', () => relocatedPrograms(object, { ...facts, kernelBtf }));
            for (const planned of programs ?? []) stages.run('relocatedText', () => relocatedText(object, planned));
          },
        };
      },
    },
    {
      name: 'explain, check',
      draw: (random, notes) => {
        const seed = random.pick(opening);
        const input = random.chance(0.8) ? mutated(seed.layout, random, notes) : seed.layout.bytes;
        const kernel = random.chance(0.7) ? mutatedBtf(seed.kernel, random, notes) : seed.kernel;
        const [width, verbose] = [random.pick([80, 120, 1]), random.chance(0.5)];
        return {
          input,
          run: (stages) => {
            const object = stages.run('openObject', () => openObject(parseElf(region(input, { file: 'hostile.bpf.o' }))));
            if (!object) return;
            mkdirSync(scratch, { recursive: true });
            const file = join(scratch, 'kernel.btf');
            writeFileSync(file, kernel);
            const against = stages.run('readKernel', () => readKernel(file, '6.1'));
            if (!against) return;
            const explained = stages.run('explainObject', () => explainObject(object, against));
            if (explained) {
              mustBeTame(stages.run('explainText', () => explainText(explained, { width, paint: NO_PAINT, verbose })) ?? '');
              mustParse(stages.run('explainJson', () => toJson(explainJson(explained))) ?? '0');
            }
            const check = stages.run('checkObject', () => checkObject(object, against));
            if (!check) return;
            const all = [{ file: 'hostile.bpf.o', checks: [check] }];
            mustBeTame(stages.run('checkText', () => checkText(['6.1'], all, { width, paint: NO_PAINT })) ?? '');
            mustParse(stages.run('checkJson', () => toJson(checkJson([], all))) ?? '0');
          },
        };
      },
    },
    {
      name: 'min-core-btf, diff --used-by',
      draw: (random, notes) => {
        const seed = random.pick(opening);
        const input = random.chance(0.7) ? mutated(seed.layout, random, notes) : seed.layout.bytes;
        const kernel = random.chance(0.7) ? mutatedBtf(seed.kernel, random, notes) : seed.kernel;
        return {
          input,
          run: (stages) => {
            const object = stages.run('openObject', () => openObject(parseElf(region(input, { file: 'hostile.bpf.o' }))));
            const btf = stages.run('parseBtf', () => parsedKernel(kernel));
            if (!object || !btf) return;
            const found = stages.run('relocate', () => relocate(object, { kernel: btf }));
            const least = found && stages.run('minCoreBtf', () => minCoreBtf(btf, found.fixups));
            if (least) stages.run('the least of it', () => relocate(object, { kernel: parseBtf(region(least)) }));
            const used = stages.run('usedTypes', () => usedTypes(object));
            const own = stages.run('parseBtf of the seed', () => parsedKernel(seed.kernel));
            if (used && own) stages.run('diffBtf', () => diffBtf(own, btf, { used }));
          },
        };
      },
    },
  ];
}
