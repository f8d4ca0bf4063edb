// Declarations in C: a type and a name, woven into each other as C wants it.

import { FormatError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import { enumDefinition, forwardType, name, structDefinition, tag, typeName } from './dump-define.js';
import type { CDump } from './dump-state.js';
import { flagOf, kindOf, nameOf, thirdOf } from './flat.js';
import type { TypeId } from './types.js';

const K = BTF_KIND;
const set = (...kinds: readonly number[]): number => kinds.reduce((bits, kind) => bits | (1 << kind), 0);
/** What has its type in the third word, and is printed around it. */
const AROUND = set(K.PTR, K.VOLATILE, K.CONST, K.RESTRICT, K.FUNC_PROTO, K.TYPE_TAG);
const QUALIFIERS = set(K.VOLATILE, K.CONST, K.RESTRICT);
const MODIFIERS = QUALIFIERS | set(K.TYPE_TAG);
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
  const bottom = stack.length;
  for (let type = id; ; ) {
    stack.push(type);
    const kind = kindOf(flat, type);
    if (isIn(AROUND, kind)) type = thirdOf(flat, type);
    else if (kind === K.ARRAY) type = flat.words[(flat.at[type] as number) + 3] as number;
    else break;
    if (stack.length - bottom > MAX_CHAIN)
      throw new FormatError(`Type ${id} goes through more than ${MAX_CHAIN} references, perhaps in a circle`, {
        where: flat.btf.where,
      });
  }
  new Chain(d, bottom, called, use, level).print();
  stack.length = bottom;
  d.leave();
}

/** One declaration while it is printed: its part of the stack is what lies above `bottom`. */
class Chain {
  readonly #d: CDump;
  readonly #bottom: number;
  readonly #called: number;
  readonly #use: number;
  readonly #level: number;

  constructor(d: CDump, bottom: number, called: number, use: number, level: number) {
    this.#d = d;
    this.#bottom = bottom;
    this.#called = called;
    this.#use = use;
    this.#level = level;
  }

  /** @see libbpf btf_dump_emit_type_chain, src/btf_dump.c */
  print(): void {
    const { flat, out, stack } = this.#d;
    let afterPointer = true; // the first `*` needs no space before it, whatever it follows
    while (stack.length > this.#bottom) {
      const id = stack.pop() as TypeId;
      const kind = kindOf(flat, id);
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
          this.#qualifiers();
          out.ascii(flagOf(flat, id) ? ' __attribute__((' : ' __attribute__((btf_type_tag("');
          out.cString(flat.strings, nameOf(flat, id));
          out.ascii(flagOf(flat, id) ? '))' : '")))');
          break;
        case K.ARRAY:
          this.#array(id, afterPointer);
          return;
        case K.FUNC_PROTO:
          this.#function(id, afterPointer);
          return;
        default:
          this.#qualifiers();
          if (!this.#core(id, kind)) {
            stack.length = this.#bottom; // it is no type that a declaration can have
            return;
          }
      }
      afterPointer = kind === K.PTR;
    }
    this.#name(afterPointer);
  }

  /** What everything else is around. */
  #core(id: TypeId, kind: number): boolean {
    const d = this.#d;
    const { flat, out } = d;
    switch (kind) {
      case K.VOID:
        out.ascii('void');
        return true;
      case K.INT:
      case K.FLOAT:
        out.cString(flat.strings, nameOf(flat, id));
        return true;
      case K.STRUCT:
      case K.UNION:
        if (nameOf(flat, id) === 0) structDefinition(d, id, this.#level);
        else tag(d, id);
        return true;
      case K.ENUM:
      case K.ENUM64:
        if (nameOf(flat, id) === 0) enumDefinition(d, id, this.#level);
        else tag(d, id);
        return true;
      case K.FWD:
        forwardType(d, id);
        return true;
      case K.TYPEDEF:
        typeName(d, id, d.names.typedefUse(id));
        return true;
      default:
        return false;
    }
  }

  /** Qualifiers of what is no pointer stand before it. */
  #qualifiers(): void {
    const { flat, out, stack } = this.#d;
    while (stack.length > this.#bottom) {
      const kind = kindOf(flat, stack[stack.length - 1] as TypeId);
      if (!isIn(QUALIFIERS, kind)) return;
      stack.pop();
      out.ascii(QUALIFIER_NAMES[kind] as string);
      out.ascii(' ');
    }
  }
  /** GCC qualifies arrays as well as their elements, and functions that do not return; C has no place for that. */
  #dropModifiers(): void {
    const { flat, stack } = this.#d;
    while (stack.length > this.#bottom && isIn(MODIFIERS, kindOf(flat, stack[stack.length - 1] as TypeId))) stack.pop();
  }

  #array(id: TypeId, afterPointer: boolean): void {
    const { flat, out, stack } = this.#d;
    this.#dropModifiers();
    if (stack.length === this.#bottom) this.#name(afterPointer);
    else {
      const isArrayOfArrays = kindOf(flat, stack[stack.length - 1] as TypeId) === K.ARRAY;
      if (this.#isNamed() && !afterPointer) out.ascii(' ');
      if (!isArrayOfArrays) out.ascii('(');
      this.print();
      if (!isArrayOfArrays) out.ascii(')');
    }
    out.ascii('[');
    out.unsigned(flat.words[(flat.at[id] as number) + 5] as number);
    out.ascii(']');
  }

  #function(id: TypeId, afterPointer: boolean): void {
    const d = this.#d;
    const { flat, out, stack } = d;
    const { words, at } = flat;
    this.#dropModifiers();
    if (stack.length === this.#bottom) this.#name(afterPointer);
    else {
      out.ascii(' (');
      this.print();
      out.ascii(')');
    }
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
      else declare(d, type, words[params + 2 * i] as number, 1, this.#level);
    }
    out.ascii(')');
  }

  #isNamed(): boolean {
    return this.#d.flat.strings[this.#called] !== 0;
  }
  #name(afterPointer: boolean): void {
    if (!this.#isNamed()) return;
    if (!afterPointer) this.#d.out.ascii(' ');
    name(this.#d, this.#called, this.#use, 255);
  }
}
