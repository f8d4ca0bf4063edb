// Where the members of a struct lie, what lies between them, and which cache lines they are in: what pahole tells.

import { FormatError } from '../errors.js';
import type { Btf } from './btf.js';
import { sizeOf, skipModsAndTypedefs } from './resolve.js';
import { spell } from './spell.js';
import type { BtfMember, BtfOf, TypeId } from './types.js';

/** A member, and the gap behind it. Offsets are from the start of the outermost struct. */
export interface LaidOutMember {
  readonly name: string;
  /** As C has it, with the name in its place: `char comm[16]`. For what has members of its own, `struct` or `union` with its name. */
  readonly declaration: string;
  readonly type: TypeId;
  /** Bytes. Of a bitfield, those of the integer that it is a part of. */
  readonly offset: number;
  readonly size: number;
  /** Of a bitfield: where it starts in that integer, and how many bits it has. */
  readonly bit?: number;
  readonly bits?: number;
  /** Bytes, and bits before those, that nothing uses between this member and the next. */
  readonly hole: number;
  readonly bitHole: number;
  /** Bytes at the end of the struct that this member is, which nothing uses. */
  readonly padding: number;
  /** Of an anonymous struct or union, which is shown with its members. */
  readonly members?: readonly LaidOutMember[];
}

export interface StructLayout {
  readonly kind: 'STRUCT' | 'UNION';
  readonly name: string;
  readonly id: TypeId;
  readonly size: number;
  readonly members: readonly LaidOutMember[];
  /** Bytes of members that are no bitfields, and bits of those that are. */
  readonly used: number;
  readonly usedBits: number;
  /** Bytes at the end. */
  readonly padding: number;
  /** Bits at the end of the last bitfield. */
  readonly bitPadding: number;
  readonly isPacked: boolean;
}

/** Anonymous structs hold anonymous structs; compilers do not go deeper, and a circle does. */
const MOST_DEPTH = 32;
const MOST_MEMBERS = 100_000;

/**
 * Lays out a struct or union.
 * @throws {FormatError} when it is neither, or a member has no size.
 */
export function layoutOf(btf: Btf, id: TypeId): StructLayout {
  const type = btf.type(skipModsAndTypedefs(btf, id));
  if (type.kind !== 'STRUCT' && type.kind !== 'UNION')
    throw new FormatError(`Type ${id} (${spell(btf, id)}) has no members to lay out`, {
      where: btf.where,
      remedy: `It is ${spell(btf, type.id) || type.kind}; only a struct or a union has a layout.`,
    });
  const budget = { left: MOST_MEMBERS };
  const members = membersOf(btf, type, 0, 0, budget);
  const { padding, bitPadding } = endOf(btf, type);
  const plain = members.filter(({ bits }) => bits === undefined);
  return {
    kind: type.kind,
    name: type.name,
    id: type.id,
    size: type.size,
    members,
    used: type.kind === 'UNION' ? Math.max(0, ...plain.map(({ size }) => size)) : plain.reduce((sum, { size }) => sum + size, 0),
    usedBits: members.reduce((sum, { bits = 0 }) => sum + bits, 0),
    padding,
    bitPadding,
    isPacked: type.kind === 'STRUCT' && isPacked(btf, type),
  };
}

type Composite = BtfOf<'STRUCT' | 'UNION'>;

function membersOf(btf: Btf, owner: Composite, start: number, depth: number, budget: { left: number }): LaidOutMember[] {
  if (depth > MOST_DEPTH) throw new FormatError(`Type ${owner.id} is nested too deep, perhaps in itself`, { where: btf.where });
  return owner.members.map((member, i) => {
    if (budget.left-- <= 0)
      throw new FormatError(`Type ${owner.id} has more than ${MOST_MEMBERS} members, nested ones included`, { where: btf.where });
    const target = btf.type(skipModsAndTypedefs(btf, member.type));
    const place = placeOf(btf, member);
    const next = owner.kind === 'STRUCT' ? owner.members[i + 1]?.bitOffset : undefined;
    const isInline = (target.kind === 'STRUCT' || target.kind === 'UNION') && target.name === '' && isBare(btf, member.type);
    return {
      name: member.name,
      declaration: isInline ? target.kind.toLowerCase() : declaration(btf, member),
      type: member.type,
      ...place,
      offset: start + place.offset,
      ...(next === undefined ? { hole: 0, bitHole: 0 } : gap(place, member, next)),
      padding: target.kind === 'STRUCT' && !isInline ? endOf(btf, target).padding : 0,
      ...(isInline && { members: membersOf(btf, target, start + place.offset, depth + 1, budget) }),
    };
  });
}

