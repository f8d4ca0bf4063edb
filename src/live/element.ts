// Words of `map update`, `lookup` and their like: `key hex 01 00 00 00 value 5 0 0 0 noexist`, and in their place JSON by the types
// of the map: `key '{"pid":1}' value 5`.

import { type Btf, resolved, type TypeId } from '../btf/index.js';
import { fromHex } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import { encoded, type Shape, shapeOf, variablesOf } from '../maps/index.js';
import { BPF_ANY, BPF_EXIST, BPF_NOEXIST } from '../uapi/bpf.js';
import type { MapInfo } from './info.js';
import { isMapOfMaps, isMapOfProgs } from './names.js';

/** What the words say. `value` of a map of maps or programs are the words that name one. */
export interface ElementWords {
  readonly key?: Uint8Array;
  readonly value?: Uint8Array | { readonly selector: readonly string[] };
  readonly flags?: number;
}

export interface ElementTypes {
  /** The key counts places from 0, as in arrays: it can be said as a number whatever the types. */
  readonly index?: boolean;
  readonly btf?: Btf | undefined;
  /** The value as it is now, for those of which only parts are said: variables of a data section. */
  readonly current?: () => Uint8Array | undefined;
}

/** The words are not what the verb takes, whatever stands in the data. */
export class ElementWordsError extends UsageError {}

const FLAGS = { any: BPF_ANY, noexist: BPF_NOEXIST, exist: BPF_EXIST } as const;
const startsWith = (word: string, keyword: string): boolean => word !== '' && keyword.startsWith(word);
const flagOf = (word: string): number | undefined => Object.entries(FLAGS).find(([name]) => startsWith(word, name))?.[1];

/**
 * @param wants What the verb takes; anything else is refused, and of these each must be there unless it has no bytes.
 * @throws {ElementWordsError} for words in places where they do not belong; {UsageError} for data that the map does not take.
 */
export function parseElement(
  words: readonly string[],
  info: MapInfo,
  wants: { readonly key: boolean; readonly value: boolean; readonly flags?: boolean },
  types: ElementTypes = {},
): ElementWords {
  const said: { -readonly [K in keyof ElementWords]: ElementWords[K] } = {};
  for (let at = 0; at < words.length; ) {
    const word = words[at] as string;
    if (startsWith(word, 'key')) {
      if (!wants.key || info.keySize === 0) throw new ElementWordsError('This takes no key');
      if (said.key) throw new ElementWordsError('duplicate key');
      const end = endOfData(words, at + 1, info.keySize);
      said.key = dataOf('key', words.slice(at + 1, end), info.keySize, info.btfKeyTypeId, types);
      at = end;
    } else if (startsWith(word, 'value')) {
      if (!wants.value || info.valueSize === 0) throw new ElementWordsError('This takes no value');
      if (said.value) throw new ElementWordsError('duplicate value');
      if (isMapOfMaps(info.type) || isMapOfProgs(info.type)) {
        const selector = words.slice(at + 1, at + 3);
        if (selector.length < 2)
          throw new ElementWordsError(`The value names a ${isMapOfMaps(info.type) ? 'map' : 'program'}`, {
            remedy: 'As in: value id 12, or: value pinned /sys/fs/bpf/x.',
          });
        said.value = { selector };
        at += 3;
      } else {
        const end = endOfData(words, at + 1, info.valueSize);
        said.value = dataOf('value', words.slice(at + 1, end), info.valueSize, info.btfValueTypeId, types);
        at = end;
      }
    } else {
      const flags = wants.flags ? flagOf(word) : undefined;
      if (flags === undefined)
        throw new ElementWordsError(
          `expected ${wants.key ? 'key' : ''}${wants.key && wants.value ? ' or ' : ''}${wants.value ? 'value' : ''}, got: ${word}`,
        );
      if (said.flags !== undefined) throw new ElementWordsError(`flags specified multiple times: ${word}`);
      said.flags = flags;
      at++;
    }
  }
  if (wants.key && info.keySize > 0 && !said.key) throw notSaid('key', info.keySize);
  if (wants.value && info.valueSize > 0 && !said.value) throw notSaid('value', info.valueSize);
  return said;
}

const notSaid = (what: 'key' | 'value', size: number): ElementWordsError =>
  new ElementWordsError(`did not find ${what}`, {
    remedy: `The map wants ${size} bytes of it, as in: ${what} hex 01 00 …, or JSON by its types.`,
  });

/** Bytes are as many words as the size; JSON is one. */
function endOfData(words: readonly string[], start: number, size: number): number {
  const first = words[start];
  if (first === undefined) return start;
  if (startsWith(first, 'hex')) return Math.min(words.length, start + 1 + size);
  return isJson(words, start, size) ? start + 1 : Math.min(words.length, start + size);
}

