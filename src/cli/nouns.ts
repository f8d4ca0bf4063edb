// What `tsbpf prog`, `map`, `link`, `cgroup`, `perf` and `net` share: flags, the verb's choice, and how results are printed.

import { Command, Option } from 'commander';
import { type Json, writeJson } from '../live/index.js';
import { holders, type ObjectContext, pinnedPaths } from '../syscall/index.js';
import { afterHelp } from './after-help.js';
import { printJsonLine, printText } from './output.js';
import type { SelectedKind } from './selectors.js';
import { descriptionOf } from './table.js';
import { chooseVerb, type Verb, Words, WordsError } from './verbs.js';

const EXIT_FAILED = 1;

/** What a verb is given beside its words. */
export interface NounContext {
  readonly json: boolean;
  readonly pretty: boolean;
  readonly bpffs: boolean;
  readonly mount: boolean;
  /** `load` shows what it does. */
  readonly debug: boolean;
  /** `load` shows the verifier's whole log of a program that is refused; with `debug`, of all. */
  readonly log: boolean;
  /** Seconds, where it was said. */
  readonly interval: number | undefined;
  readonly count: number | undefined;
}

interface NounFlags {
  readonly json?: true;
  readonly pretty?: true;
  readonly bpffs?: true;
  readonly nomount?: true;
  readonly debug?: true;
  readonly verbose?: true;
  readonly log?: true;
  readonly interval?: string;
  readonly count?: string;
}

export interface Noun {
  readonly name: string;
  readonly verbs: readonly Verb<NounContext>[];
  /** What the words in capitals stand for. */
  readonly legend: string;
  /** What follows `tsbpf` in the example of help; listing all if not given. */
  readonly example?: string;
  /** Whether its objects can be pinned; true if not given. Flags about that are taken all the same, as bpftool does. */
  readonly hasPins?: boolean;
}

/** A command whose verbs are words, and so not commands of their own. */
export class NounCommand extends Command {
  readonly verbs: readonly string[];

  constructor(name: string, verbs: readonly Verb<NounContext>[]) {
    super(name);
    this.verbs = [...new Set(verbs.map((verb) => verb.name))];
  }
}

export function nounCommand({ name, verbs: own, legend, example = `${name} list --json`, hasPins = true }: Noun): NounCommand {
  const help: Verb<NounContext> = {
    name: 'help',
    words: '',
    run: (words, { json, pretty }) => {
      words.end();
      if (json) printJson(null, pretty);
      else command.outputHelp();
    },
  };
  const verbs = [...own, help];
  const usages = verbs.map((verb) => `  tsbpf ${name} ${`${verb.name} ${verb.words}`.trimEnd()}`);
  const command = new NounCommand(name, verbs)
    .description(descriptionOf(name))
    .usage('<verb> [words] [options]')
    .argument('[words...]', 'a verb and what it takes, as below')
    .option('-j, --json', 'as JSON on one line')
    .option('-p, --pretty', 'as JSON for people')
    .addOption(new Option('-f, --bpffs', 'show where objects are pinned').hideHelp(!hasPins))
    .addOption(new Option('-n, --nomount', 'mount no BPF file system for pinning').hideHelp(!hasPins));
  if (name === 'prog')
    command
      .option('-d, --debug', 'load: print every step, and every CO-RE relocation, to stderr')
      .option('-v, --verbose', 'the same')
      .option('--log', "load: print the verifier's whole log of a program that it refuses; with --debug, of all")
      .option('--interval <seconds>', 'stats: between two looks; 1 if not said')
      .option('--count <n>', 'stats: looks; no end if not said');
  return command
    .addHelpText(
      'after',
      afterHelp(
        `\nVerbs, which may be cut short (the first that starts so is meant):\n${usages.join('\n')}\n\n${legend}\nExample: sudo npx tsbpf ${example}\nExit code 1: it failed, or there is no such thing.`,
      ),
    )
    .action(async (said: string[], flags: NounFlags) => {
      const words = new Words(said);
      const verb = chooseVerb(verbs, words);
      await verb.run(words, {
        json: (flags.json || flags.pretty) ?? false,
        pretty: flags.pretty ?? false,
        bpffs: flags.bpffs ?? false,
        mount: !flags.nomount,
        debug: (flags.debug || flags.verbose) ?? false,
        log: flags.log ?? false,
        interval: positive('interval', flags.interval),
        count: positive('count', flags.count),
      });
    });
}

function positive(what: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new WordsError(`can't parse ${text} as ${what}`);
  return value;
}

/** One thing, or a list of them: as JSON what `json` makes of them, else text. */
export function printAll<T>(
  { json, pretty }: Pick<NounContext, 'json' | 'pretty'>,
  things: readonly T[],
  as: { readonly json: (thing: T) => Json; readonly text: (thing: T) => string },
  { list }: { readonly list: boolean },
): void {
  if (!json) {
    for (const thing of things) printText(as.text(thing));
    return;
  }
  const shown = things.map(as.json);
  printJson(list || shown.length !== 1 ? shown : (shown[0] as Json), pretty);
}

/** One answer to all that was asked: its JSON or its text, whichever is wanted. */
export function print({ json, pretty }: NounContext, as: { readonly json: () => Json; readonly text: () => string }): void {
  if (json) printJson(as.json(), pretty);
  else printText(as.text());
}

export function printJson(value: Json, pretty: boolean): void {
  printJsonLine(writeJson(value, { pretty }));
}

/** What a verb says that has done its work and has nothing to show. */
export function printDone({ json, pretty }: NounContext): void {
  if (json) printJson(null, pretty);
}

export function negative(): void {
  process.exitCode = EXIT_FAILED;
}

/** What is asked once for a whole list: who holds objects, and where they are pinned. */
export const contextOf = (kind: SelectedKind, { bpffs }: NounContext): ObjectContext => ({
  pids: holders(kind),
  ...(bpffs && { pinned: pinnedPaths(kind) }),
});
