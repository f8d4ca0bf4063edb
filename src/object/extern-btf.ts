// Externs in BTF: the kernel takes no extern variables or functions in a data section, so .kconfig gets the layout of its map, and
// everything in .ksyms is declared an int.

import { Btf, type BtfType, type TypeId, typesOf } from '../btf/index.js';
import { region, toCString } from '../bytes/index.js';
import { FormatError } from '../errors.js';
import { BTF_FUNC_GLOBAL, BTF_INT_SIGNED, BTF_KIND, BTF_VAR_GLOBAL_ALLOCATED } from '../uapi/btf.js';
import type { Extern } from './object.js';

/** Word positions behind the three that all types share. */
const HEAD = 3;
const SECINFO_WORDS = 3;
const PARAM_WORDS = 2;
const INT_BITS = 32;
const INT_BYTES = 4;
/** What stands for a function in a data section, and for the name of a parameter that has none. */
const DUMMY = 'dummy_ksym';

/**
 * A copy in which externs are ordinary variables.
 * @throws {FormatError} for a variable of one of these sections that no symbol declares.
 * @see libbpf bpf_object__collect_externs, src/libbpf.c
 */
export function declareExterns(btf: Btf, externs: readonly Extern[]): Btf {
  if (externs.length === 0) return btf;
  const draft = new Draft(btf);
  for (const id of typesOf(btf, 'DATASEC')) {
    const type = btf.type(id);
    if (type.kind !== 'DATASEC') continue;
    const own = new Map(externs.flatMap((extern) => (extern.section === type.name ? [[extern.name, extern]] : [])));
    if (own.size === 0) continue;
    const at = draft.at(id);
    let end = 0;
    for (const [i, { type: listed }] of type.vars.entries()) {
      const member = btf.type(listed);
      const extern = own.get(member.name);
      if (!extern || (member.kind !== 'VAR' && (member.kind !== 'FUNC' || extern.kind === 'kconfig')))
        throw new FormatError(`BTF lists ${member.name || member.kind} in ${type.name}, but no symbol declares it`, {
          where: { ...btf.where, type: type.name },
        });
      const secinfo = at + HEAD + i * SECINFO_WORDS;
      if (extern.kind === 'kconfig') {
        draft.words[draft.at(listed) + HEAD] = BTF_VAR_GLOBAL_ALLOCATED;
        draft.words[secinfo + 1] = extern.offset;
        end = Math.max(end, extern.offset + extern.size);
      } else {
        draft.words.set([declareKsym(draft, btf, member), end, INT_BYTES], secinfo);
        end += INT_BYTES;
      }
    }
    draft.words[at + 2] = end;
  }
  return draft.finish();
}

/** Returns what the data section is to list. */
function declareKsym(draft: Draft, btf: Btf, member: BtfType): TypeId {
  const at = draft.at(member.id);
  if (member.kind !== 'FUNC') {
    draft.words[at + 2] = draft.int;
    draft.words[at + HEAD] = BTF_VAR_GLOBAL_ALLOCATED;
    return member.id;
  }
  draft.words[at + 1] = (((draft.words[at + 1] as number) & ~0xffffff) | BTF_FUNC_GLOBAL) >>> 0;
  if (!draft.named.has(member.type)) nameParams(draft, btf.type(member.type));
  draft.named.add(member.type);
  return draft.dummy.id;
}

function nameParams(draft: Draft, proto: BtfType): void {
  if (proto.kind !== 'FUNC_PROTO') return;
  for (const [i, param] of proto.params.entries())
    if (param.type !== 0 && param.name === '') draft.words[draft.at(proto.id) + HEAD + i * PARAM_WORDS] = draft.dummy.name;
}

/** BTF that is being changed: its words in place, with types and strings behind its own. */
class Draft {
  readonly words: Uint32Array;
  /** Function types whose parameters have names by now: many functions may share one. */
  readonly named = new Set<TypeId>();
  readonly #btf: Btf;
  readonly #added: (readonly number[])[] = [];
  readonly #strings: Uint8Array[] = [];
  #int: TypeId | undefined;
  #dummy: { readonly id: TypeId; readonly name: number } | undefined;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.words = btf.words.slice();
  }
  at(id: TypeId): number {
    return this.#btf.starts[id - this.#btf.firstId] as number;
  }
  /** The first 32-bit integer. There is one wherever anything is an int; for the rest one is made, where libbpf gives up on BTF. */
  get int(): TypeId {
    this.#int ??= firstInt(this.#btf) ?? this.#add('int', BTF_KIND.INT, INT_BYTES, (BTF_INT_SIGNED << 24) | INT_BITS).id;
    return this.#int;
  }
  get dummy() {
    this.#dummy ??= this.#add(DUMMY, BTF_KIND.VAR, this.int, BTF_VAR_GLOBAL_ALLOCATED);
    return this.#dummy;
  }
  #add(text: string, kind: number, third: number, fourth: number): { readonly id: TypeId; readonly name: number } {
    const name = this.#strings.reduce((end, { length }) => end + length, this.#btf.stringsEnd);
    this.#strings.push(toCString(text));
    this.#added.push([name, (kind << 24) >>> 0, third, fourth]);
    return { id: this.#btf.length + this.#added.length - 1, name };
  }
  finish(): Btf {
    const { starts, strings, base } = this.#btf;
    const end = this.words.length;
    const size = HEAD + 1;
    return new Btf({
      words: extended(this.words, this.#added.flat()),
      starts: extended(
        starts,
        this.#added.map((_, i) => end + i * size),
      ),
      strings: region(joined([strings.bytes, ...this.#strings]), strings.where, strings.littleEndian),
      base,
      pointerSize: 8,
    });
  }
}

function firstInt(btf: Btf): TypeId | undefined {
  for (const id of typesOf(btf, 'INT')) {
    const type = btf.type(id);
    if (type.kind === 'INT' && type.bits === INT_BITS) return id;
  }
  return undefined;
}

function extended(words: Uint32Array, more: readonly number[]): Uint32Array {
  const all = new Uint32Array(words.length + more.length);
  all.set(words);
  all.set(more, words.length);
  return all;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
