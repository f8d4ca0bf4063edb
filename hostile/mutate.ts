// What happens to a file on its way here: a few fields changed, tables moved over each other, the file cut, or a bomb: a table that is
// a thousand times as long, types that nest without end.

import { BTF_KIND, BTF_KINDS } from '../src/uapi/btf.js';
import { elf64Header, elf64Section, SHT_REL, SHT_SYMTAB } from '../src/uapi/elf.js';
import type { Field, Layout, Placed, Table } from './layout.js';
import type { Random } from './random.js';

/** What is said of a case: `section headers[3]+16 = 4294967295`. */
type Note = string;

const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 12, 16, 24, 64, 0xff, 0x7fff, 0xffff, 0xffffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
];

/** A mutated copy, and what was done to it, the last first that matters least. */
export function mutated(layout: Layout, random: Random, notes: Note[]): Uint8Array<ArrayBuffer> {
  if (random.chance(BOMBS)) return bomb(layout, random, notes);
  let bytes = new Uint8Array(layout.bytes);
  const count = random.pick([1, 1, 1, 2, 2, 3, 5, 8]);
  for (let i = 0; i < count; i++) bytes = random.pick(WAYS)(bytes, layout, random, notes);
  return bytes;
}

/** So many cases are bombs, which are slow because they are large. */
const BOMBS = 0.004;

type Way = (bytes: Uint8Array<ArrayBuffer>, layout: Layout, random: Random, notes: Note[]) => Uint8Array<ArrayBuffer>;

const setField: Way = (bytes, layout, random, notes) => {
  const table = pickTable(layout, random);
  const row = random.below(table.rows);
  const field = random.pick(table.fields);
  const at = table.at + row * table.stride + field.at;
  const value = valueFor(bytes, layout, table, field, at, random);
  put(bytes, layout.littleEndian, at, field.width, value);
  notes.push(`${table.what}[${row}]+${field.at} = ${value}`);
  return bytes;
};

/** A type becomes another: of another kind, with more members, or a reference to another type, itself first of all. */
const setType: Way = (bytes, layout, random, notes) => {
  if (layout.typesAt.length === 0) return setField(bytes, layout, random, notes);
  const id = random.below(layout.typesAt.length) + 1;
  const at = layout.typesAt[id - 1] as number;
  if (at + 12 > bytes.length) return bytes;
  const { littleEndian } = layout;
  const info = get(bytes, littleEndian, at + 4, 4);
  const what = random.below(6);
  if (what === 0) put(bytes, littleEndian, at + 4, 4, (info & 0x80ffffff) | (random.below(BTF_KINDS.length + 1) << 24));
  else if (what === 1)
    put(bytes, littleEndian, at + 4, 4, (info & ~0xffff) | random.pick([0, 1, (info & 0xffff) + 1, 2, 100, 0xffff]));
  else if (what === 2) put(bytes, littleEndian, at + 4, 4, info ^ 0x80000000);
  else {
    const near = [id, id + 1, id - 1, random.below(layout.typesAt.length + 2)];
    const next = layout.typesAt[id] ?? at + 12;
    const words = Math.max(1, Math.floor((next - at - 8) / 4));
    put(bytes, littleEndian, at + 8 + 4 * random.below(words), 4, random.pick(near));
  }
  notes.push(`type ${id} changed (${what})`);
  return bytes;
};

const flip: Way = (bytes, _, random, notes) => {
  const at = random.below(bytes.length);
  const mask = random.chance(0.5) ? 1 << random.below(8) : 1 + random.below(255);
  if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ mask;
  notes.push(`byte ${at} ^ ${mask}`);
  return bytes;
};

const cut: Way = (bytes, _, random, notes) => {
  const length = random.below(bytes.length + 1);
  notes.push(`cut to ${length} bytes`);
  return bytes.slice(0, length);
};

/** One row of a table becomes another. */
const copyRow: Way = (bytes, layout, random, notes) => {
  const table = pickTable(layout, random);
  const [from, to] = [random.below(table.rows), random.below(table.rows)];
  const length = table.stride * (table.stride < 8 ? 1 + random.below(32) : 1);
  const [source, target] = [table.at + from * table.stride, table.at + to * table.stride];
  if (source + length <= bytes.length && target + length <= bytes.length) bytes.copyWithin(target, source, source + length);
  notes.push(`${table.what}[${to}] = [${from}]`);
  return bytes;
};

