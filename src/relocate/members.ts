// The members of a type as C code can name them: those of anonymous structs and unions are its own.

import { type Btf, resolved, type TypeId } from '../btf/index.js';

export interface NamedMember {
  readonly name: string;
  readonly type: TypeId;
  /** Whether clang can lay it out as a member of its own. */
  readonly bits: number;
}

const MOST_DEPTH = 8;
const MOST_VISITS = 4096;

/** Bounded: a hostile type is not walked to its end. */
export function membersOf(btf: Btf, id: TypeId): NamedMember[] {
  const found: NamedMember[] = [];
  let left = MOST_VISITS;
  const visit = (at: TypeId, depth: number): void => {
    const type = resolved(btf, at);
    if ((type.kind !== 'STRUCT' && type.kind !== 'UNION') || depth > MOST_DEPTH) return;
    for (const member of type.members) {
      if (left-- <= 0) return;
      if (member.name === '') visit(member.type, depth + 1);
      else found.push({ name: member.name, type: member.type, bits: member.bitfieldSize });
    }
  };
  visit(id, 0);
  return found;
}

const MOST_MOVED = 3;
const MOST_LEVELS = 3;
const MOST_STRUCTS = 256;

/** Where a member of this name is in structs that lie inside of the type, as paths: `stats.rx`. Pointers are not followed. */
export function movedTo(btf: Btf, id: TypeId, name: string): string[] {
  const found: string[] = [];
  let level: { readonly id: TypeId; readonly path: string }[] = [{ id, path: '' }];
  let left = MOST_STRUCTS;
  for (let depth = 0; depth < MOST_LEVELS && found.length < MOST_MOVED; depth++) {
    const next: typeof level = [];
    for (const { id: owner, path } of level) {
      for (const member of membersOf(btf, owner)) {
        const here = `${path}${member.name}`;
        if (depth > 0 && member.name === name) found.push(here);
        const { kind } = btf.type(resolved(btf, member.type).id);
        if ((kind === 'STRUCT' || kind === 'UNION') && left-- > 0) next.push({ id: member.type, path: `${here}.` });
      }
    }
    level = next;
  }
  return found.slice(0, MOST_MOVED);
}
