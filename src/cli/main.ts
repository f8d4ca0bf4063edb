// The command line: `tsbpf <verb>`. A file per verb; this one puts them together and says how it ended.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { SyscallError } from '../errors.js';

/** 0 is done, 1 failed or a negative answer, 2 wrong usage. */
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** Errors are JSON too where one of these asks for it. */
const JSON_FLAGS = ['--json', '-j', '--pretty', '-p'];

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

/** Each verb is a file of its own, and only that of the verb that is asked for is loaded: a tool starts in a fraction of a second. */
const VERBS: readonly { readonly name: string; readonly description: string; readonly load: () => Promise<Command> }[] = [
  { name: 'run', description: 'run a bundled tool', load: async () => (await import('./run.js')).runCommand() },
  {
    name: 'inspect',
    description: 'show what an object is, and what a kernel would be given of it',
    load: async () => (await import('./inspect.js')).inspectCommand(),
  },
  {
    name: 'explain',
    description: 'show what a load would do, and why it would not work; nothing is done',
    load: async () => (await import('./explain.js')).explainCommand(),
  },
  {
    name: 'check',
    description: 'say whether objects fit kernels that are not at hand',
    load: async () => (await import('./check.js')).checkCommand(),
  },
  {
    name: 'btf',
    description: 'show the types of kernels and objects',
    load: async () => (await import('./btf.js')).btfCommand(),
  },
  {
    name: 'doctor',
    description: 'say why BPF works on this machine or not, and what mends it',
    load: async () => (await import('./doctor.js')).doctorCommand(),
  },
  {
    name: 'feature',
    description: 'list what this kernel knows of BPF',
    load: async () => (await import('./feature.js')).featureCommand(),
  },
  {
    name: 'prog',
    description: 'show, dump and run loaded programs: bpftool prog',
    load: async () => (await import('./prog.js')).progCommand(),
  },
  { name: 'map', description: 'show and change maps: bpftool map', load: async () => (await import('./map.js')).mapCommand() },
  {
    name: 'link',
    description: 'show and change what is attached: bpftool link',
    load: async () => (await import('./link.js')).linkCommand(),
  },
  { name: 'gen', description: 'make files out of objects', load: async () => (await import('./gen.js')).genCommand() },
];

/** With the verb that the arguments name, and the names of the others. */
async function commandLine(args: readonly string[]): Promise<Command> {
  const program = new Command('tsbpf')
    .description('A BPF toolchain in TypeScript: loads and explains BPF objects with no libbpf and no compiler.')
    .version(version, '-V, --version')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed or a negative answer, 2 wrong usage.');
  const words = args.filter((arg) => !arg.startsWith('-'));
  const asked = words[0] === 'help' ? words[1] : words[0];
  for (const { name, description, load } of VERBS)
    program.addCommand(name === asked ? await load() : new Command(name).description(description));
  for (const command of [program, ...descendants(program)]) command.exitOverride().showHelpAfterError();
  return program;
}

/** Nouns that may be cut short, in bpftool's order, and flags that it takes before them. */
const NOUNS = ['prog', 'map', 'link'];
const FLAGS_FIRST: ReadonlySet<string> = new Set([...JSON_FLAGS, '-f', '--bpffs', '-n', '--nomount', '-jp', '-pj']);

/** `-j m l` as bpftool takes it: flags may stand before the noun, and the noun may be cut short. */
function likeBpftool(args: readonly string[]): readonly string[] {
  const at = args.findIndex((arg) => !FLAGS_FIRST.has(arg));
  const said = args[at] ?? '';
  const isVerb = VERBS.some(({ name }) => name === said);
  const noun = isVerb ? said : NOUNS.find((name) => said !== '' && name.startsWith(said));
  return noun === undefined || !NOUNS.includes(noun) ? args : [noun, ...args.slice(0, at), ...args.slice(at + 1)];
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
process.stdout.on('error', async (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || reported) return;
  reported = true; // each further write fails again
  process.exitCode = EXIT_FAILED;
  const { reportError } = await import('./report.js');
  const failed = new SyscallError('write(stdout)', error.code ?? error.message, { doing: 'Cannot print', cause: error });
  reportError(failed, { json: false, log: false });
});

try {
  const args = likeBpftool(process.argv.slice(2));
  await (await commandLine(args)).parseAsync(args, { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) process.exitCode = EXIT_USAGE; // help and version: 0, unless stdout failed
  } else {
    const { reportError } = await import('./report.js');
    reportError(error, { json: JSON_FLAGS.some((flag) => process.argv.includes(flag)), log: process.argv.includes('--log') });
    process.exitCode = EXIT_FAILED;
  }
}
