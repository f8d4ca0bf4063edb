// Real objects, from wherever, against the kernels of your choice:
//   TSBPF_CORPUS=folder TSBPF_CORPUS_BTF=6.1.btf,6.12.btf npx vitest run test/parity/corpus.test.ts
// Each is given to libbpf and to us, and a table is printed. What differs fails; what only we refuse is listed with its reason,
// which is the work that is left. Without TSBPF_CORPUS_BTF the running kernel's types are taken.

import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { type Answer, askLibbpf, askTsbpf, buildHarness, describeWithLibbpf, folder, type Question, readable } from './libbpf.js';

const corpus = process.env.TSBPF_CORPUS;
const kernels = process.env.TSBPF_CORPUS_BTF?.split(',') ?? [undefined];
if (corpus === undefined) console.info('no corpus compared: TSBPF_CORPUS names no folder of objects');

describeWithLibbpf('objects of the corpus', () => {
  it.skipIf(corpus === undefined).each(kernels)(
    'are made into the same programs, or refused by both, for %s',
    (btf) => {
      const at = folder();
      const files = readdirSync(corpus as string).sort();
      const questions = files.map((file): Question => ({ object: join(corpus as string, file), ...(btf && { btf }) }));
      const theirs = askLibbpf(buildHarness(at), questions);
      rmSync(at, { recursive: true });
      const rows = questions.map((question, i) => ({
        file: basename(question.object),
        ...compare(theirs[i] as Answer, askTsbpf(question)),
      }));
      const tally = new Map<string, number>();
      for (const { verdict } of rows) tally.set(verdict, (tally.get(verdict) ?? 0) + 1);
      const table = [...tally].map(([verdict, count]) => `${String(count).padStart(5)}  ${verdict}`);
      const reasons = rows.filter(({ why }) => why).map(({ file, verdict, why }) => `${file}: ${verdict}: ${why}`);
      console.info([...table, ...reasons].join('\n'));
      expect(rows.filter(({ verdict }) => verdict === 'different').map(({ file }) => file)).toEqual([]);
    },
    600_000,
  );
});

function compare(theirs: Answer, ours: Answer): { readonly verdict: string; readonly why?: string } {
  if ('refused' in theirs && 'refused' in ours) return { verdict: 'refused by both' };
  if ('refused' in ours) return { verdict: 'refused by us alone', why: ours.refused.split('\n')[0] as string };
  if ('refused' in theirs) return { verdict: 'refused by libbpf alone', why: theirs.refused };
  return text(ours) === text(theirs) ? { verdict: 'the same' } : { verdict: 'different' };
}

/** Without the names: the kernel is told 15 bytes of each, and the harness knows no more; their order says which is which. */
const text = (answer: Answer): string =>
  'programs' in answer ? JSON.stringify(readable({ programs: answer.programs.map((load) => ({ ...load, name: '' })) })) : '';
