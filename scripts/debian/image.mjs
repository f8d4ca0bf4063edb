// A kernel's image -> vmlinux -> its types.

import { execFileSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';

/** struct setup_header, Documentation/arch/x86/boot.rst: where the packed kernel lies. */
const SETUP = { sectors: 0x1f1, payload_offset: 0x248, payload_length: 0x24c };

/** @param image A bzImage. */
export function vmlinuxOf(image) {
  const base = ((image[SETUP.sectors] || 4) + 1) * 512;
  const start = base + image.readUInt32LE(SETUP.payload_offset);
  return unpacked(image.subarray(start, start + image.readUInt32LE(SETUP.payload_length)));
}

const PACKERS = new Map([
  [0xfd2fb528, 'zstd'],
  [0x184c2102, 'lz4'],
  [0x587a37fd, 'xz'],
]);

/** All but gzip are followed by four bytes that tell the unpacked size. */
function unpacked(payload) {
  const magic = payload.readUInt32LE(0);
  if ((magic & 0xffff) === 0x8b1f) return gunzipSync(payload);
  const tool = PACKERS.get(magic);
  if (!tool) throw new Error(`a kernel image packed in an unknown way: ${magic.toString(16)}`);
  return execFileSync(tool, ['-dc'], { input: payload.subarray(0, -4), maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** The section .BTF of a vmlinux. */
export function btfOf(vmlinux) {
  const found = sectionBtf(vmlinux);
  if (!found) throw new Error('a kernel without BTF');
  return found;
}

/** Whether an ELF file, such as a module, has types. */
export const hasBtf = (elf) => sectionBtf(elf) !== undefined;

function sectionBtf(elf) {
  const header = (index) => Number(elf.readBigUInt64LE(40)) + index * elf.readUInt16LE(58);
  const place = (index) => Number(elf.readBigUInt64LE(header(index) + 24));
  const names = place(elf.readUInt16LE(62));
  for (let i = 0; i < elf.readUInt16LE(60); i++) {
    const name = names + elf.readUInt32LE(header(i));
    if (elf.toString('latin1', name, name + 5) !== '.BTF\0') continue;
    return elf.subarray(place(i), place(i) + Number(elf.readBigUInt64LE(header(i) + 32)));
  }
  return undefined;
}
