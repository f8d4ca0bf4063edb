// A step's attributes -> the exact bytes of the call: the structure and all that it points to, in one array.

import { toCString, utf8Bytes } from '../bytes/index.js';
import { UsageError } from '../errors.js';
import type { AttrLayout } from '../uapi/attr.js';
import { type Attr, type AttrValue, type FdRef, isFdRef, isWithFds } from './step.js';

export interface AttrImage {
  /** The structure, then its data, 8-byte aligned each. Pointers hold offsets into this array until the shell adds its address. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of the structure itself: as few as cover the fields that are set, so that older kernels take it. */
  readonly size: number;
  readonly pointers: readonly { readonly field: string; readonly at: number; readonly offset: number; readonly length: number }[];
}

const align8 = (n: number) => Math.ceil(n / 8) * 8;

/**
 * Encodes what is set; everything else is zero.
 * @param resolve Descriptor numbers of references.
 * @throws {UsageError} for a field that the layout does not have.
 */
export function encodeAttr(layout: AttrLayout, attr: Attr, resolve: (ref: FdRef) => number, leastSize = 0): AttrImage {
  for (const name of Object.keys(attr)) {
    if (!layout.some((field) => field.name === name)) throw new UsageError(`The attribute has no field ${name}`);
  }
  const set = layout.filter((field) => attr[field.name] !== undefined);
  const size = set.reduce((end, field) => Math.max(end, field.at + field.size), leastSize);
  const data = set.flatMap((field) =>
    field.type === 'ptr' ? [{ field, content: pointed(attr[field.name] as AttrValue, resolve) }] : [],
  );
  const bytes = new Uint8Array(data.reduce((end, { content }) => end + align8(content.length), align8(size)));
  const view = new DataView(bytes.buffer);

  for (const { name, type, at, size: width } of set) {
    const value = attr[name] as AttrValue;
    if (type === 'fd') view.setInt32(at, isFdRef(value) ? resolve(value) : Number(value), true);
    else if (type === 'u64') view.setBigUint64(at, BigInt.asUintN(64, BigInt(value as number | bigint)), true);
    else if (type === 'u32' || type === 's32') view.setUint32(at, Number(value) >>> 0, true);
    else if (type !== 'ptr') bytes.set(utf8Bytes(String(value)).subarray(0, width - 1), at);
  }
  let offset = align8(size);
  const pointers = data.map(({ field, content }) => {
    bytes.set(content, offset);
    view.setBigUint64(field.at, BigInt(offset), true);
    const pointer = { field: field.name, at: field.at, offset, length: content.length };
    offset += align8(content.length);
    return pointer;
  });
  return { bytes, size, pointers };
}

/** A string travels with its NUL, instructions with the descriptors of their maps. */
function pointed(value: AttrValue, resolve: (ref: FdRef) => number): Uint8Array {
  if (typeof value === 'string') return toCString(value);
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'object' && isWithFds(value)) {
    const bytes = value.bytes.slice();
    const view = new DataView(bytes.buffer);
    for (const { at, ref } of value.fds) view.setInt32(at, resolve(ref), true);
    return bytes;
  }
  throw new UsageError('A pointer field takes bytes or a string');
}
