// What an extern comes to on a kernel, in a word or two.

import { printable } from '../bytes/index.js';
import type { ExternCheck } from '../check/index.js';

const LONGEST_VALUE = 24;

/** The value of a setting, or whether and where a symbol is; `?` where what is given does not tell. */
export function externText({ section, found, value, module, verdict }: ExternCheck): string {
  const there = section === '.kconfig' ? (value ?? 'set') : module === undefined ? 'there' : `in ${module}`;
  const absent = section === '.kconfig' ? (verdict === 'red' ? 'NO VALUE' : 'not set') : verdict === 'red' ? 'MISSING' : 'none';
  const text = found === undefined ? '?' : { there, differs: verdict === 'red' ? 'DIFFERS' : 'differs', absent }[found];
  return cut(printable(text), LONGEST_VALUE);
}

export const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);
