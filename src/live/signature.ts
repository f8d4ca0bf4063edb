// A type as bpftool writes it above the instructions of a function: `int handle(void * ctx)`.

import type { Btf, BtfOf, TypeId } from '../btf/index.js';
import { FormatError } from '../errors.js';

/** bpftool has room for so much, and shows nothing at all of what is longer. */
const LONGEST = 1023;
const MOST_DEPTH = 64;

/** Empty for what cannot be written. @see bpftool btf_dumper_type_only, btf_dumper.c */
export function signature(btf: Btf, id: TypeId): string {
  try {
    const text = typeText(btf, id, '', 0);
    return text.length > LONGEST ? '' : text;
  } catch (error) {
    if (error instanceof FormatError) return '';
    throw error;
  }
}

/** `before` with the type behind it. */
function typeText(btf: Btf, id: TypeId, before: string, depth: number): string {
  if (id === 0) return `${before}void `;
  if (depth > MOST_DEPTH) throw new FormatError('A type is nested too deep', { where: btf.where });
  const type = btf.type(id);
  switch (type.kind) {
    case 'INT':
    case 'TYPEDEF':
    case 'FLOAT':
      return `${before}${type.name} `;
    case 'STRUCT':
      return `${before}struct ${type.name} `;
    case 'UNION':
      return `${before}union ${type.name} `;
    case 'ENUM':
    case 'ENUM64':
      return `${before}enum ${type.name} `;
    case 'FWD':
      return `${before}${type.union ? 'union' : 'struct'} ${type.name} `;
    case 'ARRAY':
      return `${typeText(btf, type.type, before, depth + 1)}[${type.nelems}]`;
    case 'PTR':
      return `${typeText(btf, type.type, before, depth + 1)}* `;
    case 'VOLATILE':
    case 'CONST':
    case 'RESTRICT':
      return typeText(btf, type.type, `${before}${type.kind.toLowerCase()} `, depth + 1);
    case 'TYPE_TAG':
      return typeText(btf, type.type, before, depth + 1);
    case 'FUNC_PROTO':
      return funcText(btf, type, '', before, depth);
    case 'FUNC': {
      const proto = btf.type(type.type);
      if (proto.kind !== 'FUNC_PROTO') throw new FormatError('A function has no prototype', { where: btf.where });
      return funcText(btf, proto, type.name, before, depth);
    }
    default:
      throw new FormatError(`${type.kind} has no place in a prototype`, { where: btf.where });
  }
}

function funcText(btf: Btf, proto: BtfOf<'FUNC_PROTO'>, name: string, before: string, depth: number): string {
  let text = `${typeText(btf, proto.type, before, depth + 1)}${name}(`;
  for (const [i, param] of proto.params.entries()) {
    if (i > 0) text += ', ';
    if (param.type === 0) text += '...';
    else {
      text = typeText(btf, param.type, text, depth + 1);
      if (param.name) text += param.name;
      else if (text.endsWith(' ')) text = text.slice(0, -1);
    }
  }
  return `${text})`;
}
