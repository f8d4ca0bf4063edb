// What `tsbpf prog`, `map` and `link` share: flags, the verb's choice, and how results are printed.

import { Command } from 'commander';
import { type Json, writeJson } from '../live/index.js';
import { holders, type ObjectContext, pinnedPaths } from '../syscall/index.js';
import type { SelectedKind } from './selectors.js';
import { chooseVerb, type Verb, Words, WordsError } from './verbs.js';

const EXIT_FAILED = 1;

/** What a verb is given beside its words. */
export interface NounContext {
  readonly json: boolean;
  readonly pretty: boolean;
  readonly bpffs: boolean;
  readonly mount: boolean;
  /** Seconds, where it was said. */
  readonly interval: number | undefined;
  readonly count: number | undefined;
}

interface NounFlags {
  readonly json?: true;
  readonly pretty?: true;
  readonly bpffs?: true;
  readonly nomount?: true;
  readonly interval?: string;
  readonly count?: string;
}

export interface Noun {
  readonly name: SelectedKind;
  readonly description: string;
  readonly verbs: readonly Verb<NounContext>[];
  /** What the words in capitals stand for. */
  readonly legend: string;
}

/** A command whose verbs are words, and so not commands of their own. */
export class NounCommand extends Command {
  readonly verbs: readonly string[];

  constructor({ name, verbs }: Noun) {
    super(name);
    this.verbs = [...new Set(verbs.map((verb) => verb.name))];
  }
}

export function nounCommand(noun: Noun): NounCommand {
  const { name, description, verbs, legend } = noun;
  const usages = verbs.map((verb) => `  tsbpf ${name} ${`${verb.name} ${verb.words}`.trimEnd()}`);
  const command = new NounCommand(noun)
    .description(description)
    .usage('<verb> [words] [options]')
    .argument('[words...]', 'a verb and what it takes, as below')
    .option('-j, --json', 'as JSON on one line')
    .option('-p, --pretty', 'as JSON for people')
    .option('-f, --bpffs', 'show where objects are pinned')
    .option('-n, --nomount', 'mount no BPF file system for pinning');
  if (name === 'prog')
    command
      .option('--interval <seconds>', 'stats: between two looks; 1 if not said')
      .option('--count <n>', 'stats: looks; no end if not said');
  return command
    .addHelpText(
      'after',
      `\nVerbs, which may be cut short (the first that starts so is meant):\n${usages.join('\n')}\n\n${legend}\nExample: sudo npx tsbpf ${name} list --json\nExit code 1: it failed, or there is no such thing.`,
    )
    .action(async (said: string[], flags: NounFlags) => {
      const words = new Words(said);
      const verb = chooseVerb(verbs, words);
      await verb.run(words, {
        json: (flags.json || flags.pretty) ?? false,
        pretty: flags.pretty ?? false,
        bpffs: flags.bpffs ?? false,
        mount: !flags.nomount,
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
    for (const thing of things) process.stdout.write(as.text(thing));
    return;
  }
  const shown = things.map(as.json);
  printJson(list || shown.length !== 1 ? shown : (shown[0] as Json), pretty);
}

export function printJson(value: Json, pretty: boolean): void {
  process.stdout.write(`${writeJson(value, { pretty })}\n`);
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
