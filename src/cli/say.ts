// Lines for people beside the result.

import { printableLines } from '../bytes/index.js';

/** A line on stderr, for as long as somebody reads it. */
export function sayer(): (line: string) => void {
  let gone = false;
  process.stderr.on('error', () => {
    gone = true;
  });
  return (line) => {
    if (!gone) process.stderr.write(`${printableLines(line)}\n`);
  };
}
