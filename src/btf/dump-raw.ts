// `format raw`: each type as it stands in the file, a line of text or an object of JSON. One table says what is shown of each kind.

import { JsonWriter, type TextSink } from '../bytes/index.js';
import { FormatError } from '../errors.js';
import { BTF_KIND_FLAG, BTF_KIND_WORDS, BTF_KINDS, type BtfKind } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import { type FlatBtf, flatten } from './flat.js';
import type { TypeId } from './types.js';

export interface RawDumpOptions {
  /** These types only, in this order; otherwise all that are the blob's own. */
  readonly roots?: readonly TypeId[];
}

/**
 * What is read for a field: of type or element at word `at`, in a type whose info is `info`.
 */
type Read = (words: Uint32Array, at: number, info: number) => number;
/**
 * `words` names its numbers. `extended` is for unsigned enumerators from 2^31 on, whose sign bit bpftool extends to 64 bits in JSON, and
 * there only; who reads its JSON has learned to live with that.
 */
type Field =
  | { readonly key: string; readonly read: Read; readonly words?: readonly string[]; readonly extended?: true }
  /** 64 bits, low word first. */
  | { readonly key: string; readonly low: number };

interface Shape {
  readonly fields: readonly Field[];
  readonly elements?: {
    readonly key: string;
    /** The word of the name, if elements have one. */
    readonly name?: number;
    readonly fields: readonly Field[];
    /** Text says of what kind the type that the first field names is. */
    readonly annotated?: true;
  };
  /** Between fields of text. */
  readonly separator?: string;
}

const word =
  (place: number): Read =>
  (words, at) =>
    words[at + place] as number;
const vlen: Read = (_, __, info) => info & 0xffffff;
const isFlagged: Read = (_, __, info) => info >>> 31;
const bits =
  (place: number, shift: number, mask: number): Read =>
  (words, at) =>
    ((words[at + place] as number) >>> shift) & mask;

/** Past the end of each list stands what is shown of numbers that have no name. */
const INT_ENCODINGS = ['(none)', 'SIGNED', 'CHAR', 'UNKN', 'BOOL', 'UNKN'];
const SIGNS = ['UNSIGNED', 'SIGNED', 'SIGNED'];
const LINKAGES = ['static', 'global', 'extern', '(unknown)'];

const size: Field = { key: 'size', read: word(2) };
const type: Field = { key: 'type_id', read: word(2) };
const count: Field = { key: 'vlen', read: vlen };
const encoding: Field = { key: 'encoding', read: isFlagged, words: SIGNS };

const REFERENCE: Shape = { fields: [type] };
const COMPOSITE: Shape = {
  fields: [size, count],
  elements: {
    key: 'members',
    name: 0,
    fields: [
      { key: 'type_id', read: word(1) },
      {
        key: 'bits_offset',
        read: (words, at, info) => (words[at + 2] as number) & (info >>> 31 === 1 ? 0xffffff : 0xffffffff),
      },
      { key: 'bitfield_size', read: (words, at, info) => (info >>> 31 === 1 ? (words[at + 2] as number) >>> 24 : 0) },
    ],
  },
};
const NOTHING: Shape = { fields: [] };

