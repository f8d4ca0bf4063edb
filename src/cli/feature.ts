// `tsbpf feature probe`: what the running kernel can do, as bpftool asks and says it.

import { Command } from 'commander';
import { featureText, probeFeatures, toJson } from '../run/index.js';

export const featureCommand = (): Command =>
  new Command('feature').description('what this kernel can do').usage('<what> [options]').addCommand(probeCommand());

/** Any beginning of a word stands for it, as with bpftool; the first that fits. */
const WORDS = ['kernel', 'full', 'unprivileged'] as const;
type Word = (typeof WORDS)[number];

interface ProbeFlags {
  readonly json?: true;
}

function probeCommand(): Command {
  return new Command('probe')
    .description('load small programs and make small maps, to see which types and helpers there are')
    .argument('[words...]', 'kernel (which is meant anyway), full (also helpers that make the kernel log warnings), unprivileged')
    .option('-j, --json', 'as one JSON object, with the keys of bpftool -j feature probe')
    .addHelpText(
      'after',
      '\nExample: sudo npx tsbpf feature probe kernel --json\nExit code 0: the answers are there, whatever they are. 1: they could not be asked for.',
    )
    .action((words: readonly string[], flags: ProbeFlags, command: Command) => {
      const asked = new Set(words.map((word) => parseWord(word, command)));
      if (asked.size < words.length) command.error('A word is there twice');
      const report = probeFeatures({ full: asked.has('full'), unprivileged: asked.has('unprivileged') });
      process.stdout.write(flags.json ? `${toJson(report)}\n` : featureText(report));
    });
}

function parseWord(word: string, command: Command): Word {
  const found = WORDS.find((candidate) => word !== '' && candidate.startsWith(word));
  return found ?? command.error(`Expected kernel, full or unprivileged, got: ${word}`);
}