/** A section lies where another does, or is of its type. */
const overlap: Way = (bytes, layout, random, notes) => {
  const [one, other] = [random.pick(layout.sections), random.pick(layout.sections)];
  const { at } = elf64Section;
  const [to, from] = [headerOf(layout, one), headerOf(layout, other)];
  if (to + 64 > bytes.length || from + 64 > bytes.length) return bytes;
  const fields = random.pick([
    [at.sh_offset, at.sh_size],
    [at.sh_offset],
    [at.sh_size],
    [at.sh_name],
    [at.sh_type],
    [at.sh_info],
  ] as const);
  for (const field of fields) bytes.copyWithin(to + field, from + field, from + field + (field < 8 ? 4 : 8));
  notes.push(`section ${one.name} takes ${fields.join(' and ')} of ${other.name}`);
  return bytes;
};

/** What stands behind moves, and its offsets do not. */
const shift: Way = (bytes, _, random, notes) => {
  const at = random.below(bytes.length + 1);
  const count = 1 + random.below(16);
  notes.push(`${count} bytes more or less at ${at}`);
  if (random.chance(0.5)) return concat([bytes.subarray(0, at), bytes.subarray(at + count)]);
  return concat([bytes.subarray(0, at), bytes.subarray(at, at + count), bytes.subarray(at)]);
};

const WAYS: readonly Way[] = [
  setField,
  setField,
  setField,
  setField,
  setField,
  setField,
  setField,
  setField,
  setType,
  setType,
  setType,
  flip,
  flip,
  copyRow,
  copyRow,
  overlap,
  cut,
  shift,
];

/** Tables are picked before their rows, so that the small ones, where more depends on each field, are hit as often. */
const pickTable = ({ tables }: Layout, random: Random): Table => {
  const table = random.pick(tables);
  return table.stride === 1 && random.chance(0.5) ? random.pick(tables) : table; // strings and data matter least
};

function valueFor(bytes: Uint8Array, layout: Layout, table: Table, field: Field, at: number, random: Random): number {
  const old = get(bytes, layout.littleEndian, at, field.width);
  switch (random.below(8)) {
    case 0:
    case 1:
      return random.pick(INTERESTING);
    case 2:
      return old + random.pick([-8, -4, -1, 1, 4, 8]);
    case 3:
      return old ^ (1 << random.below(Math.min(32, field.width * 8)));
    case 4:
    case 5:
      return get(bytes, layout.littleEndian, table.at + random.below(table.rows) * table.stride + field.at, field.width);
    case 6:
      return random.below(random.pick([16, 200, bytes.length + 1]));
    default:
      return random.next();
  }
}

function get(bytes: Uint8Array, littleEndian: boolean, at: number, width: number): number {
  let value = 0;
  for (let i = 0; i < Math.min(4, width); i++) value |= (bytes[at + (littleEndian ? i : width - 1 - i)] ?? 0) << (8 * i);
  return value >>> 0;
}

function put(bytes: Uint8Array, littleEndian: boolean, at: number, width: number, value: number): void {
  for (let i = 0; i < width; i++) {
    const byte = i < 4 ? value >>> (8 * i) : value > 0xffffffff - 16 ? 0xff : 0; // 64-bit fields: small, or huge
    const place = at + (littleEndian ? i : width - 1 - i);
    if (place < bytes.length) bytes[place] = byte;
  }
}

const headerOf = ({ headersAt }: Layout, { index }: Placed): number => headersAt + index * elf64Section.size;

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The file with new contents of a section, which stand at its end. */
function withContents(layout: Layout, section: Placed, contents: Uint8Array): Uint8Array<ArrayBuffer> {
  const padding = new Uint8Array((8 - (layout.bytes.length % 8)) % 8);
  const bytes = concat([layout.bytes, padding, contents]);
  const header = headerOf(layout, section);
  put(bytes, layout.littleEndian, header + elf64Section.at.sh_offset, 8, layout.bytes.length + padding.length);
  put(bytes, layout.littleEndian, header + elf64Section.at.sh_size, 8, contents.length);
  return bytes;
}

function bomb(layout: Layout, random: Random, notes: Note[]): Uint8Array<ArrayBuffer> {
  const bytes = random.pick([repeatedRows, repeatedRows, nestedTypes, nestedTypes, manySections, longStrings, repeatedRecords])(
    layout,
    random,
    notes,
  );
  if (!random.chance(0.3)) return bytes;
  return setType(bytes, layout, random, notes);
}

const contentsOf = ({ bytes }: Layout, { at, size }: Placed): Uint8Array => bytes.subarray(at, at + size);
const MOST_BOMB_BYTES = 1 << 19;

