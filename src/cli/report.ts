// How an error ends a command: one clear message, without a stack trace, on stderr; with --json as one line on stdout.

import { wrapped } from '../bytes/index.js';
import { BpfError, VerifierError } from '../errors.js';
import { verifierFrame } from '../load/index.js';
import { describeError, toJson } from '../run/index.js';

const COLUMNS = 120;

/** @param log Whether a verifier's whole log is printed after what it comes to. */
export function reportError(error: unknown, { json, log }: { readonly json: boolean; readonly log: boolean }): void {
  if (!(error instanceof BpfError)) {
    // Not a user's mistake but ours: show everything.
    if (json) process.stdout.write(`${toJson({ error: internal(error) })}\n`);
    process.stderr.write(`tsbpf: internal error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`);
    return;
  }
  if (json) process.stdout.write(`${errorJson(error)}\n`);
  else process.stderr.write(`${errorText(error, { log })}\n`);
}

const internal = (error: unknown): Record<string, unknown> => ({
  code: 'ERR_TSBPF_INTERNAL',
  message: error instanceof Error ? error.message : String(error),
  where: {},
  remedy: 'This is a mistake in tsbpf: please report it with what stands on stderr.',
});

export const errorJson = (error: BpfError): string => toJson({ error: describeError(error) });

/** What is printed of an error. A refusal with a log is a screen of its own. */
export function errorText(error: BpfError, { log }: { readonly log: boolean }): string {
  if (!(error instanceof VerifierError) || error.log === '') {
    const [what = '', ...remedy] = `tsbpf: ${error.message}`.split('\n');
    const [first = '', ...rest] = wrapped(what, COLUMNS);
    return [first, ...rest.map((line) => `    ${line}`), ...remedy.flatMap((line) => wrapped(line, COLUMNS))].join('\n');
  }
  return `tsbpf: ${verifierFrame(error)}${log ? `\n${error.log.trimEnd()}` : ' (--log prints it)'}`;
}
