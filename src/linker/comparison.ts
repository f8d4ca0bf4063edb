// Types of two files side by side: what of one contradicts the other.

import { type Btf, type BtfType, skipModsAndTypedefs, type TypeId } from '../btf/index.js';
import { BTF_FUNC_STATIC, BTF_VAR_STATIC } from '../uapi/btf.js';

/** Types nest no deeper than this in C that people write; a hostile file would use up the stack. */
const DEEPEST = 200;

/** Compares types of two BTFs. What was found to fit is not looked at again. */
export class Comparison {
  readonly #first: Btf;
  readonly #second: Btf;
  readonly #fits = new Set<number>();

  constructor(first: Btf, second: Btf) {
    this.#first = first;
    this.#second = second;
  }

  /**
   * What is different, in words; undefined for what fits.
   * @param exact Whether structs must have the same members; behind a pointer it is enough that their names are the same.
   * @see libbpf glob_sym_btf_matches, src/linker.c
   */
  difference(id1: TypeId, id2: TypeId, exact: boolean, depth: number): string | undefined {
    const a = this.#first.type(skipModsAndTypedefs(this.#first, id1));
    const b = this.#second.type(skipModsAndTypedefs(this.#second, id2));
    const key = (a.id * this.#second.length + b.id) * 2 + (exact ? 1 : 0);
    if (this.#fits.has(key)) return undefined;
    if (depth > DEEPEST) return 'their types nest too deep';
    this.#fits.add(key); // if not, the first difference ends it all
    if (!exact && (a.kind === 'FWD') !== (b.kind === 'FWD')) return declarationDifference(a, b);
    if (a.kind !== b.kind) return `${describe(a)} against ${describe(b)}`;
    if (NAMED.has(a.kind) && a.name !== b.name) return `${describe(a)} against ${describe(b)}`;
    return this.#bodies(a, b, exact, depth + 1);
  }

  #bodies(a: BtfType, b: BtfType, exact: boolean, depth: number): string | undefined {
    switch (a.kind) {
      case 'INT':
      case 'FLOAT':
      case 'ENUM':
      case 'ENUM64': // neither signs nor enumerators, so that a declaration may be of another header's age
        return 'size' in b && a.size !== b.size
          ? `${describe(a)} of ${a.size} bytes against ${describe(b)} of ${b.size}`
          : undefined;
      case 'PTR':
        return b.kind === 'PTR' ? this.difference(a.type, b.type, false, depth) : undefined;
      case 'ARRAY': // a declaration may leave the length open
        return b.kind === 'ARRAY' ? this.difference(a.type, b.type, exact, depth) : undefined;
      case 'FUNC':
        if (b.kind === 'FUNC' && (a.linkage === BTF_FUNC_STATIC) !== (b.linkage === BTF_FUNC_STATIC))
          return 'one of them is static';
        return b.kind === 'FUNC' ? this.difference(a.type, b.type, exact, depth) : undefined;
      case 'VAR':
        if (b.kind === 'VAR' && (a.linkage === BTF_VAR_STATIC) !== (b.linkage === BTF_VAR_STATIC)) return 'one of them is static';
        return b.kind === 'VAR' ? this.difference(a.type, b.type, exact, depth) : undefined;
      case 'STRUCT':
      case 'UNION':
        return exact ? this.#members(a, b, depth) : undefined;
      case 'FUNC_PROTO':
        return this.#parameters(a, b, exact, depth);
      case 'VOID':
      case 'FWD':
        return undefined;
      default:
        return `${describe(a)} cannot be compared`;
    }
  }

  #members(a: BtfType, b: BtfType, depth: number): string | undefined {
    if (!('members' in a && 'members' in b)) return undefined;
    if (a.members.length !== b.members.length)
      return `${describe(a)} has ${a.members.length} members in one and ${b.members.length} in the other`;
    for (const [i, member] of a.members.entries()) {
      const other = b.members[i];
      if (!other) continue;
      const inside = `member ${i} of ${describe(a)}`;
      if (member.name !== other.name)
        return `${inside} is ${member.name || 'anonymous'} in one and ${other.name || 'anonymous'} in the other`;
      if (member.bitOffset !== other.bitOffset || member.bitfieldSize !== other.bitfieldSize)
        return `${inside}, ${member.name}, is at bit ${member.bitOffset} in one and ${other.bitOffset} in the other`;
      const difference = this.difference(member.type, other.type, true, depth);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  #parameters(a: BtfType, b: BtfType, exact: boolean, depth: number): string | undefined {
    if (!(a.kind === 'FUNC_PROTO' && b.kind === 'FUNC_PROTO')) return undefined;
    if (a.params.length !== b.params.length)
      return `it takes ${a.params.length} parameters in one and ${b.params.length} in the other`;
    for (const [i, { type }] of a.params.entries()) {
      const difference = this.difference(type, b.params[i]?.type ?? 0, exact, depth);
      if (difference !== undefined) return difference;
    }
    return this.difference(a.type, b.type, exact, depth);
  }
}

const NAMED = new Set<BtfType['kind']>(['STRUCT', 'UNION', 'ENUM', 'ENUM64', 'FWD', 'FUNC', 'VAR']);

function declarationDifference(a: BtfType, b: BtfType): string | undefined {
  const [declared, defined] = a.kind === 'FWD' ? [a, b] : [b, a];
  if (declared.kind !== 'FWD') return undefined;
  const fits = declared.name === defined.name && defined.kind === (declared.union ? 'UNION' : 'STRUCT');
  return fits ? undefined : `${describe(a)} against ${describe(b)}`;
}

const WORDS: Partial<Record<BtfType['kind'], string>> = {
  PTR: 'pointer',
  FUNC: 'function',
  FUNC_PROTO: 'function',
  VAR: 'variable',
  ENUM64: 'enum',
};
function describe(type: BtfType): string {
  if (type.kind === 'INT' || type.kind === 'FLOAT' || type.kind === 'VOID') return type.name;
  const kind = type.kind === 'FWD' ? (type.union ? 'union' : 'struct') : (WORDS[type.kind] ?? type.kind.toLowerCase());
  return type.name ? `${kind} ${type.name}` : kind;
}
