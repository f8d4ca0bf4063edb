// What differs between two BTFs, as programs see it: by name, whatever the ids are.

import { FormatError } from '../errors.js';
import { BTF_KIND, type BtfKind } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import { skipModsAndTypedefs } from './resolve.js';
import type { BtfType, TypeId } from './types.js';

/** A member, enumerator or prototype on one side. */
export interface DiffSide {
  /** The type in C, or an enumerator's value. */
  readonly text: string;
  /** Bits from the start of the struct; only of members. */
  readonly bitOffset?: number;
  /** Only of bitfields. */
  readonly bits?: number;
}
export type DiffChange = 'added' | 'removed' | 'moved' | 'retyped' | 'moved and retyped';
/** A member by its path (`se.vruntime` where `se` is anonymous inside), or an enumerator. */
export interface PartDifference {
  readonly name: string;
  readonly change: DiffChange;
  readonly from?: DiffSide;
  readonly to?: DiffSide;
}
export interface TypeDifference {
  /** As C says it: `struct task_struct`, `enum pid_type`, `typedef pid_t`, `func vfs_read`, `var jiffies`. */
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Bytes on both sides, where they differ. */
  readonly size?: readonly [from: number, to: number];
  /** Of functions, variables and typedefs. */
  readonly from?: string;
  readonly to?: string;
  readonly parts: readonly PartDifference[];
}

/**
 * Parts of types that matter, by name as in `TypeDifference`: which members or enumerators, and whether the size does. What is not in it
 * is not compared.
 */
export type UsedTypes = ReadonlyMap<string, { readonly parts: ReadonlySet<string>; readonly size: boolean }>;

export interface DiffOptions {
  readonly used?: UsedTypes;
}

/** Kinds that are compared, by the word that stands before their names. A struct that became a union is another type. */
const WORDS: Readonly<Partial<Record<BtfKind, string>>> = {
  STRUCT: 'struct',
  UNION: 'union',
  ENUM: 'enum',
  ENUM64: 'enum',
  TYPEDEF: 'typedef',
  FUNC: 'func',
  VAR: 'var',
};
const WORD_OF = Object.entries(WORDS).reduce<string[]>((list, [kind, word]) => {
  list[BTF_KIND[kind as BtfKind]] = word;
  return list;
}, []);

/** A type as it is compared. */
interface Facts {
  readonly size?: number;
  /** Of what has no parts. */
  readonly text?: string;
  readonly parts: ReadonlyMap<string, DiffSide>;
}

/**
 * Compares all named types of two BTFs, or those that are used. Several types of one name are compared in the order of their ids, those
 * that are the same on both sides left out.
 * @returns In the order of names; empty when there is no difference.
 * @throws {FormatError} when a type is not what the format says.
 */
export function diffBtf(from: Btf, to: Btf, { used }: DiffOptions = {}): TypeDifference[] {
  const [before, after] = [new Described(from, used), new Described(to, used)];
  const names = [...new Set([...before.names(), ...after.names()])].sort();
  return names.flatMap((name) => diffName(name, before, after, used));
}

function diffName(name: string, before: Described, after: Described, used: UsedTypes | undefined): TypeDifference[] {
  const [olds, news] = unmatched(before.of(name), after.of(name));
  const found: TypeDifference[] = [];
  for (let i = 0; i < Math.max(olds.length, news.length); i++) {
    const [old, now] = [olds[i], news[i]];
    if (old && now) found.push(...compare(name, old, now, used));
    else found.push({ name, change: old ? 'removed' : 'added', parts: [] });
  }
  return found;
}

/** Without those that both sides have. */
function unmatched(olds: readonly Facts[], news: readonly Facts[]): [Facts[], Facts[]] {
  if (olds.length === 1 && news.length === 1) return [[...olds], [...news]];
  const left = new Map<string, Facts[]>();
  for (const now of news) left.set(keyOf(now), [...(left.get(keyOf(now)) ?? []), now]);
  const onlyOld = olds.filter((old) => left.get(keyOf(old))?.pop() === undefined);
  const rest = new Set([...left.values()].flat());
  return [onlyOld, news.filter((now) => rest.has(now))];
}
const keyOf = ({ size, text, parts }: Facts): string => JSON.stringify([size, text, [...parts]]);