/** What cannot be bytes: text that starts like JSON, and one number where more bytes are wanted. */
function isJson(words: readonly string[], start: number, size: number): boolean {
  const first = words[start] as string;
  if (/^(\s*[{["]|true$|false$)/.test(first)) return true;
  if (size === 1 || !/^-?\d/.test(first)) return false;
  const next = words[start + 1];
  return next === undefined || startsWith(next, 'key') || startsWith(next, 'value') || flagOf(next) !== undefined;
}

function dataOf(name: string, words: readonly string[], size: number, type: TypeId, types: ElementTypes): Uint8Array {
  const first = words[0];
  if (first !== undefined && !startsWith(first, 'hex') && isJson(words, 0, size)) {
    if (name === 'key' && type === 0 && types.index) return new Uint8Array(Uint32Array.of(indexOf(first)).buffer);
    if (!types.btf || type === 0)
      throw new UsageError(`${name} expected ${size} bytes got ${words.length}`, {
        remedy: 'JSON needs types, and this map was made without: write the bytes, as in: hex 01 00 00 00.',
      });
    return typedBytes(name, types.btf, type, parseJson(first, name), size, types);
  }
  const isHex = first !== undefined && startsWith(first, 'hex');
  const bytes = (isHex ? words.slice(1) : words).map((word) => byteOf(word, isHex));
  if (bytes.length !== size) throw new UsageError(`${name} expected ${size} bytes got ${bytes.length}`);
  return Uint8Array.from(bytes);
}

function indexOf(word: string): number {
  const value = Number(word);
  if (!(Number.isInteger(value) && value >= 0 && value <= 0xffffffff)) throw new UsageError(`error parsing key: ${word}`);
  return value;
}

/** As strtoul has it: decimal, 0x and a leading 0 for octal; or hex. */
function byteOf(word: string, isHex: boolean): number {
  const digits = isHex ? /^(?:0x)?([\da-f]+)$/i.exec(word)?.[1] : undefined;
  const value = isHex
    ? digits === undefined
      ? Number.NaN
      : Number.parseInt(digits, 16)
    : /^0[0-7]+$/.test(word)
      ? Number.parseInt(word, 8)
      : /^(0x[\da-f]+|\d+)$/i.test(word)
        ? Number(word)
        : Number.NaN;
  if (!(value <= 0xff))
    throw new UsageError(`error parsing byte: ${word}`, { remedy: 'A byte is 0 to 255, or two digits after the word hex.' });
  return value;
}

const BIG = '\u0000';

/** Integers that a number cannot hold become bigint; those in hex are no JSON, and meant all the same. */
function parseJson(text: string, name: string): unknown {
  if (/^0x[\da-f]+$/i.test(text)) return text;
  try {
    const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (part) =>
      part.startsWith('"') ? part : `"\\u0000${part}"`,
    );
    return JSON.parse(marked, (_, value: unknown) =>
      typeof value === 'string' && value.startsWith(BIG) ? BigInt(value.slice(1)) : value,
    );
  } catch (cause) {
    throw new UsageError(`The ${name} is no JSON: ${text}`, {
      cause,
      remedy: `A shell takes double quotes away, so put single ones around it: ${name} '{"pid":1}'.`,
    });
  }
}

function typedBytes(name: string, btf: Btf, type: TypeId, value: unknown, size: number, { current }: ElementTypes): Uint8Array {
  if (resolved(btf, type).kind === 'DATASEC') {
    const bytes = new Uint8Array(size);
    bytes.set(current?.() ?? []);
    if (typeof value !== 'object' || value === null) throw new UsageError(`${name}: an object of variables expected`);
    const variables = variablesOf(btf, type, { section: name, bytes: () => bytes });
    for (const [variable, content] of Object.entries(value)) variables[variable] = content;
    return bytes;
  }
  const [shape, fitted] = fitting(shapeOf(btf, type), flat(value));
  if (shape.size !== size) throw new UsageError(`${name}: its type has ${shape.size} bytes, and the map's has ${size}`);
  return encoded(shape, fitted, name);
}

/**
 * A value and the shape to write it with. JSON has no words for bytes: they are a list of numbers, or hex; booleans may be 0 and 1;
 * text may be a list of bytes, as a dump shows what is not printable.
 */
function fitting(shape: Shape, value: unknown): readonly [Shape, unknown] {
  switch (shape.kind) {
    case 'text':
    case 'bytes':
      if (isList(value)) return [{ kind: 'bytes', size: shape.size }, Uint8Array.from(value, byteIn)];
      return shape.kind === 'bytes' && typeof value === 'string' && /^([\da-f]{2}\s*)*$/i.test(value)
        ? [shape, fromHex(value)]
        : [shape, value];
    case 'bool':
      return [shape, value === 0 || value === 1 ? value === 1 : value];
    case 'int':
    case 'bigint':
      return [shape, typeof value === 'string' && /^(0x[\da-f]+|\d+)$/i.test(value) ? BigInt(value) : value];
    case 'list':
      return [shape, isList(value) ? value.map((item) => fitting(shape.element, item)[1]) : value];
    case 'record': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [shape, value];
      const fields = [...shape.fields];
      const members = Object.entries(value).map(([name, member]) => {
        const at = fields.findIndex((field) => field.name === name);
        const field = fields[at];
        if (!field) return [name, member] as const;
        const [fieldShape, fieldValue] = fitting(field.shape, member);
        fields[at] = { ...field, shape: fieldShape };
        return [name, fieldValue] as const;
      });
      return [{ ...shape, fields }, Object.fromEntries(members)];
    }
    default:
      return [shape, value];
  }
}

/** As a dump shows it: a number, of char with a sign, or the character. */
function byteIn(value: unknown): number {
  const byte =
    typeof value === 'bigint' ? Number(value) : typeof value === 'string' && value.length === 1 ? value.charCodeAt(0) : value;
  if (typeof byte === 'number' && Number.isInteger(byte) && byte >= -128 && byte <= 0xff) return byte;
  const shown = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  throw new UsageError(`A byte of a list expected, not ${shown}`, { remedy: 'A byte is 0 to 255; of char also -128 to -1.' });
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** No type goes deeper. */
const MOST_DEPTH = 64;

/** A dump shows members of anonymous members a level deeper, under no name; here they are the record's own. */
function flat(value: unknown, depth = 0): unknown {
  if (depth > MOST_DEPTH) throw new UsageError(`The JSON is nested more than ${MOST_DEPTH} deep, and no type is`);
  if (isList(value)) return value.map((item) => flat(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]): [string, unknown][] =>
      name === '' && typeof member === 'object' && member !== null
        ? Object.entries(flat(member, depth + 1) as object)
        : [[name, flat(member, depth + 1)]],
    ),
  );
}
