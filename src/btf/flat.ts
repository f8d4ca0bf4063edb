// A whole BTF, base and all, as arrays that were checked: for passes over everything, which then need not check each step.

import { LONGEST_NAME } from '../bytes/index.js';
import { FormatError } from '../errors.js';
import { BTF_KIND, BTF_KIND_WORDS, BTF_KINDS } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import { ID_WORDS, NAME_WORDS } from './fields.js';
import type { TypeId } from './types.js';

/**
 * Types of a BTF and of what it continues. What every step of every pass asks is an array by id, void first: a call for each of these
 * questions is what a pass over a kernel's types would spend its time with, before the JIT knows better.
 */
export interface FlatBtf {
  readonly btf: Btf;
  readonly words: Uint32Array;
  /** The word at which each type starts. Void has none. */
  readonly at: Uint32Array;
  /** The BTF_KIND_ number. */
  readonly kinds: Uint8Array;
  /** Where the name stands in the strings; 0 for none. */
  readonly names: Uint32Array;
  /** A size, or the type that is referred to; what an array is of. */
  readonly thirds: Uint32Array;
  /** 1 for what another type refers to; what a function returns does not count, which is libbpf's way. */
  readonly referenced: Uint8Array;
  /** All strings; offsets in `words` count into this. Each ends with a NUL. */
  readonly strings: Uint8Array;
  readonly pointerSize: number;
}

/**
 * Every type in one place. Every id and name in it exists, and every FUNC has a FUNC_PROTO, as libbpf demands of what it reads.
 * @throws {FormatError} when that is not so, naming the type.
 * @see libbpf btf_sanity_check and btf_dump_mark_referenced, src/btf.c and src/btf_dump.c
 */
export function flatten(btf: Btf): FlatBtf {
  const types = btf.length;
  const flat: FlatBtf = {
    btf,
    ...(btf.base ? joined(btf) : whole(btf)),
    kinds: new Uint8Array(types),
    names: new Uint32Array(types),
    thirds: new Uint32Array(types),
    referenced: new Uint8Array(types),
    pointerSize: btf.pointerSize,
  };
  fill(flat);
  checkNames(flat);
  return flat;
}

type Parts = Pick<FlatBtf, 'words' | 'at' | 'strings'>;

function whole({ words, starts, strings }: Btf): Parts {
  const at = new Uint32Array(starts.length + 1);
  at.set(starts, 1);
  return { words, at, strings: strings.bytes };
}

function joined(btf: Btf): Parts {
  const chain: Btf[] = [];
  for (let part: Btf | undefined = btf; part; part = part.base) chain.unshift(part);
  const words = new Uint32Array(chain.reduce((sum, part) => sum + part.words.length, 0));
  const at = new Uint32Array(btf.length);
  const strings = new Uint8Array(btf.stringsEnd);
  let end = 0;
  for (const part of chain) {
    words.set(part.words, end);
    for (let i = 0; i < part.starts.length; i++) at[part.firstId + i] = end + (part.starts[i] as number);
    strings.set(part.strings.bytes, part.base?.stringsEnd ?? 0);
    end += part.words.length;
  }
  return { words, at, strings };
}

/** How many members, parameters or values there are. Not of void. */
export const vlenOf = ({ words, at }: FlatBtf, id: TypeId): number => (words[(at[id] as number) + 1] as number) & 0xffffff;
/** Not of void. */
export const flagOf = ({ words, at }: FlatBtf, id: TypeId): boolean => (words[(at[id] as number) + 1] as number) >>> 31 === 1;

const HEAD_WORDS = 3;
const ELEMENT_SIZE = Uint8Array.from(BTF_KIND_WORDS, ({ element }) => element);
const MOST_FIXED_IDS = Math.max(...ID_WORDS.map(({ fixed }) => fixed.length));
/** Places of ids in the fixed part, so many for each kind; 0, which is the name's, for none. */
const FIXED_IDS = Uint8Array.from(ID_WORDS.flatMap(({ fixed }) => [...fixed, ...Array(MOST_FIXED_IDS - fixed.length).fill(0)]));
const NONE = 255;
const ELEMENT_ID = Uint8Array.from(ID_WORDS, ({ element }) => element[0] ?? NONE);
const ELEMENT_NAME = Uint8Array.from(NAME_WORDS, ({ element }) => element[0] ?? NONE);