const SHAPES: Readonly<Record<BtfKind, Shape>> = {
  VOID: NOTHING,
  INT: {
    fields: [
      size,
      { key: 'bits_offset', read: bits(3, 16, 0xff) },
      { key: 'nr_bits', read: bits(3, 0, 0xff) },
      { key: 'encoding', read: bits(3, 24, 0xf), words: INT_ENCODINGS },
    ],
  },
  PTR: REFERENCE,
  TYPEDEF: REFERENCE,
  VOLATILE: REFERENCE,
  CONST: REFERENCE,
  RESTRICT: REFERENCE,
  TYPE_TAG: REFERENCE,
  ARRAY: {
    fields: [
      { key: 'type_id', read: word(3) },
      { key: 'index_type_id', read: word(4) },
      { key: 'nr_elems', read: word(5) },
    ],
  },
  STRUCT: COMPOSITE,
  UNION: COMPOSITE,
  ENUM: {
    fields: [encoding, size, count],
    elements: {
      key: 'values',
      name: 0,
      fields: [
        {
          key: 'val',
          extended: true,
          read: (words, at, info) => (info >>> 31 === 1 ? (words[at + 1] as number) | 0 : (words[at + 1] as number)),
        },
      ],
    },
  },
  ENUM64: { fields: [encoding, size, count], elements: { key: 'values', name: 0, fields: [{ key: 'val', low: 1 }] } },
  FWD: { fields: [{ key: 'fwd_kind', read: isFlagged, words: ['struct', 'union', 'union'] }] },
  FUNC: { fields: [type, { key: 'linkage', read: vlen, words: LINKAGES }] },
  FUNC_PROTO: {
    fields: [{ key: 'ret_type_id', read: word(2) }, count],
    elements: { key: 'params', name: 0, fields: [{ key: 'type_id', read: word(1) }] },
  },
  VAR: { fields: [type, { key: 'linkage', read: word(3), words: LINKAGES }], separator: ',' },
  DATASEC: {
    fields: [size, count],
    elements: {
      key: 'vars',
      fields: [
        { key: 'type_id', read: word(0) },
        { key: 'offset', read: word(1) },
        { key: 'size', read: word(2) },
      ],
      annotated: true,
    },
  },
  FLOAT: { fields: [size] },
  DECL_TAG: { fields: [type, { key: 'component_idx', read: (words, at) => (words[at + 3] as number) | 0 }] },
};
const BY_NUMBER = BTF_KINDS.map((kind) => SHAPES[kind]);
const KIND_NAMES = BTF_KINDS.map((kind) => (kind === 'VOID' ? 'UNKNOWN' : kind));
const ELEMENT_WORDS = BTF_KIND_WORDS.map(({ element }) => element);
const HEAD_WORDS = 3;
const NO_NAME = '(anon)';
/** A field that is left out where it is 0. */
const OPTIONAL = 'bitfield_size';

/**
 * Writes types as text, a line for each and one for each of its elements: `[1] INT 'int' size=4 …`.
 * @throws {FormatError} when the BTF refers to what it does not have, or there is no such root.
 * @see bpftool dump_btf_type, src/btf.c
 */
export function dumpRaw(btf: Btf, out: TextSink, { roots }: RawDumpOptions = {}): void {
  const flat = flatten(btf);
  eachOf(flat, roots, (id) => textOf(flat, out, id));
}

/**
 * Writes `{"types":[…]}`, with the keys that the text has.
 * @throws {FormatError} as `dumpRaw`.
 */
export function dumpJson(
  btf: Btf,
  out: TextSink,
  { roots, pretty = false }: RawDumpOptions & { readonly pretty?: boolean } = {},
): void {
  const flat = flatten(btf);
  const json = new JsonWriter(out, { pretty });
  json.open('{');
  json.key('types');
  json.open('[');
  eachOf(flat, roots, (id) => jsonOf(flat, json, id));
  json.close(']');
  json.close('}');
  json.end();
}

function eachOf({ btf }: FlatBtf, roots: readonly TypeId[] | undefined, see: (id: TypeId) => void): void {
  if (!roots) for (let id = btf.firstId; id < btf.length; id++) see(id);
  for (const id of checkRoots(btf, roots ?? [])) see(id);
}

/** @throws {FormatError} naming the first root that does not exist. */
export function checkRoots(btf: Btf, roots: readonly TypeId[]): readonly TypeId[] {
  const bad = roots.find((id) => !(id < btf.length));
  if (bad === undefined) return roots;
  throw new FormatError(`There is no type ${bad}: ids end at ${btf.length - 1}`, {
    where: btf.where,
    remedy: 'tsbpf btf find NAME tells the ids of types.',
  });
}

