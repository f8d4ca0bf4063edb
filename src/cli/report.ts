// How an error ends a command: one clear message, without a stack trace, on stderr; with --json as one line on stdout.

import { BpfError, VerifierError } from '../errors.js';
import { describeError, toJson } from '../run/index.js';

const LOG_LINES = 20;

export function reportError(error: unknown, json: boolean): void {
  if (!(error instanceof BpfError)) {
    // Not a user's mistake but ours: show everything.
    process.stderr.write(`tsbpf: internal error, please report it\n${error instanceof Error ? error.stack : String(error)}\n`);
    return;
  }
  if (json) {
    process.stdout.write(`${toJson({ error: describeError(error) })}\n`);
    return;
  }
  process.stderr.write(`tsbpf: ${error.message}\n`);
  if (error instanceof VerifierError) process.stderr.write(`${lastLines(error.log)}\n`);
}

function lastLines(log: string): string {
  const lines = log.trimEnd().split('\n');
  const left = lines.length - LOG_LINES;
  return `${left > 0 ? `… ${left} lines before\n` : ''}${lines.slice(-LOG_LINES).join('\n')}`;
}
