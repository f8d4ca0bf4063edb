// Where the members of a struct lie, what lies between them, and which cache lines they are in: what pahole tells.

import { FormatError } from '../errors.js';
import type { Btf } from './btf.js';
import { sizeOf, skipModsAndTypedefs } from './resolve.js';
import { declarationOf, spell } from './spell.js';
import type { BtfMember, BtfOf, TypeId } from './types.js';

/** A member, and the gap behind it. Offsets are from the start of the outermost struct. */
export interface LaidOutMember {
  readonly name: string;
  /** As C has it, with a NUL before the name: `char comm[16]`. Of what has members of its own, without them: `struct vlan[2]`. */
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
  /** Bytes at the end of the struct that this member is, and bits before those, which nothing uses. */
  readonly padding: number;
  readonly bitPadding: number;
  /** Of an anonymous struct or union, or an array of them, which is shown with its members; those of the first element. */
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
  /** Bytes at the end, and bits before those, up to the end of the integer of the last bitfield. */
  readonly padding: number;
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
  const { bytes: padding, bits: bitPadding } = paddingOf(btf, type);
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
    const place = placeOf(btf, member);
    const next = owner.kind === 'STRUCT' ? owner.members[i + 1]?.bitOffset : undefined;
    const { bytes: hole, bits: bitHole } = next === undefined ? NOTHING : gap(place, member, next);
    const nested = nestedIn(btf, member.type);
    const isAtEnd = owner.kind === 'STRUCT' && i > 0 && i === owner.members.length - 1;
    const { bytes: padding, bits: bitPadding } = paddingInside(btf, member.type);
    return {
      name: member.name,
      declaration: declaration(btf, member, isAtEnd),
      type: member.type,
      ...place,
      offset: start + place.offset,
      hole,
      bitHole,
      padding,
      bitPadding,
      ...(nested && { members: membersOf(btf, nested, start + place.offset, depth + 1, budget) }),
    };
  });
}

/** The struct or union without a name that a member is, or is an array of. One that has a typedef for a name is shown by that. */
function nestedIn(btf: Btf, id: TypeId): Composite | undefined {
  let at = id;
  for (let depth = 0; depth < MOST_DEPTH; depth++) {
    const type = btf.type(at);
    if (type.kind === 'STRUCT' || type.kind === 'UNION') return type.name === '' ? type : undefined;
    if (type.kind !== 'ARRAY' && type.kind !== 'CONST' && type.kind !== 'VOLATILE') return undefined;
    at = type.type;
  }
  return undefined;
}

