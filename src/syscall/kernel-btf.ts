// Where a kernel's types are found, and how they are read: mapped where the kernel allows it, so that nothing is copied.

import { closeSync, existsSync, fstatSync, openSync } from 'node:fs';
import { release } from 'node:os';
import { type Btf, btfOrder, parseBtf } from '../btf/index.js';
import { region } from '../bytes/index.js';
import { parseElf } from '../elf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { map } from './mapping.js';
import { read } from './read-whole.js';

const SYSFS = '/sys/kernel/btf/vmlinux';
const R = release();
/** In libbpf's order; see btf__load_vmlinux_btf, src/btf.c. */
const PLACES = [
  SYSFS,
  `/boot/vmlinux-${R}`,
  `/lib/modules/${R}/vmlinux-${R}`,
  `/lib/modules/${R}/build/vmlinux`,
  `/usr/lib/modules/${R}/kernel/vmlinux`,
  `/usr/lib/debug/boot/vmlinux-${R}`,
  `/usr/lib/debug/boot/vmlinux-${R}.debug`,
  `/usr/lib/debug/lib/modules/${R}/vmlinux`,
];

/** Whether the running kernel shows its types. */
export const hasKernelBtf = (): boolean => PLACES.some((path) => existsSync(path));

let running: Btf | undefined;

/**
 * The types of the running kernel. They cannot change while it runs, so a process reads them once.
 * @throws {UnsupportedError} when it has none, naming `--btf`.
 */
export function kernelBtf(): Btf {
  if (running) return running;
  const file = PLACES.find((path) => existsSync(path));
  if (!file) {
    throw new UnsupportedError(`This kernel (${R}) shows no BTF, the description of its types`, {
      since: '5.2',
      where: { file: SYSFS },
      remedy: `Name a file that has it: --btf FILE (raw BTF, or a vmlinux with a .BTF section; BTFHub has those of many kernels). That is enough for CO-RE; fentry, tp_btf, lsm, kernel functions and struct_ops need the kernel's own. Kernels built with CONFIG_DEBUG_INFO_BTF=y have it in ${SYSFS}.`,
    });
  }
  running = readBtf(file);
  return running;
}

/** An ELF file that parses here has pointers of 8 bytes, whatever its `long` says: libbpf goes by the file as well. */
const ELF_POINTER_SIZE = 8;

/**
 * BTF of a file: raw, or section .BTF of an ELF file.
 * @param base What split BTF continues, such as that of a kernel's module. A module that brings its own extract of a base (.BTF.base) is
 *             read with that when no other is given.
 * @throws {SyscallError} when it cannot be read; {FormatError} when it is neither; {UnsupportedError} for a module that brings an extract
 *         and is to be read with another base.
 */
export function readBtf(file: string, base?: Btf): Btf {
  const bytes = file === SYSFS && !base ? (mapped(file) ?? read(file)) : read(file);
  return btfIn(bytes, file, base);
}

/** As `readBtf`, for one look at everything: then reading the kernel's types costs less than mapping them. */
export const readWholeBtf = (file: string, base?: Btf): Btf => btfIn(read(file), file, base);

function btfIn(bytes: Uint8Array, file: string, base: Btf | undefined): Btf {
  const whole = region(bytes, { file });
  if (btfOrder(bytes)) return parseBtf(whole, base);
  if (bytes[0] !== 0x7f) {
    throw new FormatError('Neither raw BTF nor an ELF file', {
      where: { file },
      remedy: 'Name raw BTF, such as a copy of /sys/kernel/btf/vmlinux, or an ELF file with a .BTF section.',
    });
  }
  const { sections } = parseElf(whole);
  const section = sections.find(({ name }) => name === '.BTF');
  if (!section)
    throw new FormatError('This ELF file has no BTF', {
      where: { file },
      remedy: 'Name raw BTF, or an ELF file with a .BTF section.',
    });
  const extract = sections.find(({ name }) => name === '.BTF.base');
  if (extract && base)
    throw new UnsupportedError('This module has its own extract of a base (.BTF.base), and cannot be moved to another yet', {
      where: { file },
      remedy: 'Leave out -B: it is then read with its extract.',
    });
  return parseBtf(section.data, extract ? parseBtf(extract.data, undefined, ELF_POINTER_SIZE) : base, ELF_POINTER_SIZE);
}

/** Since Linux 6.16 the file can be mapped; the mapping lives as long as the process, like the kernel's types. */
function mapped(file: string): Uint8Array | undefined {
  const fd = openSync(file, 'r');
  try {
    return new Uint8Array(map(fd, 0, fstatSync(fd).size, 'read', 'private').buffer);
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
