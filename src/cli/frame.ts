// The frame of the command line: puts verbs together, and says how it ended.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { printableLines } from '../bytes/index.js';
import { SyscallError } from '../errors.js';
import { JSON_FLAG } from './arguments.js';
import { VERBS } from './table.js';
import { WordsError } from './verbs.js';

/** 0 is done, 1 failed or a negative answer, 2 wrong usage. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

/** The verb that is loaded. */
export interface Loaded {
  readonly name: string;
  readonly command: Command;
}

/** With the loaded verb, and the names of the others. */
function commandLine(loaded: Loaded | undefined, json: boolean): Command {
  const program = new Command('tsbpf')
    .description('A BPF toolchain in TypeScript: loads and explains BPF objects with no libbpf and no compiler.')
    .version(version, '-V, --version')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed or a negative answer, 2 wrong usage.');
  for (const { name, description } of VERBS)
    program.addCommand(name === loaded?.name ? loaded.command : new Command(name).description(description));
  for (const command of [program, ...descendants(program)]) {
    command.exitOverride().showHelpAfterError();
    // With JSON it is said on stdout.
    command.configureOutput({ writeErr: json ? () => {} : (text) => process.stderr.write(printableLines(text)) });
  }
  return program;
}

function* descendants(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child;
    yield* descendants(child);
  }
}

/** Behind `--` are words, whatever they look like. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? undefined : end).some((arg) => JSON_FLAG.test(arg));
}

/** How errors are said is loaded when there is one: it brings much with it. */
const reporter = (): Promise<typeof import('./report.js')> => import('./report.js');

/** Runs what the arguments ask for. Never throws: errors are printed, and are in the exit code. */
export async function main(loaded?: Loaded): Promise<void> {
  // A reader that went away (EPIPE) wants no more, and that is no failure. Without a stderr there is nobody to tell.
  let reported = false;
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || reported) return;
    reported = true; // each further write fails again
    process.exitCode = EXIT_FAILED;
    const failed = new SyscallError('write(stdout)', error.code ?? error.message, { doing: 'Cannot print', cause: error });
    void reporter().then(({ reportError }) => reportError(failed, { json: false, log: false }));
  });

  const json = wantsJson(process.argv.slice(2));
  /** What runs: its help is shown when its words are wrong. */
  let running: Command | undefined;
  let wrongWords: WordsError | undefined;
  try {
    const program = commandLine(loaded, json);
    program.hook('preAction', (_, command) => {
      running = command;
    });
    try {
      await program.parseAsync();
    } catch (error) {
      if (!(error instanceof WordsError)) throw error;
      wrongWords = error;
      (running ?? program).error(`error: ${error.message}`); // with its remedy, a line below
    }
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return; // help and version; unless stdout failed
      process.exitCode = EXIT_USAGE;
      if (!json) return;
      wrongWords ??= new WordsError(error.message.replace(/^error: /, ''));
      (await reporter()).reportError(wrongWords, { json, log: false });
    } else {
      (await reporter()).reportError(error, { json, log: process.argv.includes('--log') });
      process.exitCode = EXIT_FAILED;
    }
  }
}
