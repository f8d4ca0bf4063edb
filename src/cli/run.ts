// `tsbpf run <tool>`: the bundled tools.

import { Command } from 'commander';
import { bootstrap } from '../run/index.js';
import { verbose } from './verbose.js';

export const runCommand = (): Command =>
  new Command('run').description('run a bundled tool').usage('<tool> [options]').addCommand(bootstrapCommand());

interface BootstrapFlags {
  readonly duration?: string;
  readonly verbose?: true;
  readonly json?: true;
  readonly btf?: string;
}

function bootstrapCommand(): Command {
  return new Command('bootstrap')
    .description('trace the start and the end of processes, until Ctrl-C')
    .option('-d, --duration <ms>', 'only processes that lived at least this long, in milliseconds')
    .option('-v, --verbose', 'print every step of the load, and every CO-RE relocation, to stderr')
    .option('--json', 'print one JSON object per event and line')
    .option('--btf <file>', "take the kernel's types from this file: raw BTF, or ELF with a .BTF section")
    .addHelpText('after', '\nExample: sudo npx tsbpf run bootstrap --duration 100')
    .action(async (flags: BootstrapFlags, command: Command) => {
      const durationMs = flags.duration === undefined ? 0 : parseDuration(flags.duration);
      if (durationMs === undefined) command.error(`Invalid duration: ${flags.duration}`);
      const stop = new AbortController();
      stopOnSignals(stop);
      await bootstrap({
        durationMs,
        json: flags.json ?? false,
        write: (text) => process.stdout.write(text),
        signal: stop.signal,
        open: flags.btf === undefined ? {} : { btf: flags.btf },
        load: flags.verbose ? verbose((line) => process.stderr.write(`${line}\n`)) : {},
      });
    });
}

/** Ctrl-C and SIGTERM end the tool in good order, and so does a reader that went away; a second signal kills. */
function stopOnSignals(stop: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    stop.abort();
  });
}

/** Whole milliseconds, at least one; undefined for anything else. Not an option parser of commander's, which would add words. */
function parseDuration(text: string): number | undefined {
  const duration = Number(text);
  return /^\d+$/.test(text) && duration > 0 && Number.isSafeInteger(duration) ? duration : undefined;
}
