// C text of declarations, for what people are told to write.

import { type Btf, skipModsAndTypedefs, spell, type TypeId } from '../btf/index.js';

const MOST_DEPTH = 32;

/**
 * `int x`, `char comm[16]`, `struct file *file`. Pointers to functions become `void *`, and anonymous types their keyword: what a
 * flavor is for is where a member lies, not what it points to.
 */
export function declare(btf: Btf, id: TypeId, name: string, depth = 0): string {
  if (depth > MOST_DEPTH) return `${spell(btf, id)} ${name}`; // types in a circle
  const type = btf.type(id);
  switch (type.kind) {
    case 'ARRAY':
      return declare(btf, type.type, `${name}[${type.nelems || ''}]`, depth + 1);
    case 'PTR':
      return `${pointee(btf, type.type)} *${name}`;
    case 'CONST':
    case 'VOLATILE':
    case 'RESTRICT':
    case 'TYPE_TAG':
      return declare(btf, type.type, name, depth + 1);
    default:
      return `${spell(btf, id)} ${name}`;
  }
}

function pointee(btf: Btf, id: TypeId): string {
  const plain = btf.type(skipModsAndTypedefs(btf, id));
  if (plain.kind === 'VOID' || plain.kind === 'FUNC_PROTO' || plain.kind === 'PTR' || plain.kind === 'ARRAY') return 'void';
  const text = spell(btf, id);
  return text.includes('<anon>') ? 'void' : text;
}
