// Types by name, or by a pattern with `*`.

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

/** Ids of all types of this name, base and all, whatever their kind, in ascending order. */
export function typesLike(btf: Btf, pattern: string): TypeId[] {
  const found: TypeId[] = [];
  for (let id = 1; id < btf.length; id++) {
    if (btf.nameOffset(id) !== 0 && isLike(pattern, btf.name(id))) found.push(id);
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
