// How pages look where they are printed: as wide as the terminal, in colours unless NO_COLOR is set; a pipe gets neither.

import { ANSI, type Look, NO_PAINT } from '../run/index.js';

const USUAL_WIDTH = 100;
const LEAST_WIDTH = 60;
/** Longer lines are hard to read, however wide the terminal. */
const MOST_WIDTH = 140;

export function lookOf(stream: NodeJS.WriteStream): Look {
  const { NO_COLOR, TERM } = process.env;
  const colours = stream.isTTY && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
  const width = stream.isTTY ? Math.min(Math.max(stream.columns ?? USUAL_WIDTH, LEAST_WIDTH), MOST_WIDTH) : USUAL_WIDTH;
  return { width, paint: colours ? ANSI : NO_PAINT };
}

/** Undefined for what is no terminal. */
export const terminalWidth = (stream: NodeJS.WriteStream): number | undefined =>
  stream.isTTY ? lookOf(stream).width : undefined;