function compare(name: string, old: Facts, now: Facts, used: UsedTypes | undefined): TypeDifference[] {
  const wanted = used?.get(name);
  const isWanted = (part: string) => !wanted || wanted.parts.has(part);
  const parts: PartDifference[] = [];
  for (const [part, from] of old.parts) {
    if (!isWanted(part)) continue;
    const to = now.parts.get(part);
    const change = to ? changeOf(from, to) : 'removed';
    if (change) parts.push({ name: part, change, from, ...(to && { to }) });
  }
  for (const [part, to] of now.parts) if (isWanted(part) && !old.parts.has(part)) parts.push({ name: part, change: 'added', to });
  const isSized = old.size !== undefined && now.size !== undefined && old.size !== now.size;
  const size = isSized && (!wanted || wanted.size) ? ([old.size, now.size] as [number, number]) : undefined;
  if (parts.length === 0 && !size && old.text === now.text) return [];
  return [
    {
      name,
      change: 'changed',
      ...(size && { size }),
      ...(old.text !== now.text && { from: old.text ?? '', to: now.text ?? '' }),
      parts,
    },
  ];
}

function changeOf(from: DiffSide, to: DiffSide): DiffChange | undefined {
  const isMoved = from.bitOffset !== to.bitOffset;
  const isRetyped = from.text !== to.text || from.bits !== to.bits;
  if (isMoved && isRetyped) return 'moved and retyped';
  return isMoved ? 'moved' : isRetyped ? 'retyped' : undefined;
}

/** Members of anonymous structs count as those of the one that they are in. A hostile type could have any number. */
const MOST_PARTS = 100_000;
const MOST_DEPTH = 32;
/** Longer types are compared by so much of their text. */
const LONGEST_TEXT = 4096;

/** The types of one BTF by name, described when asked for. */
class Described {
  readonly #btf: Btf;
  readonly #ids = new Map<string, TypeId[]>();
  /** Types are referred to over and over; a text may be needed while it is made, by a type that holds itself. */
  readonly #texts = new Map<TypeId, string>();
  /** Members of the type that is being described, those without a name too. */
  #members = 0;

  constructor(btf: Btf, used: UsedTypes | undefined) {
    this.#btf = btf;
    for (let id = 1; id < btf.length; id++) {
      const word = WORD_OF[btf.kindNumber(id)];
      if (word === undefined || btf.nameOffset(id) === 0) continue;
      const name = `${word} ${btf.name(id)}`;
      if (used && !used.has(name)) continue;
      const known = this.#ids.get(name);
      if (known) known.push(id);
      else this.#ids.set(name, [id]);
    }
  }

