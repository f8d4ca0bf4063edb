// A type as C writes it, for messages.

import type { Btf } from './btf.js';
import type { BtfParam, BtfType, TypeId } from './types.js';

const KEYWORDS: Readonly<Partial<Record<BtfType['kind'], string>>> = {
  STRUCT: 'struct',
  UNION: 'union',
  ENUM: 'enum',
  ENUM64: 'enum',
  FWD: 'struct',
};
const MODIFIERS: Readonly<Partial<Record<BtfType['kind'], string>>> = {
  CONST: 'const',
  VOLATILE: 'volatile',
  RESTRICT: 'restrict',
};

/** What is deeper is left out; a level of parameters counts for many, because each has parameters of its own. */
const MOST_DEPTH = 16;
const PARAMS_DEPTH = 12;
const MOST_PARAMS = 6;

/** `struct task_struct *`, `const char[16]`, `u64`: short, on one line, never failing on what it meets. */
export function spell(btf: Btf, id: TypeId, depth = 0): string {
  if (id >= btf.length || depth > MOST_DEPTH) return `type ${id}`;
  const type = btf.type(id);
  switch (type.kind) {
    case 'PTR':
      return `${spell(btf, type.type, depth + 1)} *`;
    case 'ARRAY':
      return `${spell(btf, type.type, depth + 1)}[${type.nelems}]`;
    case 'CONST':
    case 'VOLATILE':
    case 'RESTRICT':
      return type.type < btf.length && btf.kind(type.type) === 'PTR' // its own, and not that of what it points to
        ? `${spell(btf, type.type, depth + 1)} ${MODIFIERS[type.kind]}`
        : `${MODIFIERS[type.kind]} ${spell(btf, type.type, depth + 1)}`;
    case 'TYPE_TAG':
    case 'DECL_TAG':
      return spell(btf, type.type, depth + 1);
    case 'FUNC_PROTO':
      return `${spell(btf, type.type, depth + 1)} (*)(${spellParams(btf, type.params, depth)})`;
    default: {
      const keyword = KEYWORDS[type.kind];
      return keyword ? `${keyword} ${type.name || '<anon>'}` : type.name || '<anon>';
    }
  }
}

function spellParams(btf: Btf, params: readonly BtfParam[], depth: number): string {
  const shown = params.slice(0, MOST_PARAMS).map((param) => spell(btf, param.type, depth + PARAMS_DEPTH));
  return (params.length > MOST_PARAMS ? [...shown, '…'] : shown).join(', ');
}
