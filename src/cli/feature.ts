// `tsbpf feature`: what the running kernel can do, as bpftool asks and says it, and what tsbpf has names for.

import { Command } from 'commander';
import { BUILTINS } from '../live/index.js';
import { featureMacros, featureText, probeFeatures } from '../run/index.js';
import { probeWords } from './feature-words.js';
import { printJson } from './nouns.js';
import { printText } from './output.js';
import { Words } from './verbs.js';

export const featureCommand = (): Command =>
  new Command('feature')
    .description('what this kernel can do, and what tsbpf has names for')
    .usage('<what> [options]')
    .addCommand(probeCommand())
    .addCommand(builtinsCommand());

interface JsonFlags {
  readonly json?: true;
  readonly pretty?: true;
}

function probeCommand(): Command {
  return new Command('probe')
    .description('load small programs and make small maps, to see which types and helpers there are')
    .argument('[words...]', '[kernel | dev NAME] [full] [unprivileged] [macros [prefix PREFIX]]')
    .option('-j, --json', 'as one JSON object, with the keys of bpftool -j feature probe, also after macros')
    .option('-p, --pretty', 'as JSON for people')
    .addHelpText('after', AFTER_HELP)
    .action((said: readonly string[], { json, pretty }: JsonFlags) => {
      const { macros, ...options } = probeWords(said);
      const report = probeFeatures(options);
      if (json || pretty) return printJson({ ...report }, pretty ?? false);
      if (report.system_config && !('CONFIG_BPF' in report.system_config))
        process.stderr.write("The kernel's configuration is not to be found: settings are left out\n");
      if (macros === undefined) printText(featureText(report));
      else printText(featureMacros(report, { prefix: macros, full: options.full ?? false }));
    });
}

const AFTER_HELP = `
Words (each may be cut short):
  kernel          the kernel, which is meant anyway
  dev NAME        what a network device runs in place of the kernel
  full            also helpers that make the kernel log warnings
  unprivileged    what a process without capabilities can do
  macros          as a C header: #define HAVE_XDP_PROG_TYPE, or NO_HAVE_...
  prefix PREFIX   what the name of each macro begins with

Examples: sudo npx tsbpf feature probe kernel --json
          sudo npx tsbpf feature probe full macros prefix BPF_ > bpf_features.h
Exit code 0: the answers are there, whatever they are. 1: they could not be asked for.`;

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
      else printText(names.map((name) => `${name}\n`).join(''));
    });
}
