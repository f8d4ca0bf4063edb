// Objects that are in the kernel already: walking their ids, opening them by id or path, and what the kernel says of them.

import { type Btf, parseBtf } from '../btf/index.js';
import { region, textUntilNul, toCString } from '../bytes/index.js';
import { SyscallError } from '../errors.js';
import { sizeOfLayout } from '../live/index.js';
import type { AttrField, AttrLayout } from '../uapi/attr.js';
import { BPF_F_RDONLY } from '../uapi/bpf.js';
import { BPF_CMD } from '../uapi/enums.js';
import { errnoName } from '../uapi/errno.js';
import { BPF_BTF_INFO, BPF_MAP_INFO, BPF_PROG_INFO } from '../uapi/info.js';
import { whyNotOpened } from './bpffs.js';
import { addressOf, syscall } from './libc.js';

const ENOENT = 2;
/** Of the attribute of BPF_OBJ_GET, as much as is set. */
const OBJ_GET_SIZE = 16;

/** What it takes to look at objects of others. */
export const ADMIN_RIGHTS = 'Run as root: looking at what others loaded takes CAP_SYS_ADMIN.';

/** A descriptor that is closed at the end of its block. */
export interface Descriptor extends Disposable {
  readonly fd: number;
}

function descriptor(call: string, fd: number, doing: string, denied?: () => string): Descriptor | undefined {
  if (fd === -ENOENT) return undefined;
  if (fd < 0) {
    const errno = errnoName(-fd);
    const remedy = errno === 'EPERM' ? ADMIN_RIGHTS : errno === 'EACCES' ? denied?.() : undefined;
    throw new SyscallError(call, errno, { doing, ...(remedy && { remedy }) });
  }
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
  const name = toCString(path);
  const bytes = new Uint8Array(new ArrayBuffer(OBJ_GET_SIZE + name.length)); // with the name behind it, so that both live as long
  bytes.set(name, OBJ_GET_SIZE);
  const attr = new DataView(bytes.buffer);
  attr.setBigUint64(0, addressOf(bytes) + BigInt(OBJ_GET_SIZE), true);
  attr.setUint32(12, flags, true);
  return descriptor('bpf(BPF_OBJ_GET)', syscall('bpf', BPF_CMD.BPF_OBJ_GET, bytes, OBJ_GET_SIZE), `Cannot open ${path}`, () =>
    whyNotOpened(path),
  );
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

/** Where a member of an info structure stands; `size` of the structure. */
const placesIn = <N extends string>(layout: AttrLayout, ...names: readonly N[]): Readonly<Record<N | 'size', number>> =>
  Object.fromEntries([
    ['size', sizeOfLayout(layout)],
    ...names.map((name) => [name, (layout.find((field) => field.name === name) as AttrField).at]),
  ]) as Record<N | 'size', number>;
const PROG_INFO = placesIn(BPF_PROG_INFO, 'btf_id');

/**
 * The types that a program was loaded with; undefined when there are none.
 * @throws {SyscallError}
 */
export function btfOfProgram(fd: number): Btf | undefined {
  const id = btfIdOfProgram(fd);
  if (id === 0) return undefined;
  using opened = openById('btf', id);
  return opened && parseBtf(region(btfBytesOf(opened.fd), { file: `btf ${id}` }));
}
/** 0 for none. @throws {SyscallError} */
export const btfIdOfProgram = (fd: number): number => infoOf(fd, PROG_INFO.size).getUint32(PROG_INFO.btf_id, true);

const MAP_INFO = placesIn(BPF_MAP_INFO, 'btf_id', 'btf_key_type_id', 'btf_value_type_id');

/** The types that a map was made with, by id in a BTF of this id; 0 for none. */
export interface MapTypes {
  readonly btfId: number;
  readonly key: number;
  readonly value: number;
}
/** @throws {SyscallError} */
export function typesOfMap(fd: number): MapTypes {
  const info = infoOf(fd, MAP_INFO.size);
  const at = (offset: number) => info.getUint32(offset, true);
  return { btfId: at(MAP_INFO.btf_id), key: at(MAP_INFO.btf_key_type_id), value: at(MAP_INFO.btf_value_type_id) };
}

/** Kernels before 5.11 have only what stands before the name. */
const BTF_INFO = placesIn(BPF_BTF_INFO, 'btf', 'btf_size', 'name', 'name_len', 'kernel_btf');

export interface BtfInfo {
  /** Bytes. */
  readonly size: number;
  /** `vmlinux` or a module's name; empty for what programs brought. */
  readonly name: string;
  readonly isKernel: boolean;
}
/** @throws {SyscallError} */
export function btfInfoOf(fd: number): BtfInfo {
  const info = infoOf(fd, BTF_INFO.size);
  const length = info.getUint32(BTF_INFO.name_len, true);
  const name = new Uint8Array(new ArrayBuffer(length + 1));
  // Asked for only where there is one: a kernel that has no names refuses to be given room for them.
  if (length > 0)
    infoOf(fd, BTF_INFO.size, (view) => {
      view.setBigUint64(BTF_INFO.name, addressOf(name), true);
      view.setUint32(BTF_INFO.name_len, name.length, true);
    });
  return {
    size: info.getUint32(BTF_INFO.btf_size, true),
    name: textUntilNul(name),
    isKernel: info.getUint32(BTF_INFO.kernel_btf, true) !== 0,
  };
}
/** The BTF itself. @throws {SyscallError} */
export function btfBytesOf(fd: number): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(btfInfoOf(fd).size));
  infoOf(fd, BTF_INFO.size, (info) => {
    info.setBigUint64(BTF_INFO.btf, addressOf(bytes), true);
    info.setUint32(BTF_INFO.btf_size, bytes.length, true);
  });
  return bytes;
}

/** Commands that walk ids, and those that open what they found: maps for reading, which is all that a process may be allowed. */
const WALKS = {
  prog: { next: 'BPF_PROG_GET_NEXT_ID', open: 'BPF_PROG_GET_FD_BY_ID', what: 'programs', flags: 0 },
  map: { next: 'BPF_MAP_GET_NEXT_ID', open: 'BPF_MAP_GET_FD_BY_ID', what: 'maps', flags: BPF_F_RDONLY },
  link: { next: 'BPF_LINK_GET_NEXT_ID', open: 'BPF_LINK_GET_FD_BY_ID', what: 'links', flags: 0 },
  btf: { next: 'BPF_BTF_GET_NEXT_ID', open: 'BPF_BTF_GET_FD_BY_ID', what: 'BTF objects', flags: 0 },
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

/**
 * Every object of a kind, each open until the next is asked for. What goes away meanwhile is left out.
 * @throws {SyscallError} EPERM without the right (CAP_SYS_ADMIN).
 */
export function* walk(kind: WalkedKind): Generator<{ readonly id: number; readonly fd: number }> {
  const { next, what } = WALKS[kind];
  const attr = new DataView(new ArrayBuffer(12));
  const bytes = new Uint8Array(attr.buffer);
  for (let id = 0; ; ) {
    attr.setUint32(0, id, true);
    const result = syscall('bpf', BPF_CMD[next], bytes, bytes.length);
    if (result === -ENOENT) return;
    if (result < 0)
      throw new SyscallError(`bpf(${next})`, errnoName(-result), {
        doing: `Cannot list the ${what} of the kernel`,
        ...(errnoName(-result) === 'EPERM' && { remedy: ADMIN_RIGHTS }),
      });
    id = attr.getUint32(4, true);
    using found = openById(kind, id);
    if (found) yield { id, fd: found.fd };
  }
}
