// Declarations in C: a type and a name, woven into each other as C wants it.

import { FormatError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import { enumDefinition, forwardType, LONGEST_NAME, name, structDefinition, tag, typeName } from './dump-define.js';
import type { CDump } from './dump-state.js';
import { flagOf } from './flat.js';
import type { TypeId } from './types.js';

const K = BTF_KIND;
const set = (...kinds: readonly number[]): number => kinds.reduce((bits, kind) => bits | (1 << kind), 0);
/** What is printed around another type. */
const AROUND = set(K.PTR, K.VOLATILE, K.CONST, K.RESTRICT, K.FUNC_PROTO, K.TYPE_TAG, K.ARRAY);
const QUALIFIERS = set(K.VOLATILE, K.CONST, K.RESTRICT);
const MODIFIERS = QUALIFIERS | set(K.TYPE_TAG);
const DECLARABLE = set(K.VOID, K.INT, K.FLOAT, K.STRUCT, K.UNION, K.ENUM, K.ENUM64, K.FWD, K.TYPEDEF);
const isIn = (kinds: number, kind: number): boolean => ((kinds >>> kind) & 1) === 1;

const QUALIFIER_NAMES: Readonly<Record<number, string>> = {
  [K.VOLATILE]: 'volatile',
  [K.CONST]: 'const',
  [K.RESTRICT]: 'restrict',
};
/** A chain of references that is longer goes in a circle. */
const MAX_CHAIN = 10_000;

/**
 * Prints a declaration: `const char *(*name[4])(int)`. The name stands in the middle of it, so the chain of types is laid on a stack,
 * and printed from its far end: what is pointed to first, the name last.
 * @param called What is declared: the offset of its name, and the number of that name's use.
 * @see libbpf btf_dump_emit_type_decl, src/btf_dump.c
 */
export function declare(d: CDump, id: TypeId, called: number, use: number, level: number): void {
  const { flat, stack } = d;
  d.enter(id);
  const bottom = d.top;
  for (let type = id; ; ) {
    stack[d.top++] = type;
    if (!isIn(AROUND, flat.kinds[type] as number)) break;
    type = flat.thirds[type] as TypeId;
    if (d.top - bottom > MAX_CHAIN)
      throw new FormatError(`Type ${id} goes through more than ${MAX_CHAIN} references, perhaps in a circle`, {
        where: flat.btf.where,
      });
  }
  chain(d, bottom, called, use, level);
  d.top = bottom;
  d.leave();
}

/**
 * Prints what is on the stack above `bottom`.
 * @see libbpf btf_dump_emit_type_chain, src/btf_dump.c
 */
function chain(d: CDump, bottom: number, called: number, use: number, level: number): void {
  const { flat, out, stack } = d;
  let afterPointer = true; // the first `*` needs no space before it, whatever it follows
  while (d.top > bottom) {
    const id = stack[--d.top] as TypeId;
    const kind = flat.kinds[id] as number;
    switch (kind) {
      case K.PTR:
        out.ascii(afterPointer ? '*' : ' *');
        break;
      case K.VOLATILE:
      case K.CONST:
      case K.RESTRICT:
        out.ascii(' ');
        out.ascii(QUALIFIER_NAMES[kind] as string);
        break;
      case K.TYPE_TAG:
        qualifiers(d, bottom);
        out.ascii(flagOf(flat, id) ? ' __attribute__((' : ' __attribute__((btf_type_tag("');
        out.cString(flat.strings, flat.names[id] as number);
        out.ascii(flagOf(flat, id) ? '))' : '")))');
        break;
      case K.ARRAY:
        dropModifiers(d, bottom);
        inner(d, bottom, called, use, level, kind, afterPointer);
        out.ascii('[');
        out.unsigned(flat.words[(flat.at[id] as number) + 5] as number);
        out.ascii(']');
        return;
      case K.FUNC_PROTO:
        dropModifiers(d, bottom);
        inner(d, bottom, called, use, level, kind, afterPointer);
        parameters(d, id, level);
        return;
      default:
        if (!isIn(DECLARABLE, kind)) {
          d.top = bottom; // a variable, say: BTF that no compiler made
          return;
        }
        qualifiers(d, bottom);
        core(d, id, kind, level);
    }
    afterPointer = kind === K.PTR;
  }
  declared(d, called, use, afterPointer);
}

/** What everything else is around. */
function core(d: CDump, id: TypeId, kind: number, level: number): void {
  const { flat, out } = d;
  switch (kind) {
    case K.VOID:
      out.ascii('void');
      return;
    case K.INT:
    case K.FLOAT:
      out.cString(flat.strings, flat.names[id] as number);
      return;
    case K.STRUCT:
    case K.UNION:
      if (flat.names[id] === 0) structDefinition(d, id, level);
      else tag(d, id);
      return;
    case K.ENUM:
    case K.ENUM64:
      if (flat.names[id] === 0) enumDefinition(d, id, level);
      else tag(d, id);
      return;
    case K.FWD:
      forwardType(d, id);
      return;
    case K.TYPEDEF:
      typeName(d, id, d.names.typedefUse(id));
  }
}

/** Qualifiers of what is no pointer stand before it. */
function qualifiers(d: CDump, bottom: number): void {
  while (d.top > bottom) {
    const kind = d.flat.kinds[d.stack[d.top - 1] as TypeId] as number;
    if (!isIn(QUALIFIERS, kind)) return;
    d.top--;
    d.out.ascii(QUALIFIER_NAMES[kind] as string);
    d.out.ascii(' ');
  }
}
/** GCC qualifies arrays as well as their elements, and functions that do not return; C has no place for that. */
function dropModifiers(d: CDump, bottom: number): void {
  while (d.top > bottom && isIn(MODIFIERS, d.flat.kinds[d.stack[d.top - 1] as TypeId] as number)) d.top--;
}

/** What stands before the `[n]` of an array or the `(…)` of a function: its name, or all that is around it, in parentheses if need be. */
function inner(d: CDump, bottom: number, called: number, use: number, level: number, kind: number, afterPointer: boolean): void {
  const { flat, out } = d;
  if (d.top === bottom) {
    declared(d, called, use, afterPointer);
    return;
  }
  const isArray = kind === K.ARRAY;
  const isArrayOfArrays = isArray && flat.kinds[d.stack[d.top - 1] as TypeId] === K.ARRAY;
  if (!isArray || (flat.strings[called] !== 0 && !afterPointer)) out.ascii(' ');
  if (!isArrayOfArrays) out.ascii('(');
  chain(d, bottom, called, use, level);
  if (!isArrayOfArrays) out.ascii(')');
}

function parameters(d: CDump, id: TypeId, level: number): void {
  const { words, at } = d.flat;
  const { out } = d;
  const params = (at[id] as number) + 3;
  const count = (words[params - 2] as number) & 0xffffff;
  if (count === 0 || (count === 1 && words[params + 1] === 0)) {
    out.ascii('(void)'); // clang gives a function without parameters one of type void
    return;
  }
  out.ascii('(');
  for (let i = 0; i < count; i++) {
    if (i > 0) out.ascii(', ');
    const type = words[params + 2 * i + 1] as number;
    if (i === count - 1 && type === 0) out.ascii('...');
    else declare(d, type, words[params + 2 * i] as number, 1, level);
  }
  out.ascii(')');
}

function declared(d: CDump, called: number, use: number, afterPointer: boolean): void {
  if (d.flat.strings[called] === 0) return;
  if (!afterPointer) d.out.ascii(' ');
  name(d, called, use, LONGEST_NAME);
}
