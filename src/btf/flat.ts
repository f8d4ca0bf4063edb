// A whole BTF, base and all, as one array that was checked: for passes over everything, which then need not check each step.

import { LONGEST_NAME } from '../bytes/index.js';
import { FormatError } from '../errors.js';
import { BTF_KIND, BTF_KIND_WORDS, BTF_KINDS } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import { ID_WORDS, NAME_WORDS } from './fields.js';
import type { TypeId } from './types.js';

/** Types of a BTF and of what it continues, under their ids. The first three words are void. */
export interface FlatBtf {
  readonly btf: Btf;
  readonly words: Uint32Array;
  /** The word at which each type starts, by id. */
  readonly at: Uint32Array;
  /** All strings; offsets in `words` count into this. Each ends with a NUL. */
  readonly strings: Uint8Array;
  readonly pointerSize: number;
}

const VOID_WORDS = 3;

/**
 * Every type in one place. Every id and name in it exists, and every FUNC has a FUNC_PROTO, as libbpf demands of what it reads.
 * @throws {FormatError} when that is not so, naming the type.
 * @see libbpf btf_sanity_check, src/btf.c
 */
export function flatten(btf: Btf): FlatBtf {
  const chain: Btf[] = [];
  for (let part: Btf | undefined = btf; part; part = part.base) chain.unshift(part);
  const flat: FlatBtf = {
    btf,
    words: new Uint32Array(chain.reduce((sum, { words }) => sum + words.length, VOID_WORDS)),
    at: new Uint32Array(btf.length),
    strings: chain.length === 1 ? btf.strings.bytes : new Uint8Array(btf.stringsEnd),
    pointerSize: btf.pointerSize,
  };
  let end = VOID_WORDS;
  for (const part of chain) {
    flat.words.set(part.words, end);
    for (let i = 0; i < part.starts.length; i++) flat.at[part.firstId + i] = end + (part.starts[i] as number);
    end += part.words.length;
    if (chain.length > 1) flat.strings.set(part.strings.bytes, part.base?.stringsEnd ?? 0);
  }
  check(flat);
  return flat;
}

export const kindOf = ({ words, at }: FlatBtf, id: TypeId): number => ((words[(at[id] as number) + 1] as number) >>> 24) & 0x7f;
export const vlenOf = ({ words, at }: FlatBtf, id: TypeId): number => (words[(at[id] as number) + 1] as number) & 0xffffff;
export const flagOf = ({ words, at }: FlatBtf, id: TypeId): boolean => (words[(at[id] as number) + 1] as number) >>> 31 === 1;
/** The offset of the name; 0 for none. */
export const nameOf = ({ words, at }: FlatBtf, id: TypeId): number => words[at[id] as number] as number;
/** The third word: a size, or the type that is referred to. */
export const thirdOf = ({ words, at }: FlatBtf, id: TypeId): number => words[(at[id] as number) + 2] as number;

const HEAD_WORDS = 3;
const ELEMENT_SIZE = Uint8Array.from(BTF_KIND_WORDS, ({ element }) => element);
const MOST_FIXED_IDS = Math.max(...ID_WORDS.map(({ fixed }) => fixed.length));
/** Places of ids in the fixed part, so many for each kind; 0, which is the name's, for none. */
const FIXED_IDS = Uint8Array.from(ID_WORDS.flatMap(({ fixed }) => [...fixed, ...Array(MOST_FIXED_IDS - fixed.length).fill(0)]));
const NONE = 255;
const ELEMENT_ID = Uint8Array.from(ID_WORDS, ({ element }) => element[0] ?? NONE);
const ELEMENT_NAME = Uint8Array.from(NAME_WORDS, ({ element }) => element[0] ?? NONE);

function check(flat: FlatBtf): void {
  const { words, at, strings, btf } = flat;
  const types = at.length;
  const names = strings.length;
  for (let id = 1; id < types; id++) {
    const start = at[id] as number;
    if ((words[start] as number) >= names) throw noName(flat, id, words[start] as number);
    const info = words[start + 1] as number;
    const kind = (info >>> 24) & 0x7f;
    for (let i = 0; i < MOST_FIXED_IDS; i++) {
      const place = FIXED_IDS[kind * MOST_FIXED_IDS + i] as number;
      if (place !== 0 && (words[start + place] as number) >= types) throw noType(flat, id, words[start + place] as number);
    }
    const size = ELEMENT_SIZE[kind] as number;
    if (size !== 0) {
      const toId = ELEMENT_ID[kind] as number;
      const toName = ELEMENT_NAME[kind] as number;
      const end = start + HEAD_WORDS + (info & 0xffffff) * size;
      for (let element = start + HEAD_WORDS; element < end; element += size) {
        if (toId !== NONE && (words[element + toId] as number) >= types) throw noType(flat, id, words[element + toId] as number);
        if (toName !== NONE && (words[element + toName] as number) >= names)
          throw noName(flat, id, words[element + toName] as number);
      }
    }
    if (kind === BTF_KIND.FUNC && kindOf(flat, words[start + 2] as number) !== BTF_KIND.FUNC_PROTO)
      throw new FormatError(`FUNC ${id} is of type ${words[start + 2]}, which is no FUNC_PROTO`, { where: btf.where });
  }
  checkNames(flat);
}

const SPLIT = 'It is damaged, or split BTF whose base is another: name the BTF that it continues (-B FILE on the command line).';
const label = (flat: FlatBtf, id: TypeId): string => `${BTF_KINDS[kindOf(flat, id)]} ${id}`;
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
    const kind = kindOf(flat, id);
    see(id, words[start] as number);
    const toName = ELEMENT_NAME[kind] as number;
    if (toName === NONE) continue;
    const size = ELEMENT_SIZE[kind] as number;
    for (let i = 0; i < vlenOf(flat, id); i++) see(id, words[start + HEAD_WORDS + i * size + toName] as number);
  }
}
