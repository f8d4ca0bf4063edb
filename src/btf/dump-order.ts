// In which order types must be defined for C, and which of them a forward declaration is enough for.

import { FormatError } from '../errors.js';
import { BTF_KIND, BTF_KIND_WORDS } from '../uapi/btf.js';
import { type CDump, NOT_ORDERED, ORDERED, ORDERING } from './dump-state.js';
import { ID_WORDS, type Places } from './fields.js';
import { type FlatBtf, kindOf, nameOf, thirdOf } from './flat.js';
import type { TypeId } from './types.js';

const K = BTF_KIND;
const ELEMENT_WORDS = BTF_KIND_WORDS.map(({ element }) => element);

/**
 * Marks what another type refers to: an anonymous enum that nothing refers to is a definition of its own. What a function returns is
 * not marked, which is libbpf's way.
 * @see libbpf btf_dump_mark_referenced, src/btf_dump.c
 */
export function markReferenced({ words, at }: FlatBtf, referenced: Uint8Array): void {
  for (let id = 1; id < at.length; id++) {
    const start = at[id] as number;
    const info = words[start + 1] as number;
    const kind = (info >>> 24) & 0x7f;
    const { fixed, element } = ID_WORDS[kind] as Places;
    if (kind !== K.FUNC_PROTO) for (const place of fixed) referenced[words[start + place] as number] = 1;
    const place = element[0];
    if (place === undefined) continue;
    const size = ELEMENT_WORDS[kind] as number;
    const end = start + 3 + (info & 0xffffff) * size;
    for (let at = start + 3; at < end; at += size) referenced[words[at + place] as number] = 1;
  }
}

/**
 * Queues what `id` needs, and `id` itself, each after what must be defined before it.
 *
 * A struct needs the definitions of what is embedded in it, but of what it only points to no more than a declaration, if that has a
 * name to declare. So the answer is whether whoever asked has to wait for this definition: false when there is a pointer on the way
 * and a name behind it. That depends on the way, so only types that are definitions themselves are marked as done, and pointers.
 * @throws {FormatError} when types embed each other in a circle.
 * @see libbpf btf_dump_order_type, src/btf_dump.c
 */
export function order(d: CDump, id: TypeId, throughPointer: boolean): boolean {
  const state = d.ordered[id];
  if (state === ORDERED) return true;
  const { flat } = d;
  const kind = kindOf(flat, id);
  if (state !== NOT_ORDERED) {
    if ((kind === K.STRUCT || kind === K.UNION) && throughPointer && nameOf(flat, id) !== 0) return false;
    throw new FormatError(`Type ${id} holds itself, which C cannot say`, {
      where: flat.btf.where,
      remedy: 'Name the types that you need: root_id N. format raw shows all.',
    });
  }
  d.enter(id);
  const isStrong = (ORDER_OF[kind] as OrderOf)(d, id, throughPointer);
  d.leave();
  return isStrong;
}

type OrderOf = (d: CDump, id: TypeId, throughPointer: boolean) => boolean;

const nothingToDefine: OrderOf = (d, id) => {
  d.ordered[id] = ORDERED;
  return false;
};
const modifier: OrderOf = (d, id, throughPointer) => order(d, thirdOf(d.flat, id), throughPointer);

const composite: OrderOf = (d, id, throughPointer) => {
  const { words, at } = d.flat;
  const start = at[id] as number;
  const isNamed = words[start] !== 0;
  if (throughPointer && isNamed) return false;
  d.ordered[id] = ORDERING;
  const end = start + 3 + ((words[start + 1] as number) & 0xffffff) * 3;
  for (let member = start + 3; member < end; member += 3) order(d, words[member + 1] as number, false);
  if (isNamed) d.queue.push(id);
  d.ordered[id] = ORDERED;
  return true;
};

const enumOrForward: OrderOf = (d, id) => {
  if (nameOf(d.flat, id) !== 0 || d.referenced[id] === 0) d.queue.push(id);
  d.ordered[id] = ORDERED;
  return true;
};

const prototype: OrderOf = (d, id, throughPointer) => {
  const { words, at } = d.flat;
  const start = at[id] as number;
  let isStrong = order(d, words[start + 2] as number, throughPointer);
  const end = start + 3 + ((words[start + 1] as number) & 0xffffff) * 2;
  for (let param = start + 3; param < end; param += 2) {
    if (order(d, words[param + 1] as number, throughPointer)) isStrong = true;
  }
  return isStrong;
};

const pointer: OrderOf = (d, id) => {
  const isStrong = order(d, thirdOf(d.flat, id), true);
  d.ordered[id] = ORDERED;
  return isStrong;
};

const typedef: OrderOf = (d, id, throughPointer) => {
  const isStrong = order(d, thirdOf(d.flat, id), throughPointer);
  if (throughPointer && !isStrong) return false;
  d.queue.push(id);
  d.ordered[id] = ORDERED;
  return true;
};

const array: OrderOf = (d, id) => order(d, d.flat.words[(d.flat.at[id] as number) + 3] as number, false);

const ORDER_OF: readonly OrderOf[] = [
  nothingToDefine, // void, which is done from the start
  nothingToDefine, // INT
  pointer,
  array,
  composite, // STRUCT
  composite, // UNION
  enumOrForward, // ENUM
  enumOrForward, // FWD
  typedef,
  modifier, // VOLATILE
  modifier, // CONST
  modifier, // RESTRICT
  nothingToDefine, // FUNC
  prototype,
  nothingToDefine, // VAR
  nothingToDefine, // DATASEC
  nothingToDefine, // FLOAT
  nothingToDefine, // DECL_TAG
  modifier, // TYPE_TAG
  enumOrForward, // ENUM64
];
