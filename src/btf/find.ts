// Types by name, or by a pattern with `*`.

import { BTF_KIND } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import type { BtfType, TypeId } from './types.js';

/** Whether `name` is what `pattern` says, in which `*` stands for any characters. Without backtracking into what matched. */
export function isLike(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return name === pattern;
  if (!name.startsWith(first)) return false;
  const last = rest.pop() as string;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** The words that may stand before a name, as `struct` does, and the numbers of the kinds that they are. */
const WORDS: Readonly<Record<string, readonly number[]>> = {
  ...Object.fromEntries(Object.entries(BTF_KIND).map(([kind, number]) => [kind.toLowerCase(), [number]])),
  enum: [BTF_KIND.ENUM, BTF_KIND.ENUM64],
};

/** `struct file` as its kind and its name. Names of integers have blanks as well, and begin with no kind. */
export function splitKind(said: string): { readonly kind?: string; readonly name: string } {
  const [, kind = '', name = ''] = /^(\w+) +(\S.*)$/.exec(said) ?? [];
  return Object.hasOwn(WORDS, kind) ? { kind, name } : { name: said };
}

/**
 * Ids of all types of this name, base and all, in ascending order: of any kind, or of that which stands before the name, as in
 * `struct file` and `func vfs_*`.
 */
export function typesLike(btf: Btf, pattern: string): TypeId[] {
  const { kind, name } = splitKind(pattern);
  const kinds = kind === undefined ? undefined : WORDS[kind];
  const found: TypeId[] = [];
  for (let id = 1; id < btf.length; id++) {
    if (kinds && !kinds.includes(btf.kindNumber(id))) continue;
    if (btf.nameOffset(id) !== 0 && isLike(name, btf.name(id))) found.push(id);
  }
  return found;
}

/** How many parts a type has, and what they are called. */
export function partsOf(type: BtfType): { readonly count: number; readonly of: string } | undefined {
  if ('members' in type) return { count: type.members.length, of: 'members' };
  if ('values' in type) return { count: type.values.length, of: 'enumerators' };
  if ('vars' in type) return { count: type.vars.length, of: 'variables' };
  return undefined;
}