  names(): Iterable<string> {
    return this.#ids.keys();
  }
  of(name: string): Facts[] {
    return (this.#ids.get(name) ?? []).map((id) => this.#describe(this.#btf.type(id)));
  }

  #describe(type: BtfType): Facts {
    switch (type.kind) {
      case 'STRUCT':
      case 'UNION': {
        const parts = new Map<string, DiffSide>();
        this.#members = 0;
        this.#addMembers(type, '', 0, parts, 0);
        return { size: type.size, parts };
      }
      case 'ENUM':
      case 'ENUM64':
        return { size: type.size, parts: new Map(type.values.map(({ name, value }) => [name, { text: value.toString() }])) };
      case 'TYPEDEF': {
        // One that gives a name to a type without one stands for it.
        const target = this.#btf.type(type.type);
        const isItsName = target.name === '' && ('members' in target || 'values' in target);
        return isItsName ? this.#describe(target) : { text: this.#text(type.type), parts: new Map() };
      }
      case 'FUNC':
      case 'VAR':
        return { text: this.#text(type.type), parts: new Map() };
      default:
        return { parts: new Map() };
    }
  }

  #addMembers(
    owner: Extract<BtfType, { readonly kind: 'STRUCT' | 'UNION' }>,
    path: string,
    start: number,
    parts: Map<string, DiffSide>,
    depth: number,
  ): void {
    for (const { name, type, bitOffset, bitfieldSize } of owner.members) {
      if (++this.#members > MOST_PARTS || depth > MOST_DEPTH)
        throw new FormatError(`Type ${owner.id} has too many members, nested ones included`, { where: this.#btf.where });
      const target = this.#btf.type(skipModsAndTypedefs(this.#btf, type));
      const isNested = (target.kind === 'STRUCT' || target.kind === 'UNION') && target.name === '';
      const own = `${path}${name}`;
      if (name !== '' || !isNested) {
        const text = isNested && target.id === type ? target.kind.toLowerCase() : this.#text(type);
        parts.set(own, { text, bitOffset: start + bitOffset, ...(bitfieldSize > 0 && { bits: bitfieldSize }) });
      }
      if (isNested) this.#addMembers(target, name === '' ? path : `${own}.`, start + bitOffset, parts, depth + 1);
    }
  }

  /** A type in C, whole: what `spell` leaves out would not be compared. */
  #text(id: TypeId, depth = 0): string {
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    if (depth > MOST_DEPTH) return '…';
    const text = this.#spell(this.#btf.type(id), depth + 1).slice(0, LONGEST_TEXT);
    this.#texts.set(id, text);
    return text;
  }
  #spell(type: BtfType, depth: number): string {
    switch (type.kind) {
      case 'PTR': {
        const target = this.#text(type.type, depth);
        return this.#btf.kind(type.type) === 'FUNC_PROTO' ? target.replace(' (', ' (*)(') : `${target} *`;
      }
      case 'ARRAY':
        return this.#text(type.type, depth).replace(/(\[[\d\][]*)?$/, (inner) => `[${type.nelems}]${inner}`); // the outer dimension first
      case 'CONST':
      case 'VOLATILE':
      case 'RESTRICT': {
        const word = type.kind.toLowerCase();
        const target = this.#text(type.type, depth);
        return this.#btf.kind(type.type) === 'PTR' ? `${target} ${word}` : `${word} ${target}`;
      }
      case 'TYPE_TAG':
      case 'DECL_TAG':
        return this.#text(type.type, depth);
      case 'FUNC_PROTO': {
        const params = type.params.map((param, i) =>
          param.type === 0 && i === type.params.length - 1 && param.name === '' ? '...' : this.#text(param.type, depth),
        );
        return `${this.#text(type.type, depth)} (${params.join(', ') || 'void'})`;
      }
      case 'FWD':
        return `${type.union ? 'union' : 'struct'} ${type.name}`;
      case 'STRUCT':
      case 'UNION':
        if (type.name === '') return `${type.kind.toLowerCase()} { ${type.members.map(({ name }) => name || '…').join('; ')} }`;
        return `${type.kind.toLowerCase()} ${type.name}`;
      case 'ENUM':
      case 'ENUM64':
        return `enum ${type.name || `{ ${type.values.map(({ name }) => name).join(', ')} }`}`;
      default:
        return type.name;
    }
  }
}

const place = ({ bitOffset = 0, bits }: DiffSide): string => {
  const bit = bitOffset % 8;
  return `${Math.floor(bitOffset / 8)}${bit > 0 || bits !== undefined ? `.${bit}` : ''}`;
};
const typeOf = ({ text, bits }: DiffSide): string => `${text}${bits === undefined ? '' : ` : ${bits}`}`;

/** A difference as lines: `-` was there, `+` is there now, `~` is there in another way. */
export function showDifference({ name, change, size, from, to, parts }: TypeDifference): string {
  if (change !== 'changed') return `${change === 'added' ? '+' : '-'} ${name}\n`;
  const text = from === undefined ? '' : `: ${from} -> ${to}`;
  const sizes = size ? `: ${size[0]} -> ${size[1]} bytes` : '';
  return `~ ${name}${text}${sizes}\n${parts.map((part) => `    ${showPart(part)}\n`).join('')}`;
}

function showPart({ name, change, from, to }: PartDifference): string {
  const at = (side: DiffSide) => (side.bitOffset === undefined ? ` = ${side.text}` : ` at ${place(side)}: ${typeOf(side)}`);
  if (!from || !to) return `${to ? '+' : '-'} ${name}${at((to ?? from) as DiffSide)}`;
  if (from.bitOffset === undefined) return `~ ${name} = ${from.text} -> ${to.text}`;
  const moved = change === 'retyped' ? ` at ${place(to)}` : ` at ${place(from)} -> ${place(to)}`;
  return `~ ${name}${moved}: ${change === 'moved' ? typeOf(to) : `${typeOf(from)} -> ${typeOf(to)}`}`;
}