function textOf(flat: FlatBtf, out: TextSink, id: TypeId): void {
  const { words } = flat;
  const at = flat.at[id] as number;
  const info = words[at + 1] as number;
  const kind = (info >>> 24) & 0x7f;
  const { fields, elements, separator } = BY_NUMBER[kind] as Shape;
  out.ascii('[');
  out.unsigned(id);
  out.ascii('] ');
  out.ascii(KIND_NAMES[kind] as string);
  textName(flat, out, words[at] as number, ' ');
  for (let i = 0; i < fields.length; i++) {
    if (i > 0 && separator) out.ascii(separator);
    textField(fields[i] as Field, words, at, info, out);
  }
  if (elements) {
    const step = ELEMENT_WORDS[kind] as number;
    const end = at + HEAD_WORDS + (info & 0xffffff) * step;
    for (let element = at + HEAD_WORDS; element < end; element += step) {
      if (elements.name !== undefined) textName(flat, out, words[element] as number, '\n\t');
      for (let i = 0; i < elements.fields.length; i++) {
        if (i === 0 && elements.name === undefined) out.ascii('\n\t');
        textField(elements.fields[i] as Field, words, element, info, out, i === 0 && elements.name === undefined ? '' : ' ');
      }
      if (elements.annotated) annotate(flat, out, words[element] as number);
    }
  }
  out.byte(10);
}

function textField(field: Field, words: Uint32Array, at: number, info: number, out: TextSink, before = ' '): void {
  if ('low' in field) {
    out.ascii(before);
    out.ascii(field.key);
    const text = big(words, at + field.low, info);
    out.ascii(`=${text}${info >>> 31 === 1 ? 'LL' : 'ULL'}`);
    return;
  }
  const value = field.read(words, at, info);
  if (value === 0 && field.key === OPTIONAL) return;
  out.ascii(before);
  out.ascii(field.key);
  out.ascii('=');
  if (field.words) out.ascii(named(field.words, value));
  else out.signed(value);
}

const named = (list: readonly string[], value: number): string => list[Math.min(value, list.length - 1)] as string;

function big(words: Uint32Array, low: number, info: number): string {
  const value = (BigInt(words[low + 1] as number) << 32n) | BigInt(words[low] as number);
  return (info >= BTF_KIND_FLAG ? BigInt.asIntN(64, value) : value).toString();
}

function textName({ strings }: FlatBtf, out: TextSink, offset: number, before: string): void {
  out.ascii(before);
  out.ascii("'");
  if (offset === 0) out.ascii(NO_NAME);
  else out.cString(strings, offset);
  out.ascii("'");
}

function annotate(flat: FlatBtf, out: TextSink, id: TypeId): void {
  out.ascii(' (');
  out.ascii(KIND_NAMES[flat.kinds[id] as number] as string);
  textName(flat, out, flat.names[id] as number, ' ');
  out.ascii(')');
}

function jsonOf(flat: FlatBtf, json: JsonWriter, id: TypeId): void {
  const { words } = flat;
  const at = flat.at[id] as number;
  const info = words[at + 1] as number;
  const kind = (info >>> 24) & 0x7f;
  const { fields, elements } = BY_NUMBER[kind] as Shape;
  json.open('{');
  json.key('id');
  json.number(id);
  json.key('kind');
  json.ascii(KIND_NAMES[kind] as string);
  jsonName(flat, json, words[at] as number);
  for (const field of fields) jsonField(field, words, at, info, json);
  if (elements) {
    json.key(elements.key);
    json.open('[');
    const step = ELEMENT_WORDS[kind] as number;
    const end = at + HEAD_WORDS + (info & 0xffffff) * step;
    for (let element = at + HEAD_WORDS; element < end; element += step) {
      json.open('{');
      if (elements.name !== undefined) jsonName(flat, json, words[element] as number);
      for (const field of elements.fields) jsonField(field, words, element, info, json);
      json.close('}');
    }
    json.close(']');
  }
  json.close('}');
}

function jsonName({ strings }: FlatBtf, json: JsonWriter, offset: number): void {
  json.key('name');
  if (offset === 0) json.ascii(NO_NAME);
  else json.string(strings, offset);
}

function jsonField(field: Field, words: Uint32Array, at: number, info: number, json: JsonWriter): void {
  if ('low' in field) {
    json.key(field.key);
    json.literal(big(words, at + field.low, info));
    return;
  }
  const value = field.read(words, at, info);
  if (value === 0 && field.key === OPTIONAL) return;
  json.key(field.key);
  if (field.words) json.ascii(named(field.words, value));
  else if (field.extended && value > 0x7fffffff) json.literal(BigInt.asUintN(64, BigInt(value | 0)).toString());
  else json.number(value);
}
