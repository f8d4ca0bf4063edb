// Bytes and texts that have no layout of their own to aim at, changed in a few places.

import type { Random } from '../random.js';

const WORDS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 0xff, 0x100, 0x7fff, 0xffff, 0xffffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** Words at their places, single bytes, and now and then a cut or what is pushed in between. */
export function mutatedBytes(bytes: Uint8Array, random: Random, notes: string[]): Uint8Array<ArrayBuffer> {
  let copy = new Uint8Array(bytes);
  const count = random.pick([1, 1, 2, 3, 5, 8]);
  for (let i = 0; i < count && copy.length > 0; i++) copy = random.pick(WAYS)(copy, random, notes);
  return copy;
}

type Way = (bytes: Uint8Array<ArrayBuffer>, random: Random, notes: string[]) => Uint8Array<ArrayBuffer>;

const setWord: Way = (bytes, random, notes) => {
  const width = random.pick([1, 2, 4, 4]);
  const at = width * random.below(Math.floor(bytes.length / width));
  if (at + width > bytes.length) return bytes;
  const view = new DataView(bytes.buffer);
  const old = width === 4 ? view.getUint32(at, true) : width === 2 ? view.getUint16(at, true) : view.getUint8(at);
  const value = random.pick([
    random.pick(WORDS),
    old + random.pick([-4, -1, 1, 4]),
    random.next(),
    random.below(bytes.length + 8),
  ]);
  for (let i = 0; i < width; i++) bytes[at + i] = value >>> (8 * i);
  notes.push(`${width} bytes at ${at} = ${value}`);
  return bytes;
};

const flip: Way = (bytes, random, notes) => {
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  notes.push(`a bit of byte ${at}`);
  return bytes;
};

const cut: Way = (bytes, random, notes) => {
  const length = random.below(bytes.length + 1);
  notes.push(`cut to ${length} bytes`);
  return bytes.slice(0, length);
};

const copyPart: Way = (bytes, random, notes) => {
  const [from, to, length] = [random.below(bytes.length), random.below(bytes.length), 1 + random.below(64)];
  bytes.copyWithin(to, from, from + length);
  notes.push(`${length} bytes of ${from} at ${to}`);
  return bytes;
};

const insert: Way = (bytes, random, notes) => {
  const [at, length] = [random.below(bytes.length + 1), 1 + random.below(24)];
  const longer = new Uint8Array(bytes.length + length);
  longer.set(bytes.subarray(0, at));
  for (let i = 0; i < length; i++) longer[at + i] = random.next();
  longer.set(bytes.subarray(at), at + length);
  notes.push(`${length} more bytes at ${at}`);
  return longer;
};

const WAYS: readonly Way[] = [setWord, setWord, setWord, setWord, flip, flip, cut, copyPart, copyPart, insert];

export function randomBytes(length: number, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random.chance(0.5) ? random.pick(WORDS) : random.next();
  return bytes;
}

/** Names that trip who takes them for what they look like. */
export const NAMES = [
  'a',
  'b',
  'task_struct',
  'int',
  'struct',
  '__proto__',
  'constructor',
  'toString',
  'then',
  'toJSON',
  'length',
  'x.y',
  'a b',
  'evil\u001b[31m',
  'ü',
  '\ud83d\ude00',
  '0',
  'new\nline',
  '"quoted"',
  '*/',
  '____',
  'a____b',
  'x'.repeat(300),
] as const;
