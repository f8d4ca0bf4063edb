// BTF as `btf dump`, `find`, `layout` and `diff` read it, and what puts it together.

import {
  type Btf,
  btfBytes,
  dedupBtf,
  diffBtf,
  dumpC,
  dumpJson,
  dumpRaw,
  encodeBtf,
  layoutOf,
  mergeBtf,
  parseBtf,
  partsOf,
  showDifference,
  showLayout,
  spell,
  typesLike,
  typesOf,
} from '../../src/btf/index.js';
import { printableLines, region, TextSink } from '../../src/bytes/index.js';
import { snakeKeys, toJson } from '../../src/run/index.js';
import { mutatedBtf } from '../mutate.js';
import type { Random } from '../random.js';
import type { Stages } from '../stages.js';
import { must, mustParse, type Reader } from './reader.js';
import { inventedBtf, inventedTypes } from './types.js';

export const parsed = (stages: Stages, bytes: Uint8Array, base?: Btf): Btf | undefined =>
  stages.run('parseBtf', () => parseBtf(region(bytes, { file: 'hostile.btf' }), base));

/** Types of an object, or invented ones, or a mixture of what is wrong with both. */
export function someBtf(random: Random, notes: string[], own: readonly Uint8Array[]): Uint8Array {
  if (own.length === 0 || random.chance(0.7)) return inventedBtf(random, notes);
  const bytes = random.pick(own);
  return random.chance(0.9) ? mutatedBtf(bytes, random, notes) : bytes;
}

/** Longer output is not kept to be parsed. */
const MOST_KEPT = 1 << 22;

function dumps(stages: Stages, btf: Btf, roots: readonly number[] | undefined): void {
  const options = roots ? { roots } : {};
  stages.run('dumpC', () => dumpC(btf, new TextSink({ write: () => {} }), options));
  stages.run('dumpC unsorted', () => dumpC(btf, new TextSink({ write: () => {} }), { ...options, unsorted: true }));
  stages.run('dumpRaw', () => dumpRaw(btf, new TextSink({ write: () => {} }), options));
  for (const pretty of [false, true])
    stages.run('dumpJson', () => {
      const out = new TextSink();
      dumpJson(btf, out, { ...options, pretty });
      if (out.length < MOST_KEPT) mustParse(out.text());
    });
}

export const btfReaders = (own: readonly Uint8Array[]): Reader[] => [
  {
    name: 'btf dump',
    draw: (random, notes) => {
      const input = someBtf(random, notes, own);
      const roots = random.chance(0.2) ? Array.from({ length: 1 + random.below(3) }, () => random.below(80)) : undefined;
      return {
        input,
        run: (stages) => {
          const btf = parsed(stages, input);
          if (btf) dumps(stages, btf, roots);
        },
      };
    },
  },
  {
    name: 'btf find, layout',
    draw: (random, notes) => {
      const input = someBtf(random, notes, own);
      const ids = Array.from({ length: 10 }, () => random.next());
      const pattern = random.pick(['*', 'n1', 'n*', '*a*b*', 'x', '__proto__', '*'.repeat(50)]);
      return {
        input,
        run: (stages) => {
          const btf = parsed(stages, input);
          if (!btf) return;
          for (const id of stages.run('typesLike', () => typesLike(btf, pattern)) ?? [])
            stages.run('a row of btf find', () => [partsOf(btf.type(id)), spell(btf, id)]);
          const composites = [...typesOf(btf, 'STRUCT'), ...typesOf(btf, 'UNION')];
          for (const draw of ids) {
            const id = composites[draw % composites.length] ?? draw % btf.length;
            const layout = stages.run('layoutOf', () => layoutOf(btf, id));
            if (!layout) continue;
            printableLines(stages.run('showLayout', () => showLayout(layout)) ?? '');
            mustParse(stages.run('layout as JSON', () => toJson(snakeKeys(layout))) ?? '0');
          }
        },
      };
    },
  },
  {
    name: 'btf diff',
    draw: (random, notes) => {
      const input = someBtf(random, notes, own);
      const other = random.chance(0.6) ? mutatedBtf(input, random, notes) : someBtf(random, notes, own);
      return {
        input,
        run: (stages) => {
          const [from, to] = [parsed(stages, input), parsed(stages, other)];
          if (!from || !to) return;
          const found = stages.run('diffBtf', () => diffBtf(from, to)) ?? [];
          stages.run('showDifference', () => found.map(showDifference));
          mustParse(stages.run('diff as JSON', () => toJson(snakeKeys(found))) ?? '0');
          const same = stages.run('diffBtf of one', () => diffBtf(from, from)) ?? [];
          must(same.length === 0, `BTF differs from itself: ${same.slice(0, 3).map(showDifference).join('')}`);
        },
      };
    },
  },
  {
    name: 'dedup, merge, split',
    draw: (random, notes) => {
      const base = encodeBtf(inventedTypes(random, notes));
      const split = () => {
        const from = parseBtf(region(base));
        const bytes = encodeBtf(inventedTypes(random, notes, from.length), { base: from });
        return random.chance(0.4) ? mutatedBtf(bytes, random, notes) : bytes;
      };
      const parts = [split(), split()];
      const own = someBtf(random, notes, []);
      const littleEndian = random.chance(0.5);
      return {
        input: parts[0] as Uint8Array,
        run: (stages) => {
          const under = parsed(stages, base);
          if (!under) return;
          const above = parts.map((bytes) => parsed(stages, bytes, under));
          const merged = stages.run('mergeBtf', () =>
            mergeBtf(
              above.flatMap((one) => one ?? []),
              under,
            ),
          );
          for (const btf of [...above, merged]) if (btf) dumps(stages, btf, undefined);
          const single = parsed(stages, own);
          if (!single) return;
          const deduplicated = stages.run('dedupBtf', () => dedupBtf(single));
          if (!deduplicated) return;
          const bytes = stages.run('btfBytes', () => btfBytes(deduplicated.btf, littleEndian)) ?? new Uint8Array();
          const again = stages.run('what came of dedup', () => parseBtf(region(bytes)));
          must(again?.length === deduplicated.btf.length, 'what came of dedup is no BTF any more');
        },
      };
    },
  },
];
