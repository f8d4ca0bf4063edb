// Where each kind of type keeps ids of other types, and names: one table for every pass over all of them.

import { BTF_KIND_WORDS, BTF_KINDS, type BtfKind } from '../uapi/btf.js';

/** Word positions from the start of a type, and from the start of each of its elements. */
export interface Places {
  readonly fixed: readonly number[];
  readonly element: readonly number[];
}
const HEAD = 3;
const NAME = 0;
const TYPE = 2;
const NONE: Places = { fixed: [], element: [] };
const REFERENCE: Places = { fixed: [TYPE], element: [] };

const ID_PLACES: Readonly<Record<BtfKind, Places>> = {
  VOID: NONE,
  INT: NONE,
  FLOAT: NONE,
  ENUM: NONE,
  ENUM64: NONE,
  FWD: NONE,
  PTR: REFERENCE,
  TYPEDEF: REFERENCE,
  VOLATILE: REFERENCE,
  CONST: REFERENCE,
  RESTRICT: REFERENCE,
  FUNC: REFERENCE,
  VAR: REFERENCE,
  DECL_TAG: REFERENCE,
  TYPE_TAG: REFERENCE,
  ARRAY: { fixed: [HEAD, HEAD + 1], element: [] },
  STRUCT: { fixed: [], element: [1] },
  UNION: { fixed: [], element: [1] },
  FUNC_PROTO: { fixed: [TYPE], element: [1] },
  DATASEC: { fixed: [], element: [0] },
};
const WITH_NAMED_ELEMENTS = new Set<BtfKind>(['STRUCT', 'UNION', 'ENUM', 'ENUM64', 'FUNC_PROTO']);

/** Where ids of other types are, by BTF_KIND_ number. */
export const ID_WORDS: readonly Places[] = BTF_KINDS.map((kind) => ID_PLACES[kind]);
/** Where string offsets are, by BTF_KIND_ number. */
export const NAME_WORDS: readonly Places[] = BTF_KINDS.map(
  (kind): Places => ({ fixed: [NAME], element: WITH_NAMED_ELEMENTS.has(kind) ? [0] : [] }),
);

function visit(table: readonly Places[], words: Uint32Array, at: number, see: (place: number) => void): void {
  const info = words[at + 1] as number;
  const kind = (info >>> 24) & 0x7f;
  const { fixed, element } = table[kind] as Places;
  for (const place of fixed) see(at + place);
  if (element.length === 0) return;
  const { fixed: before, element: size } = BTF_KIND_WORDS[kind] as (typeof BTF_KIND_WORDS)[number];
  const vlen = info & 0xffffff;
  for (let i = 0, start = at + HEAD + before; i < vlen; i++, start += size) for (const place of element) see(start + place);
}

/** Sees the position of each word, of the type that starts at word `at`, which is the id of another type, in stored order. */
export const eachId = (words: Uint32Array, at: number, see: (place: number) => void): void => visit(ID_WORDS, words, at, see);

/** Sees the position of each word, of the type that starts at word `at`, which is a string offset, in stored order. */
export const eachName = (words: Uint32Array, at: number, see: (place: number) => void): void => visit(NAME_WORDS, words, at, see);
