// How an error ends a command: one clear message, without a stack trace, on stderr; with --json as one line on stdout.

import { BpfError, VerifierError } from '../errors.js';
import { verifierFrame } from '../load/index.js';
import { describeError, toJson } from '../run/index.js';

/** @param log Whether a verifier's whole log is printed after what it comes to. */
export function reportError(error: unknown, { json, log }: { readonly json: boolean; readonly log: boolean }): void {
  if (!(error instanceof BpfError)) {
    // Not a user's mistake but ours: show everything.
    process.stderr.write(`tsbpf: internal error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`);
    return;
  }
  if (json) {
    process.stdout.write(`${toJson({ error: describeError(error) })}\n`);
    return;
  }
  if (!(error instanceof VerifierError) || error.log === '') {
    process.stderr.write(`tsbpf: ${error.message}\n`);
    return;
  }
  process.stderr.write(`tsbpf: ${verifierFrame(error)}${log ? '' : ' (--log prints it)'}\n`);
  if (log) process.stderr.write(`${error.log.trimEnd()}\n`);
}
