// .BTF.ext as records of 32-bit words, which can be changed and written again. `ext.ts` reads what they mean.

import { type Region, slice, withOrder } from '../bytes/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { BTF_MAGIC, BTF_VERSION, btfExtHeader } from '../uapi/btf.js';
import { btfOrder } from './parse.js';

/** The parts in the order of the file, with the least size of a record, in words. */
export const EXT_PARTS = { funcInfo: 2, lineInfo: 4, coreRelos: 4 } as const;
export type ExtPart = keyof typeof EXT_PARTS;
export const EXT_PART_NAMES = Object.keys(EXT_PARTS) as ExtPart[];

/** Records of one ELF section, all of `size` words, one after the other in this machine's byte order. */
export interface ExtBlock {
  /** String offset of the section's name. */
  readonly section: number;
  readonly size: number;
  readonly words: Uint32Array;
}
export type ExtRecords = Readonly<Record<ExtPart, readonly ExtBlock[]>>;

/**
 * Takes .BTF.ext apart.
 * @throws {FormatError} when lengths do not add up.
 * @see libbpf btf_ext_parse, src/btf.c
 */
export function parseExtRecords(bytes: Region): ExtRecords {
  const order = btfOrder(bytes.bytes);
  if (!order) throw new FormatError('Not .BTF.ext: the magic number is missing', { where: bytes.where });
  const blob = withOrder(bytes, order === 'little');
  const word = (at: number) => slice(blob, at, 4, 'the .BTF.ext header').view.getUint32(0, blob.littleEndian);
  const version = slice(blob, 0, 4, 'the .BTF.ext header').bytes[btfExtHeader.at.version];
  if (version !== BTF_VERSION)
    throw new UnsupportedError(`.BTF.ext version ${version}; only ${BTF_VERSION} is known`, { where: blob.where });
  const { at } = btfExtHeader;
  const length = word(at.hdr_len);
  if (length < at.core_relo_off)
    throw new FormatError(`.BTF.ext header length ${length}, at least ${at.core_relo_off} expected`, { where: blob.where });
  // Older compilers write a header without the core_relo pair.
  const part = (name: ExtPart, pair: number): ExtBlock[] =>
    pair + 8 > length ? [] : readBlocks(slice(blob, length + word(pair), word(pair + 4), name), name);
  return {
    funcInfo: part('funcInfo', at.func_info_off),
    lineInfo: part('lineInfo', at.line_info_off),
    coreRelos: part('coreRelos', at.core_relo_off),
  };
}

function readBlocks(region: Region, name: ExtPart): ExtBlock[] {
  const { littleEndian, where, bytes } = region;
  if (bytes.length === 0) return [];
  const word = (at: number) => slice(region, at, 4, name).view.getUint32(0, littleEndian);
  const size = word(0) / 4;
  if (size < EXT_PARTS[name] || !Number.isInteger(size))
    throw new FormatError(`${name}: records of ${4 * size} bytes, at least ${4 * EXT_PARTS[name]} expected`, { where });
  const blocks: ExtBlock[] = [];
  for (let at = 4; at < bytes.length; ) {
    const count = word(at + 4);
    if (count === 0) throw new FormatError(`${name}: an empty block`, { where: { ...where, offset: at } });
    const { view } = slice(region, at + 8, count * size * 4, `${count} records of ${name}`);
    const words = Uint32Array.from({ length: count * size }, (_, i) => view.getUint32(4 * i, littleEndian));
    blocks.push({ section: word(at), size, words });
    at += 8 + count * size * 4;
  }
  return blocks;
}

/**
 * The bytes of .BTF.ext, with a header that has all three parts; undefined where there are no records.
 * @param records All blocks of a part have records of the same size.
 */
export function encodeExtRecords(records: ExtRecords, littleEndian: boolean): Uint8Array<ArrayBuffer> | undefined {
  const parts = EXT_PART_NAMES.map((name) => flatten(records[name]));
  if (parts.every((part) => part.length === 0)) return undefined;
  const { at, size } = btfExtHeader;
  const body = parts.flat();
  const bytes = new Uint8Array(size + 4 * body.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(at.magic, BTF_MAGIC, littleEndian);
  view.setUint8(at.version, BTF_VERSION);
  view.setUint32(at.hdr_len, size, littleEndian);
  let offset = 0;
  for (const [i, part] of parts.entries()) {
    view.setUint32(at.func_info_off + 8 * i, offset, littleEndian);
    view.setUint32(at.func_info_off + 8 * i + 4, 4 * part.length, littleEndian);
    offset += 4 * part.length;
  }
  for (const [i, word] of body.entries()) view.setUint32(size + 4 * i, word, littleEndian);
  return bytes;
}

function flatten(blocks: readonly ExtBlock[]): number[] {
  const first = blocks[0];
  if (!first) return [];
  const words = [first.size * 4];
  for (const block of blocks) {
    words.push(block.section, block.words.length / block.size);
    for (const word of block.words) words.push(word);
  }
  return words;
}
