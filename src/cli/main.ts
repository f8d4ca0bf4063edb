// The command line: `tsbpf <verb>`. A file per verb; this one puts them together and says how it ended.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { SyscallError } from '../errors.js';
import { genCommand } from './gen.js';
import { inspectCommand } from './inspect.js';
import { linkCommand } from './link.js';
import { mapCommand } from './map.js';
import { progCommand } from './prog.js';
import { reportError } from './report.js';
import { runCommand } from './run.js';
import { isPrefix } from './verbs.js';

/** 0 is done, 1 failed or a negative answer, 2 wrong usage. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** Errors are JSON too where one of these asks for it. */
const JSON_FLAGS = ['--json', '-j', '--pretty', '-p'];

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

const program = new Command('tsbpf')
  .description('A BPF toolchain in TypeScript: loads and explains BPF objects with no libbpf and no compiler.')
  .version(version, '-V, --version')
  .addCommand(runCommand())
  .addCommand(inspectCommand())
  .addCommand(genCommand())
  .addCommand(progCommand())
  .addCommand(mapCommand())
  .addCommand(linkCommand())
  .addHelpText('after', '\nExit codes: 0 done, 1 failed or a negative answer, 2 wrong usage.');

for (const command of [program, ...descendants(program)]) command.exitOverride().showHelpAfterError();

/** Nouns in bpftool's order, and flags that it takes before them. */
const NOUNS = ['prog', 'map', 'link'];
const FLAGS_FIRST: ReadonlySet<string> = new Set([...JSON_FLAGS, '-f', '--bpffs', '-n', '--nomount', '-jp', '-pj']);

/** `-j m l` as bpftool takes it: flags may stand before the noun, and the noun may be cut short. */
function likeBpftool(args: readonly string[]): string[] {
  const at = args.findIndex((arg) => !FLAGS_FIRST.has(arg));
  const said = args[at] ?? '';
  const isCommand = program.commands.some((command) => command.name() === said);
  const noun = isCommand ? said : NOUNS.find((name) => isPrefix(said, name));
  if (noun === undefined || !NOUNS.includes(noun)) return [...args];
  return [noun, ...args.slice(0, at), ...args.slice(at + 1)];
}

function* descendants(command: Command): Generator<Command> {
  for (const child of command.commands) {
    yield child;
    yield* descendants(child);
  }
}

// A reader that went away (EPIPE) wants no more, and that is no failure. Without a stderr there is nobody to tell.
let reported = false;
process.stderr.on('error', () => {});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || reported) return;
  reported = true; // each further write fails again
  const failed = new SyscallError('write(stdout)', error.code ?? error.message, { doing: 'Cannot print', cause: error });
  reportError(failed, { json: false, log: false });
  process.exitCode = EXIT_FAILED;
});

try {
  await program.parseAsync(likeBpftool(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) process.exitCode = EXIT_USAGE; // help and version: 0, unless stdout failed
  } else {
    reportError(error, { json: JSON_FLAGS.some((flag) => process.argv.includes(flag)), log: process.argv.includes('--log') });
    process.exitCode = EXIT_FAILED;
  }
}
