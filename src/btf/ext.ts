// .BTF.ext: what belongs to instructions rather than to types: functions, source lines, CO-RE relocations.

import { type Region, slice, withOrder } from '../bytes/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { BTF_VERSION, btfExtHeader } from '../uapi/btf.js';
import type { Btf } from './btf.js';
import { btfOrder } from './parse.js';

/** `insn` counts 8-byte slots from the start of the ELF section. `type` is a FUNC. */
export interface FuncInfo {
  readonly insn: number;
  readonly type: number;
}
/** `text` is the line as it stood in the source; `fileName` and `text` are string offsets in the object's BTF. */
export interface LineInfo {
  readonly insn: number;
  readonly fileName: number;
  readonly text: number;
  readonly line: number;
  readonly column: number;
}
/** One CO-RE record; `kind` is the number of enum bpf_core_relo_kind. */
export interface CoreRelo {
  readonly insn: number;
  readonly type: number;
  readonly access: string;
  readonly kind: number;
}
export interface BtfExt {
  readonly funcInfo: ReadonlyMap<string, readonly FuncInfo[]>;
  readonly lineInfo: ReadonlyMap<string, readonly LineInfo[]>;
  readonly coreRelos: ReadonlyMap<string, readonly CoreRelo[]>;
}

export const NO_BTF_EXT: BtfExt = { funcInfo: new Map(), lineInfo: new Map(), coreRelos: new Map() };

/**
 * Reads all three parts, by ELF section name.
 * @throws {FormatError} when lengths do not add up, or an instruction offset is not a multiple of 8.
 * @see libbpf btf_ext_parse, src/btf.c
 */
export function parseBtfExt(bytes: Region, btf: Btf): BtfExt {
  const order = btfOrder(bytes.bytes);
  if (!order) throw new FormatError('Not .BTF.ext: the magic number is missing', { where: bytes.where });
  const blob = withOrder(bytes, order === 'little');
  const header = readHeader(blob);
  if (header.version !== BTF_VERSION)
    throw new UnsupportedError(`.BTF.ext version ${header.version}; only ${BTF_VERSION} is known`, { where: blob.where });
  const part = (offset: number, length: number, name: string) => ({
    name,
    region: slice(blob, header.hdr_len + offset, length, name),
  });
  return {
    funcInfo: readPart(part(header.func_info_off, header.func_info_len, 'func_info'), btf, 8, ([insn, type]) => ({ insn, type })),
    lineInfo: readPart(
      part(header.line_info_off, header.line_info_len, 'line_info'),
      btf,
      16,
      ([insn, fileName, text, place]) => ({
        insn,
        fileName,
        text,
        line: place >>> 10,
        column: place & 0x3ff,
      }),
    ),
    coreRelos: readPart(part(header.core_relo_off, header.core_relo_len, 'core_relo'), btf, 16, ([insn, type, access, kind]) => ({
      insn,
      type,
      access: btf.nameAt(access),
      kind,
    })),
  };
}

/** Older compilers write a header without the core_relo pair; it then reads as zero, which is an empty part. */
function readHeader(blob: Region): ReturnType<typeof btfExtHeader.read> {
  const length = slice(blob, 0, 8, 'the .BTF.ext header').view.getUint32(4, blob.littleEndian);
  const least = btfExtHeader.at.core_relo_off;
  if (length < least)
    throw new FormatError(`.BTF.ext header length ${length}, at least ${least} expected`, { where: blob.where });
  const full = new Uint8Array(btfExtHeader.size);
  full.set(slice(blob, 0, Math.min(length, btfExtHeader.size), 'the .BTF.ext header').bytes);
  return btfExtHeader.read({ ...blob, bytes: full, view: new DataView(full.buffer) }, 0);
}

type Words = readonly [number, number, number, number];

function readPart<T>(
  { name, region }: { name: string; region: Region },
  btf: Btf,
  least: number,
  read: (words: Words) => T,
): Map<string, T[]> {
  const sections = new Map<string, T[]>();
  const { littleEndian, where, bytes } = region;
  if (bytes.length === 0) return sections;
  const refuse = (what: string, offset: number) => new FormatError(`${name}: ${what}`, { where: { ...where, offset } });
  const word = (at: number) => slice(region, at, 4, name).view.getUint32(0, littleEndian);

  const recordSize = word(0);
  if (recordSize < least || recordSize % 4 !== 0) throw refuse(`records of ${recordSize} bytes, at least ${least} expected`, 0);
  for (let at = 4; at < bytes.length; ) {
    const section = btf.nameAt(word(at));
    const count = word(at + 4);
    if (count === 0) throw refuse(`an empty block for section ${section}`, at);
    const block = slice(region, at + 8, count * recordSize, `${count} ${name} records`);
    const list = sections.get(section) ?? [];
    sections.set(section, list);
    for (let i = 0; i < count; i++) {
      const field = (n: number) => (n * 4 < least ? block.view.getUint32(i * recordSize + n * 4, littleEndian) : 0);
      if (field(0) % 8 !== 0) throw refuse(`instruction offset ${field(0)} is not a multiple of 8`, at + 8 + i * recordSize);
      list.push(read([field(0) / 8, field(1), field(2), field(3)]));
    }
    at += 8 + count * recordSize;
  }
  return sections;
}