/** Whether a type is used as it is: one that has a typedef for a name is shown by that. */
function isBare(btf: Btf, id: TypeId): boolean {
  const { kind } = btf.type(id);
  return kind === 'STRUCT' || kind === 'UNION';
}

interface Place {
  readonly offset: number;
  readonly size: number;
  readonly bit?: number;
  readonly bits?: number;
}

function placeOf(btf: Btf, { type, bitOffset, bitfieldSize }: BtfMember): Place {
  const size = sizeOf(btf, type);
  if (bitfieldSize === 0) return { offset: Math.floor(bitOffset / 8), size };
  const unit = Math.max(1, size) * 8;
  // In a packed struct a bitfield may lie across two integers; it is then told from the byte that it begins in.
  const isAcross = Math.floor(bitOffset / unit) !== Math.floor((bitOffset + bitfieldSize - 1) / unit);
  const offset = isAcross ? Math.floor(bitOffset / 8) : Math.floor(bitOffset / unit) * (unit / 8);
  return { offset, size, bit: bitOffset - offset * 8, bits: bitfieldSize };
}

/** Bits up to the end of the integer of a bitfield, then bytes. */
function gap(place: Place, { bitOffset, bitfieldSize }: BtfMember, next: number): { hole: number; bitHole: number } {
  const end = bitfieldSize > 0 ? bitOffset + bitfieldSize : (place.offset + place.size) * 8;
  if (next <= end) return { hole: 0, bitHole: 0 };
  const unitEnd = Math.max(end, (place.offset + place.size) * 8);
  const bitHole = bitfieldSize > 0 ? Math.min(next, unitEnd) - end : 0;
  return { hole: Math.floor((next - end - bitHole) / 8), bitHole };
}

function endOf(btf: Btf, { kind, members, size }: Composite): { padding: number; bitPadding: number } {
  const ends = members.map((member) => {
    const { offset, size: bytes } = placeOf(btf, member);
    return member.bitfieldSize > 0 ? member.bitOffset + member.bitfieldSize : (offset + bytes) * 8;
  });
  const last = ends.reduce((most, end) => Math.max(most, end), 0);
  if (kind === 'UNION' || members.length === 0) return { padding: 0, bitPadding: 0 };
  return { padding: Math.max(0, size - Math.ceil(last / 8)), bitPadding: (8 - (last % 8)) % 8 };
}

function isPacked(btf: Btf, { members, size }: Composite): boolean {
  let most = 1;
  for (const { type, bitOffset, bitfieldSize } of members) {
    const align = naturalAlign(btf, type);
    if (bitfieldSize === 0 && bitOffset % (8 * align) !== 0) return true;
    most = Math.max(most, align);
  }
  return size % most !== 0;
}
/** Of a scalar; what is more than that says nothing about packing by itself. */
function naturalAlign(btf: Btf, id: TypeId): number {
  let at = skipModsAndTypedefs(btf, id);
  for (let depth = 0; depth < MOST_DEPTH; depth++) {
    const type = btf.type(at);
    if (type.kind === 'ARRAY') at = skipModsAndTypedefs(btf, type.type);
    else if (type.kind === 'PTR') return btf.pointerSize;
    else if (type.kind === 'INT' || type.kind === 'ENUM' || type.kind === 'ENUM64' || type.kind === 'FLOAT')
      return Math.max(1, Math.min(btf.pointerSize, type.size));
    else return 1;
  }
  return 1;
}

/** `char comm[16]`, `int (*read)(struct file *)`: the type, a NUL, and what stands where the name does. */
function declaration(btf: Btf, { type, name, bitfieldSize }: BtfMember): string {
  let at = type;
  let dimensions = '';
  for (let depth = 0; depth < MOST_DEPTH; depth++) {
    const outer = btf.type(at);
    if (outer.kind !== 'ARRAY') break;
    dimensions += `[${outer.nelems}]`;
    at = outer.type;
  }
  const called = `${name}${dimensions}${bitfieldSize > 0 ? `:${bitfieldSize}` : ''}`;
  const element = btf.type(at);
  const isFunctionPointer = element.kind === 'PTR' && btf.kind(element.type) === 'FUNC_PROTO';
  if (!isFunctionPointer) return `${spell(btf, at)}${SPLIT}${called}`;
  const text = spell(btf, element.type);
  const star = text.indexOf(' (*)(');
  return `${text.slice(0, star)}${SPLIT}(*${called})${text.slice(star + ' (*)'.length)}`;
}
const SPLIT = '\0';

