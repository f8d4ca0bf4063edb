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

/** What is deeper is left out, and parameters of parameters, each of which could have as many. */
const MOST_DEPTH = 16;
const MOST_PARAMS = 16;

/** `struct task_struct *`, `const char[16]`, `int (*)(u64)`, also of the function itself: on one line, never failing on what it meets. */
export function spell(btf: Btf, id: TypeId): string {
  return spellWith(btf, id, spellParams);
}

/** The two halves of a declaration: `int` and `(*read)(struct file *)`, `char` and `comm[16]`, `struct file *` and `f`. */
export function declarationOf(btf: Btf, id: TypeId, name: string): Declaration {
  return declare({ btf, params: spellParams }, id, [], name, 0);
}
export type Declaration = readonly [type: string, name: string];

type Params = (btf: Btf, params: readonly BtfParam[]) => string;

function spellWith(btf: Btf, id: TypeId, params: Params): string {
  const isFunction = id < btf.length && btf.kind(id) === 'FUNC_PROTO';
  const [type, name] = declare({ btf, params }, id, isFunction ? ['*'] : [], '', 0);
  return `${type}${name === '' || name.startsWith('[') ? '' : ' '}${name}`;
}

/** @param stars What stands between the type and the name: stars, and what is said of the pointers that they are. */
function declare(
  by: { readonly btf: Btf; readonly params: Params },
  id: TypeId,
  stars: readonly string[],
  name: string,
  depth: number,
): Declaration {
  const { btf, params } = by;
  const plain = (text: string): Declaration => [[text, ...stars].join(' '), name];
  if (id >= btf.length || depth > MOST_DEPTH) return plain(`type ${id}`);
  const type = btf.type(id);
  switch (type.kind) {
    case 'PTR':
      return declare(by, type.type, ['*', ...stars], name, depth + 1);
    case 'ARRAY':
      return declare(by, type.type, [], `${inside(stars, name)}[${type.nelems}]`, depth + 1);
    case 'FUNC_PROTO':
      return declare(by, type.type, [], `${inside(stars, name)}(${params(btf, type.params)})`, depth + 1);
    case 'CONST':
    case 'VOLATILE':
    case 'RESTRICT': {
      const word = type.kind.toLowerCase();
      if (isPointer(btf, type.type)) return declare(by, type.type, [word, ...stars], name, depth + 1); // its own, and not that of what it points to
      const [text, declared] = declare(by, type.type, stars, name, depth + 1);
      return [text.startsWith(`${word} `) ? text : `${word} ${text}`, declared]; // an array of const elements may be const too
    }
    case 'TYPE_TAG':
    case 'DECL_TAG':
      return declare(by, type.type, stars, name, depth + 1);
    default: {
      const keyword = KEYWORDS[type.kind];
      return plain(keyword ? `${keyword} ${type.name || '<anon>'}` : type.name || '<anon>');
    }
  }
}

/** Arrays and parameters bind closer than stars: `(*name)`, `(*const name)`, `(*const[2])`. */
function inside(stars: readonly string[], name: string): string {
  if (stars.length === 0) return name;
  const words = stars.map((word) => (word === '*' ? word : `${word} `)).join('');
  return `(${name === '' || name.startsWith('[') ? words.trimEnd() : words}${name})`;
}

function isPointer(btf: Btf, id: TypeId): boolean {
  let at = id;
  for (let depth = 0; depth < MOST_DEPTH && at < btf.length; depth++) {
    const type = btf.type(at);
    if (type.kind === 'PTR') return true;
    if (type.kind !== 'CONST' && type.kind !== 'VOLATILE' && type.kind !== 'RESTRICT' && type.kind !== 'TYPE_TAG') return false;
    at = type.type;
  }
  return false;
}

function spellParams(btf: Btf, params: readonly BtfParam[]): string {
  const shown = params
    .slice(0, MOST_PARAMS)
    .map(({ name, type }, i) => (type === 0 && name === '' && i === params.length - 1 ? '...' : spellWith(btf, type, noParams)));
  return (params.length > MOST_PARAMS ? [...shown, '…'] : shown).join(', ') || 'void';
}
const noParams: Params = (_, params) => (params.length > 0 ? '…' : 'void');
