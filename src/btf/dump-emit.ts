// Prints definitions one after the other, with forward declarations where a type is needed before its turn.

import { toCString } from '../bytes/index.js';
import { BTF_KIND } from '../uapi/btf.js';
import { declare } from './dump-declare.js';
import { enumDefinition, forwardType, structDefinition, tag } from './dump-define.js';
import { type CDump, EMITTED, EMITTING, NOT_EMITTED } from './dump-state.js';
import type { FlatBtf } from './flat.js';
import type { TypeId } from './types.js';

const K = BTF_KIND;
const TOP = 0;
const END = ';\n\n';

/** What a compiler has built in and its BTF names all the same. */
const BUILTIN = '__builtin_va_list';
const BUILTIN_BYTES = toCString(BUILTIN);
/** Old GCC makes this a typedef of void. */
const VA_LIST = '__gnuc_va_list';
const VA_LIST_BYTES = toCString(VA_LIST);
/** What GCC calls vectors' elements on arm64, in no other compiler's words. */
const ALIASES = [
  ['__Poly8_t', 'unsigned char'],
  ['__Poly16_t', 'unsigned short'],
  ['__Poly64_t', 'unsigned long long'],
  ['__Poly128_t', 'unsigned __int128'],
].map(([name = '', as = '']) => ({ name, bytes: toCString(name), as }));

/** Whether `text`, NUL and all, stands at `offset`. */
const isText = ({ strings }: FlatBtf, offset: number, text: Uint8Array): boolean =>
  text.every((byte, i) => strings[offset + i] === byte);

/**
 * Prints `id` where it is queued (`within` is 0), or what of it must be declared before the struct or typedef `within` can be.
 * @see libbpf btf_dump_emit_type, src/btf_dump.c
 */
export function emit(d: CDump, id: TypeId, within: TypeId): void {
  const state = d.emitted[id];
  if (state === EMITTED) return;
  if (state !== NOT_EMITTED) {
    meetAgain(d, id, within);
    return;
  }
  d.enter(id);
  const emitOf = EMIT_OF[d.flat.kinds[id] as number];
  if (emitOf) emitOf(d, id, within);
  d.leave();
}

/** A type that is being printed is needed by one of its parts. */
function meetAgain(d: CDump, id: TypeId, within: TypeId): void {
  if (d.forwarded[id] === 1) return;
  const kind = d.flat.kinds[id] as number;
  if (kind === K.TYPEDEF) typedefDefinition(d, id);
  else if ((kind === K.STRUCT || kind === K.UNION) && id !== within && d.flat.names[id] !== 0) forward(d, id);
  else return;
  d.forwarded[id] = 1;
}

function forward(d: CDump, id: TypeId): void {
  tag(d, id);
  d.out.ascii(END);
}

function typedefDefinition(d: CDump, id: TypeId): void {
  const name = d.flat.names[id] as number;
  if (isText(d.flat, name, BUILTIN_BYTES)) return;
  const use = d.names.typedefUse(id);
  if (d.flat.thirds[id] === 0 && use === 1 && isText(d.flat, name, VA_LIST_BYTES)) d.out.ascii(`typedef ${BUILTIN} ${VA_LIST}`);
  else {
    d.out.ascii('typedef ');
    declare(d, d.flat.thirds[id] as number, name, use, 0);
  }
  d.out.ascii(END);
}

type EmitOf = (d: CDump, id: TypeId, within: TypeId) => void;

const follow: EmitOf = (d, id, within) => emit(d, d.flat.thirds[id] as number, within);

const composite: EmitOf = (d, id, within) => {
  const { words, at } = d.flat;
  const start = at[id] as number;
  const isNamed = words[start] !== 0;
  d.emitted[id] = EMITTING;
  if (within === TOP || !isNamed) {
    // Its members are printed with it, so what they need has to be there first.
    const end = start + 3 + ((words[start + 1] as number) & 0xffffff) * 3;
    for (let member = start + 3; member < end; member += 3) emit(d, words[member + 1] as number, isNamed ? id : within);
  } else if (d.forwarded[id] === 0 && id !== within) {
    forward(d, id);
    d.forwarded[id] = 1;
  }
  if (within !== TOP) {
    d.emitted[id] = NOT_EMITTED;
    return;
  }
  structDefinition(d, id, 0);
  d.out.ascii(END);
  d.emitted[id] = EMITTED;
};

const enumeration: EmitOf = (d, id, within) => {
  if (within === TOP) {
    enumDefinition(d, id, 0);
    d.out.ascii(END);
  }
  d.emitted[id] = EMITTED;
};

const EMIT_OF: readonly (EmitOf | undefined)[] = [
  undefined, // void
  (d, id) => {
    const use = d.names.tagUse(id); // also counts the name: a struct `int` would be `int___2`
    const name = d.flat.names[id] as number;
    const alias = use === 1 && ALIASES.find(({ bytes }) => isText(d.flat, name, bytes));
    if (alias) d.out.ascii(`typedef ${alias.as} ${alias.name}${END}`);
    d.emitted[id] = EMITTED;
  },
  follow, // PTR
  follow, // ARRAY
  composite, // STRUCT
  composite, // UNION
  enumeration, // ENUM
  (d, id) => {
    forwardType(d, id);
    d.out.ascii(END);
    d.emitted[id] = EMITTED;
  },
  (d, id) => {
    d.emitted[id] = EMITTING;
    emit(d, d.flat.thirds[id] as number, id);
    if (d.forwarded[id] === 0) typedefDefinition(d, id);
    d.emitted[id] = EMITTED;
  },
  follow, // VOLATILE
  follow, // CONST
  follow, // RESTRICT
  undefined, // FUNC
  (d, id, within) => {
    const { words, at } = d.flat;
    const start = at[id] as number;
    emit(d, words[start + 2] as number, within);
    const end = start + 3 + ((words[start + 1] as number) & 0xffffff) * 2;
    for (let param = start + 3; param < end; param += 2) emit(d, words[param + 1] as number, within);
  },
  undefined, // VAR
  undefined, // DATASEC
  undefined, // FLOAT
  undefined, // DECL_TAG
  follow, // TYPE_TAG
  enumeration, // ENUM64
];
