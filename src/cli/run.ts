// `tsbpf run <tool>`: the bundled tools.

import { Command } from 'commander';
import { bootstrap, MAX_DURATION_MS } from '../run/index.js';
import { shownOn } from './output.js';
import { sayer } from './say.js';
import { print, stopOnSignals } from './signals.js';
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
    .option('-j, --json', 'print one JSON object per event and line')
    .option('--log', "print the verifier's whole log if the kernel refuses a program")
    .option('--btf <file>', "take the kernel's types from this file: raw BTF, or ELF with a .BTF section")
    .addHelpText('after', '\nExample: sudo npx tsbpf run bootstrap --duration 100')
    .action(async (flags: BootstrapFlags, command: Command) => {
      const durationMs = flags.duration === undefined ? 0 : parseDuration(flags.duration);
      if (durationMs === undefined) command.error(`Invalid duration: ${flags.duration}`);
      const stop = new AbortController();
      stopOnSignals(stop);
      const say = sayer();
      await bootstrap({
        durationMs,
        json: flags.json ?? false,
        write: (text) => print(shownOn(process.stdout, text, flags.json ? 'json' : 'text'), stop.signal),
        warn: (message) => say(`tsbpf: ${message}`),
        signal: stop.signal,
        open: flags.btf === undefined ? {} : { btf: flags.btf },
        load: flags.verbose ? verbose(say) : {},
      });
    });
}

/**
 * Whole milliseconds, at least one, and no more than the program can be told; undefined for anything else. Not an option parser
 * of commander's, which would add words.
 */
function parseDuration(text: string): number | undefined {
  const duration = Number(text);
  return /^\d+$/.test(text) && duration > 0 && duration <= MAX_DURATION_MS ? duration : undefined;
}
