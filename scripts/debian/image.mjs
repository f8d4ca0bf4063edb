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
  const header = (index) => Number(vmlinux.readBigUInt64LE(40)) + index * vmlinux.readUInt16LE(58);
  const place = (index) => Number(vmlinux.readBigUInt64LE(header(index) + 24));
  const names = place(vmlinux.readUInt16LE(62));
  for (let i = 0; i < vmlinux.readUInt16LE(60); i++) {
    const name = names + vmlinux.readUInt32LE(header(i));
    if (vmlinux.toString('latin1', name, name + 5) !== '.BTF\0') continue;
    return vmlinux.subarray(place(i), place(i) + Number(vmlinux.readBigUInt64LE(header(i) + 32)));
  }
  throw new Error('a kernel without BTF');
}
