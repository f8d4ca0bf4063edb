// A BTF in the kernel as types.

import { type Btf, parseBtf } from '../btf/index.js';
import { region, textUntilNul } from '../bytes/index.js';
import { sizeOfLayout } from '../live/index.js';
import { BPF_BTF_INFO } from '../uapi/info.js';
import { kernelBtf } from './kernel-btf.js';
import { addressOf } from './libc.js';
import { infoOf, openById } from './objects.js';

const LONGEST_NAME = 64;
const SIZE = sizeOfLayout(BPF_BTF_INFO);
const place = (name: string): number => BPF_BTF_INFO.find((field) => field.name === name)?.at ?? 0;

/**
 * A BTF in the kernel; undefined when it is gone.
 * @throws {SyscallError}
 */
export function btfById(id: number): Btf | undefined {
  using opened = openById('btf', id);
  if (!opened) return undefined;
  const name = new Uint8Array(new ArrayBuffer(LONGEST_NAME));
  const info = infoOf(opened.fd, SIZE, (view) => {
    view.setBigUint64(place('name'), addressOf(name), true);
    view.setUint32(place('name_len'), name.length, true);
  });
  const isKernel = info.getUint32(place('kernel_btf'), true) !== 0;
  if (isKernel && textUntilNul(name) === 'vmlinux') return kernelBtf(); // which is mapped, not copied
  const bytes = new Uint8Array(new ArrayBuffer(info.getUint32(place('btf_size'), true)));
  infoOf(opened.fd, SIZE, (view) => {
    view.setBigUint64(place('btf'), addressOf(bytes), true);
    view.setUint32(place('btf_size'), bytes.length, true);
  });
  return parseBtf(region(bytes, { file: `btf ${id}` }), isKernel ? kernelBtf() : undefined);
}
