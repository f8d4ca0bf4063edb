// A BTF in the kernel as types.

import { type Btf, parseBtf } from '../btf/index.js';
import { region } from '../bytes/index.js';
import { sizeOfLayout } from '../live/index.js';
import { BPF_BTF_INFO } from '../uapi/info.js';
import { kernelBtf } from './kernel-btf.js';
import { addressOf } from './libc.js';
import { infoOf, openById } from './objects.js';

const LONGEST_NAME = 64;

/**
 * A BTF in the kernel; undefined when it is gone.
 * @throws {SyscallError}
 */
export function btfById(id: number): Btf | undefined {
  using opened = openById('btf', id);
  if (!opened) return undefined;
  const size = sizeOfLayout(BPF_BTF_INFO);
  const first = infoOf(opened.fd, size);
  const at = (name: string) => BPF_BTF_INFO.find((field) => field.name === name)?.at ?? 0;
  const bytes = new Uint8Array(new ArrayBuffer(first.getUint32(at('btf_size'), true)));
  const name = new Uint8Array(new ArrayBuffer(LONGEST_NAME));
  const info = infoOf(opened.fd, size, (view) => {
    view.setBigUint64(at('btf'), addressOf(bytes), true);
    view.setUint32(at('btf_size'), bytes.length, true);
    view.setBigUint64(at('name'), addressOf(name), true);
    view.setUint32(at('name_len'), name.length, true);
  });
  const isKernel = info.getUint32(at('kernel_btf'), true) !== 0;
  const isVmlinux = new TextDecoder().decode(name).startsWith('vmlinux\0');
  if (isKernel && isVmlinux) return kernelBtf();
  return parseBtf(region(bytes, { file: `btf ${id}` }), isKernel ? kernelBtf() : undefined);
}
