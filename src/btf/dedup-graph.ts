// Whether two types mean the same: the graphs under them are walked side by side, and what corresponds to what is written down.

import { UnsupportedError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import { type Canon, isMapped, kindAt, MOST_TYPES, OPEN, resolve, startOf } from './dedup-map.js';
import { sameShape } from './dedup-shape.js';
import { eachId } from './fields.js';

const { STRUCT, UNION, FWD, ARRAY } = BTF_KIND;
/** How deep types that the compiler wrote twice in one unit are compared. @see libbpf btf_dedup_is_equiv */
const TWIN_DEPTH = 16;
/** A kernel takes 31 comparisons per type, of half a microsecond; a file that takes more than this many is made to take forever. */
const STEPS_PER_TYPE = 200;
const LEAST_STEPS = 1_000_000;

/** One comparison at a time; `record` keeps what the last one found out. */
export class Equivalence {
  readonly #canon: Canon;
  /** The type of the candidate's graph that is taken to be this one of the canonical graph. */
  readonly #taken: Uint32Array;
  readonly #list: number[] = [];
  #stepsLeft: number;
  /** The base has a declaration where these types have a definition: base types stay as they are, so these are not the same. */
  #isBaseDeclared = false;

  constructor(canon: Canon) {
    this.#canon = canon;
    this.#taken = new Uint32Array(canon.map.length).fill(OPEN);
    this.#stepsLeft = LEAST_STEPS + canon.map.length * STEPS_PER_TYPE;
  }

  /**
   * Walks depth first, as a stack: graphs of a kernel are deeper than the machine's own. It ends with the first difference, so
   * that the order is that of the recursive form.
   * @see libbpf btf_dedup_is_equiv, whose comment gives the reasons for each rule
   */
  holds(candidate: number, canonical: number): boolean {
    for (const id of this.#list) this.#taken[id] = OPEN;
    this.#list.length = 0;
    this.#isBaseDeclared = false;
    const stack = [candidate, canonical];
    while (stack.length > 0) {
      const second = stack.pop() as number;
      const first = stack.pop() as number;
      this.#step();
      if (!this.#pair(first, second, stack)) return false;
    }
    return true;
  }

  #step(): void {
    if (this.#stepsLeft-- <= 0)
      throw new UnsupportedError('These types are too entangled to be deduplicated', {
        where: this.#canon.btf.where,
        remedy: 'They may be meant to take forever: many types of the same name and shape refer to each other.',
      });
  }

  #pair(candidate: number, given: number, stack: number[]): boolean {
    const canon = this.#canon;
    if (resolve(canon, candidate) === resolve(canon, given)) return true;
    const canonical = this.#definition(given);
    const taken = this.#taken[canonical] as number;
    if (taken < MOST_TYPES) return taken === candidate || this.#areTwins(taken, candidate);
    this.#taken[canonical] = candidate;
    this.#list.push(canonical);

    const { words } = canon;
    const nameOf = (id: number) => (id === 0 ? 0 : words[startOf(canon, id)]);
    if (nameOf(candidate) !== nameOf(canonical)) return false;
    const kind = kindAt(canon, candidate);
    const other = kindAt(canon, canonical);
    if (kind !== other) {
      if (kind === FWD) return this.#declares(candidate) === other;
      if (other !== FWD || this.#declares(canonical) !== kind) return false;
      if (canonical < canon.first) this.#isBaseDeclared = true;
      return true;
    }
    if (kind === 0) return true;
    if (!sameShape(canon, candidate, canonical)) return false;
    const pairs = pairsOf(canon, candidate, canonical);
    for (let i = pairs.length - 2; i >= 0; i -= 2) stack.push(pairs[i] as number, pairs[i + 1] as number); // the first on top
    return true;
  }

  /** Of a declaration what it is known to declare, if anything; else the type itself. @see libbpf resolve_fwd_id */
  #definition(id: number): number {
    const canon = this.#canon;
    if (kindAt(canon, id) !== FWD) return id;
    const resolved = resolve(canon, id);
    return kindAt(canon, resolved) === FWD ? id : resolved;
  }

  #declares(forward: number): number {
    const { words } = this.#canon;
    return (words[startOf(this.#canon, forward) + 1] as number) >>> 31 === 1 ? UNION : STRUCT;
  }

  /** Compilers now and then describe one type twice in one unit. @see libbpf btf_dedup_identical_types */
  #areTwins(a: number, b: number): boolean {
    const canon = this.#canon;
    const known = new Map<number, number>();
    const compare = (x: number, y: number, depth: number): boolean => {
      if (x === y) return true;
      if (depth <= 0 || x === 0 || y === 0) return false;
      const key = x * canon.map.length + y;
      if ((known.get(key) ?? 0) >= depth) return true; // to this depth there is no difference, or the walk would have ended
      known.set(key, depth);
      this.#step();
      if (!sameShape(canon, x, y)) return false;
      const pairs = pairsOf(canon, x, y);
      for (let i = 0; i < pairs.length; i += 2) if (!compare(pairs[i] as number, pairs[i + 1] as number, depth - 1)) return false;
      return true;
    };
    return compare(a, b, TWIN_DEPTH);
  }

  /**
   * After `holds`: declarations become what they declare, and structs on the way become canonical ones.
   * @returns Whether the two are one type; not if a type of the base would have to change for it.
   * @see libbpf btf_dedup_merge_hypot_map
   */
  record(): boolean {
    const canon = this.#canon;
    for (const canonical of this.#list) {
      const target = resolve(canon, this.#taken[canonical] as number);
      const own = resolve(canon, canonical);
      const targetKind = kindAt(canon, target);
      const ownKind = kindAt(canon, own);
      if (targetKind !== FWD && ownKind === FWD) canon.map[own] = target;
      if (this.#isBaseDeclared) continue;
      if (targetKind === FWD && ownKind !== FWD) canon.map[target] = own;
      const isStruct = targetKind === STRUCT || targetKind === UNION;
      if (isStruct && ownKind !== FWD && isMapped(canon, own) && !isMapped(canon, target)) canon.map[target] = own;
    }
    return !this.#isBaseDeclared;
  }
}

/** What two types of the same shape refer to, pair after pair. The index of an array comes before its elements, as in libbpf. */
function pairsOf(canon: Canon, a: number, b: number): number[] {
  const { words } = canon;
  const distance = startOf(canon, b) - startOf(canon, a);
  const pairs: number[] = [];
  eachId(words, startOf(canon, a), (place) => {
    pairs.push(words[place] as number, words[place + distance] as number);
  });
  return kindAt(canon, a) === ARRAY ? [...pairs.slice(2), ...pairs.slice(0, 2)] : pairs;
}
