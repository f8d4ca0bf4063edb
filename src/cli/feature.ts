// `tsbpf feature`: what the running kernel can do, as bpftool asks and says it, and what tsbpf has names for.

import { Command } from 'commander';
import { BUILTINS } from '../live/index.js';
import { featureText, probeFeatures } from '../run/index.js';
import { printJson } from './nouns.js';
import { Words, WordsError } from './verbs.js';

export const featureCommand = (): Command =>
  new Command('feature')
    .description('what this kernel can do, and what tsbpf has names for')
    .usage('<what> [options]')
    .addCommand(probeCommand())
    .addCommand(builtinsCommand());

/** Any beginning of a word stands for it, as with bpftool; the first that fits. */
const WORDS = ['kernel', 'full', 'unprivileged'] as const;

interface JsonFlags {
  readonly json?: true;
  readonly pretty?: true;
}

function probeCommand(): Command {
  return new Command('probe')
    .description('load small programs and make small maps, to see which types and helpers there are')
    .argument('[words...]', 'kernel (which is meant anyway), full (also helpers that make the kernel log warnings), unprivileged')
    .option('-j, --json', 'as one JSON object, with the keys of bpftool -j feature probe')
    .option('-p, --pretty', 'as JSON for people')
    .addHelpText(
      'after',
      '\nExample: sudo npx tsbpf feature probe kernel --json\nExit code 0: the answers are there, whatever they are. 1: they could not be asked for.',
    )
    .action((said: readonly string[], { json, pretty }: JsonFlags) => {
      const words = new Words(said);
      const asked = new Set<string>();
      while (words.left > 0) asked.add(words.oneOf(WORDS));
      if (asked.size < said.length) throw new WordsError('a word is there twice');
      const report = probeFeatures({ full: asked.has('full'), unprivileged: asked.has('unprivileged') });
      if (json || pretty) printJson({ ...report }, pretty ?? false);
      else process.stdout.write(featureText(report));
    });
}

type Group = keyof typeof BUILTINS;
const GROUPS = Object.keys(BUILTINS) as Group[];

function builtinsCommand(): Command {
  return new Command('list_builtins')
    .description('list the names that tsbpf knows, whatever this kernel knows')
    .argument('<group>', GROUPS.join(', '))
    .option('-j, --json', 'as JSON on one line')
    .option('-p, --pretty', 'as JSON for people')
    .addHelpText('after', '\nExample: npx tsbpf feature list_builtins helpers')
    .action((group: string, { json, pretty }: JsonFlags) => {
      const names = BUILTINS[new Words([group]).oneOf(GROUPS)];
      if (json || pretty) printJson(names, pretty ?? false);
      else process.stdout.write(names.map((name) => `${name}\n`).join(''));
    });
}
