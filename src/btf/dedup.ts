// Deduplication: of types that mean the same, one is kept. Structs are compared as graphs, because they refer to each other in
// circles; a type that is only declared in one compilation unit is taken for the one that another defines.
//
// Five passes over a map from each type to its canonical one, in this order, because each relies on those before it:
// types that refer to nothing; structs, unions and typedefs, by the graphs under them; declarations that have only one
// definition left; types that refer to others, whose references are canonical by then; and what is left moves together.

import { region, StringPool } from '../bytes/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import { Btf } from './btf.js';
import { stringBytes } from './build.js';
import { Candidates } from './dedup-candidates.js';
import { Equivalence } from './dedup-graph.js';
import { type Canon, isMapped, kindAt, MOST_TYPES, OPEN, resolve, vlenAt } from './dedup-map.js';
import { hashOf, sameEnum, sameOrDeclaredEnum, sameShape, sameWords } from './dedup-shape.js';
import { eachId, eachName } from './fields.js';
import { flatten } from './flat.js';

export interface Deduplicated {
  readonly btf: Btf;
  /** The new id of each old one. */
  readonly ids: Uint32Array;
}

export interface DedupOptions {
  /**
   * The strings are each there once, and stay as they are: for a caller who has other references to them. Otherwise the
   * result has those that its types refer to, each once.
   */
  readonly keepStrings?: boolean;
}

/**
 * The same types, each once. Variables and data sections stay as they are. Of split BTF, types that its base has are left out.
 * @throws {FormatError} where types refer to themselves without a struct between, or to what does not exist.
 * @throws {UnsupportedError} for types made to take forever.
 * @see libbpf btf__dedup, src/btf.c
 */
export function dedupBtf(btf: Btf, { keepStrings = false }: DedupOptions = {}): Deduplicated {
  if (btf.length > MOST_TYPES) throw new UnsupportedError(`BTF with ${btf.length} types`, { where: btf.where });
  const canon = canonOf(btf);
  const { first, map } = canon;
  const strings = keepStrings ? btf.strings.bytes : internStrings(canon);

  const candidates = new Candidates();
  for (let id = 1; id < first; id++) if (!KEPT.has(kindAt(canon, id))) candidates.add(hashOf(canon, id), id);
  for (let id = first; id < map.length; id++) dedupPlain(canon, candidates, id);
  const equivalence = new Equivalence(canon);
  for (let id = first; id < map.length; id++) dedupStruct(canon, candidates, equivalence, id);
  resolveDeclarations(canon);
  for (let id = first; id < map.length; id++) dedupReference(canon, candidates, id);
  return compact(canon, strings);
}

/** Types of the base are canonical, and what is kept is canonical; nothing else is decided. */
function canonOf(btf: Btf): Canon {
  const first = btf.firstId;
  const map = new Uint32Array(btf.length).fill(OPEN);
  for (let id = 0; id < first; id++) map[id] = id;
  const flat = btf.base && flatten(btf);
  const canon: Canon = flat
    ? { btf, first, words: flat.words, starts: flat.at.subarray(1), map }
    : { btf, first, words: btf.words.slice(), starts: btf.starts, map };
  checkReferences(canon);
  for (let id = first; id < map.length; id++) if (KEPT.has(kindAt(canon, id))) map[id] = id;
  return canon;
}

const { INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VAR, DATASEC, FLOAT, DECL_TAG, ENUM64, FUNC_PROTO } = BTF_KIND;
const { VOLATILE, CONST, RESTRICT, FUNC, TYPE_TAG } = BTF_KIND;
const KEPT = new Set([VAR, DATASEC]);
const PLAIN = new Set([INT, FLOAT, FWD, ENUM, ENUM64]);
const GRAPHS = new Set([STRUCT, UNION, TYPEDEF]);
const REFERENCES = new Set([PTR, VOLATILE, CONST, RESTRICT, FUNC, TYPE_TAG, DECL_TAG, ARRAY, FUNC_PROTO]);

function checkReferences({ btf, words, starts }: Canon): void {
  for (const at of starts) {
    eachId(words, at, (place) => {
      if ((words[place] as number) >= btf.length)
        throw new FormatError(`Type ${words[place]} does not exist: ids end at ${btf.length - 1}`, { where: btf.where });
    });
  }
}

/** Equal names get equal offsets, because the passes compare nothing else: that of the base where it has the name. */
function internStrings({ btf, first, words, starts }: Canon): Uint8Array {
  const known = new StringPool();
  /** Where the base has what is in `known`, in its order. */
  const inBase = new Map<number, number>();
  const moved = new Map<number, number>([[0, 0]]);
  const pool = new StringPool();
  const own = btf.base ? btf.base.stringsEnd - 1 : 0; // the pool begins with the empty string, which only the base has
  const place = (offset: number, isOfBase: boolean): number => {
    if (offset >= btf.stringsEnd)
      throw new FormatError(`Cannot read string ${offset}: the table ends at ${btf.stringsEnd}`, { where: btf.where });
    const bytes = stringBytes(btf, offset);
    if (isOfBase) {
      const at = known.add(bytes);
      if (!inBase.has(at)) inBase.set(at, offset);
      return inBase.get(at) as number;
    }
    const at = btf.base ? known.add(bytes) : 0;
    return inBase.get(at) ?? own + pool.add(bytes);
  };
  for (const [i, at] of starts.entries()) {
    eachName(words, at, (where) => {
      const offset = words[where] as number;
      const to = moved.get(offset) ?? place(offset, i + 1 < first);
      moved.set(offset, to);
      words[where] = to;
    });
  }
  return btf.base ? pool.bytes.slice(1) : pool.bytes.slice();
}

