// In which order types must be defined for C, and which of them a forward declaration is enough for.

import { FormatError } from '../errors.js';
import { BTF_KIND } from '../uapi/btf.js';
import { type CDump, NOT_ORDERED, ORDERED, ORDERING } from './dump-state.js';
import type { TypeId } from './types.js';

const K = BTF_KIND;
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
  const { kinds, names } = d.flat;
  const kind = kinds[id] as number;
  if (state !== NOT_ORDERED) {
    if ((kind === K.STRUCT || kind === K.UNION) && throughPointer && names[id] !== 0) return false;
    throw new FormatError(`Type ${id} holds itself, which C cannot say`, {
      where: d.flat.btf.where,
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
const modifier: OrderOf = (d, id, throughPointer) => order(d, d.flat.thirds[id] as number, throughPointer);

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
  // An anonymous enum that nothing refers to is a definition of its own.
  if (d.flat.names[id] !== 0 || d.flat.referenced[id] === 0) d.queue.push(id);
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
  const isStrong = order(d, d.flat.thirds[id] as number, true);
  d.ordered[id] = ORDERED;
  return isStrong;
};

const typedef: OrderOf = (d, id, throughPointer) => {
  const isStrong = order(d, d.flat.thirds[id] as number, throughPointer);
  if (throughPointer && !isStrong) return false;
  d.queue.push(id);
  d.ordered[id] = ORDERED;
  return true;
};

const array: OrderOf = (d, id) => order(d, d.flat.thirds[id] as number, false);

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
