// Objects that are in the kernel already: walking their ids, opening them by id or path, and what the kernel says of them.

import { type Btf, parseBtf } from '../btf/index.js';
import { region, toCString } from '../bytes/index.js';
import { SyscallError } from '../errors.js';
import { BPF_F_RDONLY } from '../uapi/bpf.js';
import { BPF_CMD } from '../uapi/enums.js';
import { errnoName } from '../uapi/errno.js';
import { addressOf, syscall } from './libc.js';

const ENOENT = 2;

/** A descriptor that is closed at the end of its block. */
export interface Descriptor extends Disposable {
  readonly fd: number;
}

function descriptor(call: string, fd: number, doing: string): Descriptor | undefined {
  if (fd === -ENOENT) return undefined;
  if (fd < 0)
    throw new SyscallError(call, errnoName(-fd), { doing, ...(errnoName(-fd) === 'EPERM' && { remedy: ADMIN_RIGHTS }) });
  return {
    fd,
    [Symbol.dispose]: () => {
      syscall('close', fd);
    },
  };
}

/**
 * What is pinned at a path; undefined when nothing is.
 * @throws {SyscallError}
 */
export function openPinned(path: string, flags = 0): Descriptor | undefined {
  const bytes = new Uint8Array(new ArrayBuffer(16));
  const name = toCString(path);
  const attr = new DataView(bytes.buffer);
  attr.setBigUint64(0, addressOf(name), true);
  attr.setUint32(12, flags, true);
  return descriptor('bpf(BPF_OBJ_GET)', syscall('bpf', BPF_CMD.BPF_OBJ_GET, bytes, bytes.length), `Cannot open ${path}`);
}

/**
 * The kernel's answer to BPF_OBJ_GET_INFO_BY_FD.
 * @param size   Of the structure; what the kernel does not know of it stays 0.
 * @param before Writes pointers and capacities into it.
 * @throws {SyscallError}
 */
export function infoOf(fd: number, size: number, before: (info: DataView) => void = () => {}): DataView {
  const info = new DataView(new ArrayBuffer(size));
  before(info);
  const attr = new DataView(new ArrayBuffer(16));
  attr.setInt32(0, fd, true);
  attr.setUint32(4, size, true);
  attr.setBigUint64(8, addressOf(new Uint8Array(info.buffer)), true);
  const result = syscall('bpf', BPF_CMD.BPF_OBJ_GET_INFO_BY_FD, new Uint8Array(attr.buffer), attr.byteLength);
  if (result < 0)
    throw new SyscallError('bpf(BPF_OBJ_GET_INFO_BY_FD)', errnoName(-result), { doing: 'Cannot ask what a descriptor is' });
  return info;
}

/** struct bpf_prog_info and struct bpf_btf_info, as far as they are read here. */
const PROG_INFO = { size: 132, btfId: 128 } as const;
const BTF_INFO = { size: 12, btf: 0, btfSize: 8 } as const;

/**
 * The types that a program was loaded with; undefined when there are none.
 * @throws {SyscallError}
 */
export function btfOfProgram(fd: number): Btf | undefined {
  const id = infoOf(fd, PROG_INFO.size).getUint32(PROG_INFO.btfId, true);
  if (id === 0) return undefined;
  using opened = openById('btf', id);
  if (!opened) return undefined;
  const bytes = new Uint8Array(new ArrayBuffer(infoOf(opened.fd, BTF_INFO.size).getUint32(BTF_INFO.btfSize, true)));
  infoOf(opened.fd, BTF_INFO.size, (info) => {
    info.setBigUint64(BTF_INFO.btf, addressOf(bytes), true);
    info.setUint32(BTF_INFO.btfSize, bytes.length, true);
  });
  return parseBtf(region(bytes, { file: `btf ${id}` }));
}

/** Commands that walk ids, and those that open what they found: maps for reading, which is all that a process may be allowed. */
const WALKS = {
  prog: { next: 'BPF_PROG_GET_NEXT_ID', open: 'BPF_PROG_GET_FD_BY_ID', flags: 0 },
  map: { next: 'BPF_MAP_GET_NEXT_ID', open: 'BPF_MAP_GET_FD_BY_ID', flags: BPF_F_RDONLY },
  link: { next: 'BPF_LINK_GET_NEXT_ID', open: 'BPF_LINK_GET_FD_BY_ID', flags: 0 },
  btf: { next: 'BPF_BTF_GET_NEXT_ID', open: 'BPF_BTF_GET_FD_BY_ID', flags: 0 },
} as const;
export type WalkedKind = keyof typeof WALKS;

/**
 * An object by its id; undefined when it is gone.
 * @param flags What it is to be open for; maps for reading only, if not given.
 * @throws {SyscallError} EPERM without the right (CAP_SYS_ADMIN).
 */
export function openById(kind: WalkedKind, id: number, flags: number = WALKS[kind].flags): Descriptor | undefined {
  const { open } = WALKS[kind];
  const asked = new Uint8Array(Uint32Array.of(id, 0, flags).buffer);
  return descriptor(`bpf(${open})`, syscall('bpf', BPF_CMD[open], asked, asked.length), `Cannot open ${kind} ${id}`);
}

/** What it takes to look at objects of others. */
export const ADMIN_RIGHTS = 'Run as root: looking at what others loaded takes CAP_SYS_ADMIN.';

/**
 * Every object of a kind, each open until the next is asked for. What goes away meanwhile is left out.
 * @throws {SyscallError} EPERM without the right (CAP_SYS_ADMIN).
 */
export function* walk(kind: WalkedKind): Generator<{ readonly id: number; readonly fd: number }> {
  const { next } = WALKS[kind];
  const attr = new DataView(new ArrayBuffer(12));
  const bytes = new Uint8Array(attr.buffer);
  for (let id = 0; ; ) {
    attr.setUint32(0, id, true);
    const result = syscall('bpf', BPF_CMD[next], bytes, bytes.length);
    if (result === -ENOENT) return;
    if (result < 0)
      throw new SyscallError(`bpf(${next})`, errnoName(-result), {
        doing: `Cannot list what ${kind} there is`,
        ...(errnoName(-result) === 'EPERM' && { remedy: ADMIN_RIGHTS }),
      });
    id = attr.getUint32(4, true);
    using found = openById(kind, id);
    if (found) yield { id, fd: found.fd };
  }
}
