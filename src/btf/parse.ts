// Bytes -> Btf: the header, the byte order, and the one pass that notes where each type starts.

import { asRegion, type Region, slice, withOrder } from '../bytes/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { BTF_KIND_WORDS, BTF_MAGIC, BTF_VERSION, btfHeader } from '../uapi/btf.js';
import { Btf } from './btf.js';

const HOST_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Whether these bytes begin like BTF, and in which order. */
export function btfOrder(bytes: Uint8Array): 'little' | 'big' | undefined {
  if (bytes[0] === (BTF_MAGIC & 0xff) && bytes[1] === BTF_MAGIC >> 8) return 'little';
  if (bytes[1] === (BTF_MAGIC & 0xff) && bytes[0] === BTF_MAGIC >> 8) return 'big';
  return undefined;
}

/**
 * Indexes a BTF blob; the bytes are viewed, and copied only where the byte order is foreign or they are not aligned.
 * @param input A region names the file in errors.
 * @param base  The BTF that a module's split BTF continues.
 * @param pointerSize Where it is known, as for an ELF file; otherwise that of the base, or of `long`.
 * @throws {FormatError} when the header or the types do not fit the bytes.
 * @throws {UnsupportedError} for a kind or version that came after this code.
 * @see include/uapi/linux/btf.h; libbpf btf_parse_hdr and btf_parse_type_sec, src/btf.c
 */
export function parseBtf(input: Region | Uint8Array, base?: Btf, pointerSize?: number): Btf {
  const bytes = asRegion(input);
  const order = btfOrder(bytes.bytes);
  if (!order)
    throw new FormatError(`Not BTF: it must start with ${BTF_MAGIC.toString(16)} in either byte order`, { where: bytes.where });
  const blob = withOrder(bytes, order === 'little');
  const header = btfHeader.read(slice(blob, 0, btfHeader.size, 'the BTF header'), 0);
  if (header.version !== BTF_VERSION)
    throw new UnsupportedError(`BTF version ${header.version}; only ${BTF_VERSION} is known`, { where: blob.where });
  if (header.hdr_len < btfHeader.size)
    throw new FormatError(`BTF header length ${header.hdr_len}, at least ${btfHeader.size} expected`, { where: blob.where });
  if (header.type_off % 4 !== 0 || header.hdr_len % 4 !== 0)
    throw new FormatError(`BTF types start at ${header.type_off}, which is not a multiple of 4`, { where: blob.where });
  if (header.type_off + header.type_len > header.str_off)
    throw new FormatError(
      `BTF types end at ${header.type_off + header.type_len}, inside the strings that start at ${header.str_off}`,
      { where: blob.where },
    );

  const types = slice(blob, header.hdr_len + header.type_off, header.type_len, 'BTF types');
  const strings = slice(blob, header.hdr_len + header.str_off, header.str_len, 'BTF strings');
  checkStrings(strings, base);
  const words = hostWords(types);
  return new Btf({ words, starts: indexTypes(words, types), strings, base, ...(pointerSize !== undefined && { pointerSize }) });
}

function checkStrings({ bytes, where }: Region, base: Btf | undefined): void {
  if (base && bytes.length === 0) return;
  if (bytes.length === 0 || bytes[bytes.length - 1] !== 0) throw new FormatError('BTF strings must end with a NUL', { where });
  if (!base && bytes[0] !== 0)
    throw new FormatError('BTF strings must start with the empty string', {
      where,
      remedy:
        "Those of split BTF, such as a kernel module's, do not: name the BTF that it continues (-B FILE on the command line).",
    });
}

/** A type section is nothing but 32-bit words; from here on they are in this machine's order. */
function hostWords({ bytes, view, littleEndian, where }: Region): Uint32Array {
  if (bytes.length % 4 !== 0)
    throw new FormatError(`BTF types take ${bytes.length} bytes, which is not a multiple of 4`, { where });
  if (littleEndian === HOST_LITTLE_ENDIAN) {
    return bytes.byteOffset % 4 === 0
      ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
      : new Uint32Array(bytes.slice().buffer);
  }
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4, littleEndian));
}

const FIXED_WORDS = Uint8Array.from(BTF_KIND_WORDS, (kind) => 3 + kind.fixed);
const ELEMENT_WORDS = Uint8Array.from(BTF_KIND_WORDS, (kind) => kind.element);

function indexTypes(words: Uint32Array, { where }: Region): Uint32Array {
  const end = words.length;
  const kinds = FIXED_WORDS.length;
  const starts = new Uint32Array(Math.floor(end / 3)); // no type is shorter than three words
  let count = 0;
  let at = 0;
  while (at + 3 <= end) {
    const info = words[at + 1] as number;
    const kind = (info >>> 24) & 0x7f;
    if (kind === 0 || kind >= kinds)
      throw new UnsupportedError(`Type ${count + 1} is of BTF kind ${kind}, which is not known`, {
        where: { ...where, offset: at * 4 },
      });
    starts[count++] = at;
    at += (FIXED_WORDS[kind] as number) + (ELEMENT_WORDS[kind] as number) * (info & 0xffffff);
  }
  if (at > end) throw new FormatError(`Type ${count} runs ${(at - end) * 4} bytes over the end of the BTF types`, { where });
  if (at < end) throw new FormatError(`The last ${(end - at) * 4} bytes of the BTF types are no type`, { where });
  return starts.slice(0, count);
}