function paddingInside(btf: Btf, id: TypeId): Gap {
  const type = btf.type(skipModsAndTypedefs(btf, id));
  return type.kind === 'STRUCT' ? paddingOf(btf, type) : NOTHING;
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

interface Gap {
  readonly bytes: number;
  readonly bits: number;
}
const NOTHING: Gap = { bytes: 0, bits: 0 };

/** What nothing uses between a member and bit `next`: bits up to the end of the integer of a bitfield, then bytes. */
function gap(place: Place, member: BtfMember, next: number): Gap {
  const end = endOf(place, member);
  if (next <= end) return NOTHING;
  const unitEnd = Math.max(end, (place.offset + place.size) * 8);
  const bits = member.bitfieldSize > 0 ? Math.min(next, unitEnd) - end : 0;
  return { bytes: Math.floor((next - end - bits) / 8), bits };
}

const endOf = ({ offset, size }: Place, { bitOffset, bitfieldSize }: BtfMember): number =>
  bitfieldSize > 0 ? bitOffset + bitfieldSize : (offset + size) * 8;

/** What nothing uses behind the member that ends last. */
function paddingOf(btf: Btf, { kind, members, size }: Composite): Gap {
  if (kind === 'UNION') return NOTHING;
  let last = 0;
  let padding = NOTHING;
  for (const member of members) {
    const place = placeOf(btf, member);
    const end = endOf(place, member);
    if (end < last) continue;
    last = end;
    padding = gap(place, member, size * 8);
  }
  return padding;
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
function declaration(btf: Btf, { type, name, bitfieldSize }: BtfMember, isAtEnd: boolean): string {
  const [left, right] = declarationOf(btf, type, name);
  // An array without a length at the end is what the struct goes on with, for any length; elsewhere it has none.
  const called = isAtEnd && right.startsWith(`${name}[0]`) ? right.replace('[0]', '[]') : right;
  const text = nestedIn(btf, type) ? left.replace(/ <anon>$/, '') : left;
  return `${text}${called && SPLIT}${called}${bitfieldSize > 0 ? `:${bitfieldSize}` : ''}`;
}
const SPLIT = '\0';

const CACHE_LINE = 64;
const TYPE_WIDTH = 26;
const NAME_WIDTH = 22;
const TAB_WIDTH = 8;

/** A layout as text, in pahole's form. */
export function showLayout(layout: StructLayout): string {
  const lines: string[] = [`${layout.kind.toLowerCase()} ${layout.name || '<anon>'} {`];
  showMembers(layout.members, layout.kind === 'UNION', 1, lines, 0);
  lines.push(...summary(layout).map((text) => (text === '' ? '' : `\t/* ${text} */`)));
  lines.push(`}${layout.isPacked ? ' __attribute__((__packed__))' : ''};`);
  return `${lines.join('\n')}\n`;
}

/**
 * @param line The cache line that was named last. Each member of a union starts with that one again.
 * @returns    The one that is named last now.
 */
function showMembers(members: readonly LaidOutMember[], isUnion: boolean, level: number, lines: string[], line: number): number {
  const indent = '\t'.repeat(level);
  const width = Math.max(1, TYPE_WIDTH - (level - 1) * TAB_WIDTH);
  let named = line;
  for (const [i, member] of members.entries()) {
    if (isUnion) named = line;
    const boundary = Math.floor(member.offset / CACHE_LINE);
    if (boundary > named) {
      const ago = member.offset % CACHE_LINE;
      const was = ago > 0 ? ` was ${count(ago, 'byte')} ago` : '';
      lines.push(`${indent}/* --- cacheline ${boundary} boundary (${boundary * CACHE_LINE} bytes)${was} --- */`);
      named = boundary;
    }
    const [type = '', name = ''] = member.declaration.split(SPLIT);
    if (member.members) {
      lines.push(`${indent}${type} {`);
      named = showMembers(member.members, type.endsWith('union'), level + 1, lines, named);
      lines.push(`${indent}${`}${name && ` ${name}`};`.padEnd(width + 1 + NAME_WIDTH)}${where(member)}`);
    } else {
      lines.push(`${indent}${`${type.padEnd(width)} ${name};`.padEnd(width + NAME_WIDTH)} ${where(member)}`);
    }
    const paddings = [
      member.padding > 0 && `${count(member.padding, 'byte')} of padding`,
      member.bitPadding > 0 && `${count(member.bitPadding, 'bit')} of padding`,
    ].filter(Boolean);
    const notes = [
      paddings.length > 0 && `last struct has ${paddings.join(', ')}`,
      member.bitHole > 0 && `${count(member.bitHole, 'bit')} hole, try to pack`,
      member.hole > 0 && `${count(member.hole, 'byte')} hole, try to pack`,
    ].filter(Boolean);
    if (notes.length === 0) continue;
    lines.push('', ...notes.map((note) => `${indent}/* XXX ${note} */`));
    if (i < members.length - 1) lines.push('');
  }
  return isUnion ? line : named;
}

const count = (value: number, unit: string): string => `${value} ${unit}${value === 1 ? '' : 's'}`;

function where({ offset, size, bit }: LaidOutMember): string {
  if (bit === undefined) return `/* ${String(offset).padStart(5)} ${String(size).padStart(5)} */`;
  return `/* ${String(offset).padStart(5)}:${String(bit).padStart(2)} ${String(size).padStart(2)} */`;
}

function summary({ size, members, used, usedBits, padding, bitPadding }: StructLayout): string[] {
  const [holes, sumHoles] = total(members, 'hole');
  const [bitHoles, sumBitHoles] = total(members, 'bitHole');
  const [paddings, sumPaddings] = total(members, 'padding');
  const [bitPaddings, sumBitPaddings] = total(members, 'bitPadding');
  const hasHoles = holes + bitHoles > 0;
  return [
    '',
    `size: ${size}, cachelines: ${Math.ceil(size / CACHE_LINE)}, members: ${members.length}`,
    hasHoles && used > 0 && `sum members: ${used}${holes > 0 ? `, holes: ${holes}, sum holes: ${sumHoles}` : ''}`,
    hasHoles &&
      usedBits > 0 &&
      `sum bitfield members: ${usedBits} bits${bitHoles > 0 ? `, bit holes: ${bitHoles}, sum bit holes: ${sumBitHoles} bits` : ` (${Math.floor(usedBits / 8)} bytes)`}`,
    padding > 0 && `padding: ${padding}`,
    bitPaddings > 0 && `member types with bit paddings: ${bitPaddings}, total: ${count(sumBitPaddings, 'bit')}`,
    paddings > 0 && `paddings: ${paddings}, sum paddings: ${sumPaddings}`,
    bitPadding > 0 && `bit_padding: ${bitPadding} bits`,
    size % CACHE_LINE > 0 && `last cacheline: ${size % CACHE_LINE} bytes`,
  ].filter((text) => text !== false);
}

/** How many members have some, and all of it. */
function total(
  members: readonly LaidOutMember[],
  of: 'hole' | 'bitHole' | 'padding' | 'bitPadding',
): [count: number, sum: number] {
  const some = members.filter((member) => member[of] > 0);
  return [some.length, some.reduce((sum, member) => sum + member[of], 0)];
}
