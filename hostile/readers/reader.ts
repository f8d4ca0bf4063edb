// A reader of foreign bytes, and what it is given.

import type { Random } from '../random.js';
import type { Stages } from '../stages.js';

/** A row of the table. */
export interface Reader {
  readonly name: string;
  readonly draw: (random: Random, notes: string[]) => Trial;
}

export interface Trial {
  /** Kept when it fails. */
  readonly input: Uint8Array | string;
  readonly run: (stages: Stages) => void;
}

/** Says that an answer is wrong although nothing was thrown. */
export class Nonsense extends Error {}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new Nonsense(what);
}

/** Output for programs. */
export function mustParse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new Nonsense(`no JSON: ${json.slice(0, 200)}`, { cause });
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get out
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;
/** Output for a terminal. */
export const mustBeTame = (text: string): void => must(!CONTROL.test(text), 'control characters reach a terminal');