/** Fills the arrays by id, and checks what it passes. */
function fill(flat: FlatBtf): void {
  const { words, at, strings, kinds, names, thirds, referenced, btf } = flat;
  const types = at.length;
  const stringsEnd = strings.length;
  for (let id = 1; id < types; id++) {
    const start = at[id] as number;
    const name = words[start] as number;
    const info = words[start + 1] as number;
    const kind = (info >>> 24) & 0x7f;
    kinds[id] = kind;
    names[id] = name;
    thirds[id] = words[start + (kind === BTF_KIND.ARRAY ? 3 : 2)] as number;
    if (name >= stringsEnd) throw noName(flat, id, name);
    for (let i = 0; i < MOST_FIXED_IDS; i++) {
      const place = FIXED_IDS[kind * MOST_FIXED_IDS + i] as number;
      if (place === 0) break;
      const to = words[start + place] as number;
      if (to >= types) throw noType(flat, id, to);
      if (kind !== BTF_KIND.FUNC_PROTO) referenced[to] = 1;
    }
    const size = ELEMENT_SIZE[kind] as number;
    if (size !== 0) {
      const toId = ELEMENT_ID[kind] as number;
      const toName = ELEMENT_NAME[kind] as number;
      const end = start + HEAD_WORDS + (info & 0xffffff) * size;
      for (let element = start + HEAD_WORDS; element < end; element += size) {
        if (toId !== NONE) {
          const to = words[element + toId] as number;
          if (to >= types) throw noType(flat, id, to);
          referenced[to] = 1;
        }
        if (toName !== NONE && (words[element + toName] as number) >= stringsEnd)
          throw noName(flat, id, words[element + toName] as number);
      }
    }
    if (kind === BTF_KIND.FUNC && kindAt(flat, words[start + 2] as number) !== BTF_KIND.FUNC_PROTO)
      throw new FormatError(`FUNC ${id} is of type ${words[start + 2]}, which is no FUNC_PROTO`, { where: btf.where });
  }
}

/** Also of a type that is not reached yet. */
const kindAt = ({ words, at }: FlatBtf, id: TypeId): number =>
  id === 0 ? BTF_KIND.VOID : ((words[(at[id] as number) + 1] as number) >>> 24) & 0x7f;

const SPLIT = 'It is damaged, or split BTF whose base is another: name the BTF that it continues (-B FILE on the command line).';
const label = ({ kinds }: FlatBtf, id: TypeId): string => `${BTF_KINDS[kinds[id] as number]} ${id}`;
const noType = (flat: FlatBtf, id: TypeId, to: number) =>
  new FormatError(`${label(flat, id)} refers to type ${to}, but ids end at ${flat.at.length - 1}`, {
    where: flat.btf.where,
    remedy: SPLIT,
  });
const noName = (flat: FlatBtf, id: TypeId, offset: number) =>
  new FormatError(`${label(flat, id)} has a name at ${offset}, but strings end at ${flat.strings.length}`, {
    where: flat.btf.where,
    remedy: SPLIT,
  });

/** Strings may be source lines, of any length; only where one is longer than any name are the names looked at one by one. */
function checkNames(flat: FlatBtf): void {
  const { strings, words, at } = flat;
  const block = LONGEST_NAME / 2; // what is longer than a name has one of these for itself
  let isShort = true;
  for (let start = 0; start < strings.length && isShort; start += block) isShort = strings.indexOf(0, start) < start + block;
  if (isShort) return;
  const see = (id: TypeId, offset: number): void => {
    const length = strings.indexOf(0, offset) - offset;
    if (length <= LONGEST_NAME) return;
    throw new FormatError(`${label(flat, id)} has a name of ${length} bytes; a name has at most ${LONGEST_NAME}`, {
      where: flat.btf.where,
    });
  };
  for (let id = 1; id < at.length; id++) {
    const start = at[id] as number;
    const kind = flat.kinds[id] as number;
    see(id, words[start] as number);
    const toName = ELEMENT_NAME[kind] as number;
    if (toName === NONE) continue;
    const size = ELEMENT_SIZE[kind] as number;
    for (let i = 0; i < vlenOf(flat, id); i++) see(id, words[start + HEAD_WORDS + i * size + toName] as number);
  }
}