/** Symbols, relocations, instructions, data: over and over. */
function repeatedRows(layout: Layout, random: Random, notes: Note[]): Uint8Array<ArrayBuffer> {
  const bodies = layout.sections.filter(({ name, size }) => size > 0 && name !== '.BTF' && name !== '.BTF.ext');
  const tables = bodies.filter(({ type }) => type === SHT_SYMTAB || type === SHT_REL);
  const section = random.pick(random.chance(0.7) && tables.length > 0 ? tables : bodies);
  const contents = contentsOf(layout, section);
  const times = Math.min(random.pick([2, 10, 100, 1000, 20_000]), Math.ceil(MOST_BOMB_BYTES / contents.length));
  notes.push(`${section.name} ${times} times`);
  return withContents(layout, section, concat(Array.from({ length: times }, () => contents)));
}

function manySections(layout: Layout, random: Random, notes: Note[]): Uint8Array<ArrayBuffer> {
  const row = layout.headersAt + 64 * random.below(layout.sections.length);
  const count = random.pick([10, 100, 1000, 10_000]);
  const headers = layout.bytes.subarray(layout.headersAt, layout.headersAt + 64 * layout.sections.length);
  const padding = new Uint8Array((8 - (layout.bytes.length % 8)) % 8);
  const one = layout.bytes.subarray(row, row + 64);
  const bytes = concat([layout.bytes, padding, headers, ...Array.from({ length: count }, () => one)]);
  put(bytes, layout.littleEndian, elf64Header.at.e_shoff, 8, layout.bytes.length + padding.length);
  put(bytes, layout.littleEndian, elf64Header.at.e_shnum, 2, layout.sections.length + count);
  notes.push(`${count} more sections`);
  return bytes;
}

/** Names without an end until the end of the table. */
function longStrings(layout: Layout, random: Random, notes: Note[]): Uint8Array<ArrayBuffer> {
  const section = layout.sections.find(({ name }) => name === random.pick(['.strtab', '.shstrtab']));
  if (!section) return nestedTypes(layout, random, notes);
  const contents = contentsOf(layout, section);
  const long = new Uint8Array(random.pick([5000, 100_000, MOST_BOMB_BYTES])).fill(0x78);
  const keep = random.below(contents.length);
  notes.push(`${section.name} with a name of ${long.length}`);
  return withContents(layout, section, concat([contents.subarray(0, keep), long, contents.subarray(keep)]));
}

/** The blocks of one kind of record in .BTF.ext, over and over. */
function repeatedRecords(layout: Layout, random: Random, notes: Note[]): Uint8Array<ArrayBuffer> {
  const section = layout.sections.find(({ name, size }) => name === '.BTF.ext' && size >= 32);
  if (!section) return repeatedRows(layout, random, notes);
  const { littleEndian } = layout;
  const contents = contentsOf(layout, section);
  const word = (at: number) => get(contents, littleEndian, at, 4);
  const header = word(4);
  const all = [8, 16, 24].filter((at) => at < header).map((at) => ({ at, start: header + word(at), length: word(at + 4) }));
  const long = random.pick(all.filter(({ length }) => length > 4 || all.every((part) => part.length <= 4)));
  const blocks = contents.subarray(long.start + 4, long.start + long.length);
  const times = Math.min(random.pick([2, 10, 100, 2000]), Math.ceil(MOST_BOMB_BYTES / (blocks.length + 1)));
  const part = concat([contents.subarray(long.start, long.start + 4), ...Array.from({ length: times }, () => blocks)]);
  const bytes = concat([contents, part]);
  put(bytes, littleEndian, long.at, 4, contents.length - header);
  put(bytes, littleEndian, long.at + 4, 4, part.length);
  notes.push(`.BTF.ext records at ${long.at} ${times} times`);
  return withContents(layout, section, bytes);
}

const { PTR, ARRAY, STRUCT, TYPEDEF, CONST, FUNC_PROTO, DATASEC, UNION } = BTF_KIND;
/** Each refers to the type before it: `id` is that one's. */
const LEVELS: readonly ((id: number, name: number) => number[])[] = [
  (id, name) => [name, (TYPEDEF << 24) >>> 0, id],
  (id) => [0, PTR << 24, id],
  (id) => [0, CONST << 24, id],
  (id) => [0, ARRAY << 24, 0, id, 1, 2],
  (id, name) => [name, (STRUCT << 24) | 2, 8, name, id, 0, name + 1, id, 32],
  (id) => [0, (STRUCT << 24) | 2, 8, 0, id, 0, 0, id, 32],
  (id, name) => [0, (UNION << 24) | 1, 8, name, id, 0],
  (id, name) => [0, (FUNC_PROTO << 24) | 2, id, name, id, name, id],
];

