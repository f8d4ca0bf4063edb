// How an error ends a command: one clear message, without a stack trace, on stderr; with --json as one line on stdout.

import { printable, printableLines, wrapped } from '../bytes/index.js';
import { BpfError, VerifierError } from '../errors.js';
import { verifierFrame } from '../load/index.js';
import { describeError, toJson } from '../run/index.js';
import { terminalWidth } from './look.js';
import { printJsonLine } from './output.js';

/** Of what is no terminal. */
const WIDTH = 124;
const HANGING = '    ';

/** @param log Whether a verifier's whole log is printed after what it comes to. */
export function reportError(error: unknown, { json, log }: { readonly json: boolean; readonly log: boolean }): void {
  if (!(error instanceof BpfError)) {
    // Not a user's mistake but ours: show everything.
    if (json) printJsonLine(toJson({ error: internal(error) }));
    const shown = printableLines(`${error instanceof Error ? error.stack : String(error)}`);
    process.stderr.write(`tsbpf: internal error, please report it\n${shown}\n`);
    return;
  }
  if (json) printJsonLine(errorJson(error));
  else process.stderr.write(`${errorText(error, { log, width: terminalWidth(process.stderr) })}\n`);
}

const internal = (error: unknown): Record<string, unknown> => ({
  code: 'ERR_TSBPF_INTERNAL',
  message: error instanceof Error ? error.message : String(error),
  where: {},
  remedy: 'This is a mistake in tsbpf: please report it with what stands on stderr.',
});

export const errorJson = (error: BpfError): string => toJson({ error: describeError(error) });

/**
 * What is printed of an error. A refusal with a log is a screen of its own. What files and objects are called is foreign text.
 * @param width Of the terminal, if it is one.
 */
export function errorText(
  error: BpfError,
  { log, width }: { readonly log: boolean; readonly width?: number | undefined },
): string {
  if (!(error instanceof VerifierError) || error.log === '') {
    const columns = (width ?? WIDTH) - HANGING.length;
    const [what = '', ...remedy] = `tsbpf: ${error.message}`.split('\n').map(printable);
    const [first = '', ...rest] = wrapped(what, columns);
    return [first, ...rest.map((line) => HANGING + line), ...remedy.flatMap((line) => wrapped(line, columns))].join('\n');
  }
  return `tsbpf: ${verifierFrame(error, width)}${log ? `\n${printableLines(error.log.trimEnd())}` : ' (--log prints it)'}`;
}