const isDeclaredEnum = (canon: Canon, id: number): boolean => vlenAt(canon, id) === 0;

/** @see libbpf btf_dedup_prim_type */
function dedupPlain(canon: Canon, candidates: Candidates, id: number): void {
  const kind = kindAt(canon, id);
  if (!PLAIN.has(kind)) return;
  const isEnum = kind === ENUM || kind === ENUM64;
  const hash = hashOf(canon, id);
  let canonical = id;
  for (const candidate of candidates.of(hash)) {
    if (isEnum ? sameEnum(canon, id, candidate) : sameWords(canon, id, candidate)) {
      canonical = candidate;
      break;
    }
    if (!isEnum || !sameOrDeclaredEnum(canon, id, candidate)) continue;
    if (isDeclaredEnum(canon, id)) {
      canonical = candidate;
      break;
    }
    canon.map[candidate] = id; // the candidate was a declaration, and this is what it declares
  }
  canon.map[id] = canonical;
  if (canonical === id) candidates.add(hash, id);
}

/** @see libbpf btf_dedup_struct_type */
function dedupStruct(canon: Canon, candidates: Candidates, equivalence: Equivalence, id: number): void {
  if (isMapped(canon, id) || !GRAPHS.has(kindAt(canon, id))) return;
  const hash = hashOf(canon, id);
  let canonical = id;
  for (const candidate of candidates.of(hash)) {
    if (!sameShape(canon, id, candidate) || !equivalence.holds(id, candidate) || !equivalence.record()) continue;
    canonical = candidate;
    break;
  }
  canon.map[id] = canonical;
  if (canonical === id) candidates.add(hash, id);
}

/**
 * A declaration that was not part of any graph above is taken for the only struct or union of its name, if there is only one.
 * @see libbpf btf_dedup_resolve_fwds
 */
function resolveDeclarations(canon: Canon): void {
  const { first, words, starts, map } = canon;
  const byName = new Map<number, number | 'several'>();
  const name = (id: number): number => words[starts[id - 1] as number] as number;
  for (let id = first; id < map.length; id++) {
    const kind = kindAt(canon, id);
    if ((kind === STRUCT || kind === UNION) && map[id] === id) byName.set(name(id), byName.has(name(id)) ? 'several' : id);
  }
  for (let id = first; id < map.length; id++) {
    if (kindAt(canon, id) !== FWD || map[id] !== id) continue;
    const found = byName.get(name(id));
    if (found === undefined || found === 'several') continue;
    const declared = (words[(starts[id - 1] as number) + 1] as number) >>> 31 === 1 ? UNION : STRUCT;
    if (kindAt(canon, found) === declared) map[id] = found;
  }
}

const IN_PROGRESS = OPEN - 1;

/**
 * References first, then what refers to them: by a stack, because hostile chains are longer than the one of the machine.
 * @see libbpf btf_dedup_ref_type
 */
function dedupReference(canon: Canon, candidates: Candidates, start: number): void {
  const { words, starts, map } = canon;
  if (isMapped(canon, start)) return;
  const stack = [start];
  while (stack.length > 0) {
    const id = stack[stack.length - 1] as number;
    const at = starts[id - 1] as number;
    if (map[id] === OPEN) {
      if (!REFERENCES.has(kindAt(canon, id)))
        throw new FormatError(`Type ${id} of kind ${kindAt(canon, id)} cannot be deduplicated`, { where: canon.btf.where });
      map[id] = IN_PROGRESS;
      const inner: number[] = [];
      eachId(words, at, (place) => inner.push(words[place] as number));
      for (const ref of inner.reverse()) {
        if (map[ref] === IN_PROGRESS)
          throw new FormatError(`Type ${ref} refers to itself, with no struct between`, { where: canon.btf.where });
        if (!isMapped(canon, ref)) stack.push(ref);
      }
      continue;
    }
    stack.pop();
    if (map[id] !== IN_PROGRESS) continue; // was there twice
    eachId(words, at, (place) => {
      words[place] = resolve(canon, words[place] as number);
    });
    const hash = hashOf(canon, id);
    const canonical = candidates.of(hash).find((candidate) => sameWords(canon, id, candidate)) ?? id;
    map[id] = canonical;
    if (canonical === id) candidates.add(hash, id);
  }
}

/** The base's types keep their ids. @see libbpf btf_dedup_compact_types, btf_dedup_remap_types */
function compact(canon: Canon, strings: Uint8Array): Deduplicated {
  const { btf, first, words, starts, map } = canon;
  const ids = new Uint32Array(map.length);
  for (let id = 1; id < first; id++) if (map[id] === id) ids[id] = id;
  const newStarts: number[] = [];
  const begin = starts[first - 1] ?? words.length;
  let end = begin;
  for (let id = first; id < map.length; id++) {
    if (map[id] !== id) continue;
    const from = starts[id - 1] as number;
    const to = starts[id] ?? words.length;
    words.copyWithin(end, from, to);
    newStarts.push(end - begin);
    ids[id] = first - 1 + newStarts.length;
    end += to - from;
  }
  for (let id = 1; id < map.length; id++) if (map[id] !== id) ids[id] = ids[resolve(canon, id)] as number;
  const kept = words.slice(begin, end);
  for (const at of newStarts) {
    eachId(kept, at, (place) => {
      kept[place] = ids[kept[place] as number] as number;
    });
  }
  return {
    btf: new Btf({
      words: kept,
      starts: Uint32Array.from(newStarts),
      strings: region(strings, btf.where),
      base: btf.base,
      pointerSize: btf.pointerSize,
    }),
    ids,
  };
}