/** A tower of types on top of those of the file, and some of the file's references lead to its top. */
function nestedTypes(layout: Layout, random: Random, notes: Note[]): Uint8Array<ArrayBuffer> {
  const section = layout.sections.find(({ name, size }) => name === '.BTF' && size > 0);
  if (!section || layout.typesAt.length === 0) return repeatedRows(layout, random, notes);
  const { littleEndian } = layout;
  const contents = new Uint8Array(contentsOf(layout, section));
  const word = (at: number) => get(contents, littleEndian, at, 4);
  const [header, types, strings] = [word(4), word(12), word(20)];
  const first = layout.typesAt.length + 1;
  const height = random.pick([10, 30, 60, 500, 5000]);
  const kinds = random.chance(0.5) ? [random.pick(LEVELS)] : LEVELS;
  const name = random.below(strings);
  const words: number[] = [];
  for (let i = 0; i < height; i++)
    words.push(...random.pick(kinds)(i === 0 ? (random.chance(0.3) ? first + height - 1 : 1) : first + i - 1, name));
  if (random.chance(0.2)) {
    const count = random.pick([10, 1000, 20_000]);
    words.push(name, (DATASEC << 24) | Math.min(count, 0xffff), 8);
    for (let i = 0; i < count; i++) words.push(1 + random.below(first), 0, 4);
  }
  const tower = new Uint8Array(words.length * 4);
  for (const [i, value] of words.entries()) put(tower, littleEndian, i * 4, 4, value);
  const retargeted = random.pick([0, 1, 3, 10]);
  for (let i = 0; i < retargeted; i++) {
    const at = (random.pick(layout.typesAt) as number) - section.at;
    const member = random.pick([8, 8, 16, 28]);
    if (at + member + 4 <= header + types) put(contents, littleEndian, at + member, 4, first + height - 1);
  }
  put(contents, littleEndian, 12, 4, types + tower.length);
  put(contents, littleEndian, 16, 4, types + tower.length);
  notes.push(`a tower of ${height} types`);
  const end = header + types;
  return withContents(layout, section, concat([contents.subarray(0, end), tower, contents.subarray(end)]));
}

/** Words of BTF by themselves, as a kernel's: no file around them. */
export function mutatedBtf(bytes: Uint8Array, random: Random, notes: Note[]): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bytes);
  const count = random.pick([1, 1, 2, 4, 8, 20]);
  for (let i = 0; i < count; i++) {
    const at = 4 * (random.chance(0.05) ? random.below(6) : 6 + random.below(Math.floor(copy.length / 4) - 6));
    const old = get(copy, true, at, 4);
    const value = random.pick([
      random.pick(INTERESTING),
      random.below(200),
      old + 1,
      old ^ (1 << random.below(32)),
      random.next(),
    ]);
    put(copy, true, at, 4, value);
    notes.push(`kernel BTF word ${at} = ${value}`);
  }
  return random.chance(0.03) ? copy.slice(0, random.below(copy.length)) : copy;
}

/** Lines lost, repeated, cut and changed. */
export function mutatedLog(log: string, other: string, random: Random, notes: Note[]): string {
  let lines = log.split('\n');
  const count = 1 + random.below(6);
  for (let i = 0; i < count; i++) {
    const at = random.below(lines.length);
    const line = lines[at] ?? '';
    const changes: (() => void)[] = [
      () => lines.splice(at, 1 + random.below(3)),
      () => lines.splice(at, 0, random.pick(other.split('\n'))),
      () => lines.splice(at, 1, line.slice(0, random.below(line.length + 1))),
      () =>
        lines.splice(
          at,
          1,
          line.replace(/\d+/g, (number) => String(random.pick([Number(number) + 1, 0, 2 ** 31, 1e21, -1]))),
        ),
      () =>
        lines.splice(
          at,
          1,
          [...line].map((char) => (random.chance(0.1) ? String.fromCharCode(random.below(300)) : char)).join(''),
        ),
      () => lines.splice(at, 1, line.repeat(random.pick([2, 50]))),
    ];
    random.pick(changes)();
  }
  if (random.chance(0.01)) lines = Array.from({ length: 2000 }, () => lines).flat();
  notes.push(`a log of ${lines.length} lines`);
  return lines.join('\n');
}