const CACHE_LINE = 64;
const TYPE_WIDTH = 26;
const NAME_WIDTH = 22;
const TAB_WIDTH = 8;

/** A layout as text, in pahole's form. */
export function showLayout(layout: StructLayout): string {
  const lines: string[] = [`${layout.kind.toLowerCase()} ${layout.name || '<anon>'} {`];
  const state = { line: 0 };
  showMembers(layout.members, 1, lines, state);
  lines.push(...summary(layout).map((text) => (text === '' ? '' : `\t/* ${text} */`)));
  lines.push(`}${layout.isPacked ? ' __attribute__((__packed__))' : ''};`);
  return `${lines.join('\n')}\n`;
}

function showMembers(members: readonly LaidOutMember[], level: number, lines: string[], state: { line: number }): void {
  const indent = '\t'.repeat(level);
  const width = Math.max(1, TYPE_WIDTH - (level - 1) * TAB_WIDTH);
  for (const [i, member] of members.entries()) {
    const boundary = Math.floor(member.offset / CACHE_LINE);
    if (boundary > state.line) {
      const ago = member.offset % CACHE_LINE;
      lines.push(
        `${indent}/* --- cacheline ${boundary} boundary (${boundary * CACHE_LINE} bytes)${ago > 0 ? ` was ${ago} bytes ago` : ''} --- */`,
      );
      state.line = boundary;
    }
    if (member.members) {
      lines.push(`${indent}${member.declaration} {`);
      showMembers(member.members, level + 1, lines, state);
      lines.push(`${indent}${`}${member.name && ` ${member.name}`};`.padEnd(width + 1 + NAME_WIDTH)}${where(member)}`);
    } else {
      const [type = '', name = ''] = member.declaration.split(SPLIT);
      lines.push(`${indent}${`${type.padEnd(width)} ${name};`.padEnd(width + NAME_WIDTH)} ${where(member)}`);
    }
    const notes = [
      member.padding > 0 && `last struct has ${count(member.padding, 'byte')} of padding`,
      member.bitHole > 0 && `${count(member.bitHole, 'bit')} hole, try to pack`,
      member.hole > 0 && `${count(member.hole, 'byte')} hole, try to pack`,
    ].filter(Boolean);
    if (notes.length === 0) continue;
    lines.push('', ...notes.map((note) => `${indent}/* XXX ${note} */`));
    if (i < members.length - 1) lines.push('');
  }
}

const count = (value: number, unit: string): string => `${value} ${unit}${value === 1 ? '' : 's'}`;

function where({ offset, size, bit }: LaidOutMember): string {
  if (bit === undefined) return `/* ${String(offset).padStart(5)} ${String(size).padStart(5)} */`;
  return `/* ${String(offset).padStart(5)}:${String(bit).padStart(2)} ${String(size).padStart(2)} */`;
}

function summary({ size, members, used, usedBits, padding, bitPadding, kind }: StructLayout): string[] {
  const holes = members.filter(({ hole }) => hole > 0);
  const bitHoles = members.filter(({ bitHole }) => bitHole > 0);
  const padded = members.filter((member) => member.padding > 0);
  const sum = (list: readonly LaidOutMember[], of: 'hole' | 'bitHole' | 'padding') =>
    list.reduce((total, member) => total + member[of], 0);
  return [
    '',
    `size: ${size}, cachelines: ${Math.ceil(size / CACHE_LINE)}, members: ${members.length}`,
    kind === 'STRUCT' && used < size
      ? `sum members: ${used}${holes.length > 0 ? `, holes: ${holes.length}, sum holes: ${sum(holes, 'hole')}` : ''}`
      : undefined,
    usedBits > 0
      ? `sum bitfield members: ${usedBits} bits${bitHoles.length > 0 ? `, bit holes: ${bitHoles.length}, sum bit holes: ${sum(bitHoles, 'bitHole')} bits` : ''}`
      : undefined,
    padding > 0 ? `padding: ${padding}` : undefined,
    bitPadding > 0 ? `bit_padding: ${bitPadding} bits` : undefined,
    padded.length > 0 ? `paddings: ${padded.length}, sum paddings: ${sum(padded, 'padding')}` : undefined,
    size % CACHE_LINE > 0 ? `last cacheline: ${size % CACHE_LINE} bytes` : undefined,
  ].filter((text) => text !== undefined);
}
