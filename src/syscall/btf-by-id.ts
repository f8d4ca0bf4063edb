// A BTF in the kernel as types.

import { type Btf, parseBtf } from '../btf/index.js';
import { region } from '../bytes/index.js';
import { kernelBtf } from './kernel-btf.js';
import { btfBytesOf, btfInfoOf, openById } from './objects.js';

/**
 * A BTF in the kernel; undefined when it is gone.
 * @param base For those of modules; the running kernel's if not given.
 * @throws {SyscallError} EPERM without CAP_SYS_ADMIN.
 */
export function btfById(id: number, base?: Btf): Btf | undefined {
  using opened = openById('btf', id);
  if (!opened) return undefined;
  const { name, isKernel } = btfInfoOf(opened.fd);
  const isVmlinux = isKernel && name === 'vmlinux';
  if (isVmlinux && !base) return kernelBtf(); // which is mapped, not copied
  return parseBtf(
    region(btfBytesOf(opened.fd), { file: `btf ${id}` }),
    base ?? (isKernel && !isVmlinux ? kernelBtf() : undefined),
  );
}
