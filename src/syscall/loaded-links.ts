// Links that are in the kernel: what it says of them, with the texts and lists that the answer points to.

import { textUntilNul } from '../bytes/index.js';
import { type LinkInfo, linkInfoOf, linkLayouts, readFields, type ShownLink } from '../live/index.js';
import { BPF_LINK_TYPE } from '../uapi/enums.js';
import { BPF_LINK_INFO_SIZE } from '../uapi/info.js';
import type { ObjectContext } from './holders.js';
import { interfaceName } from './interfaces.js';
import { namesOfAddresses } from './kallsyms.js';
import { addressOf } from './libc.js';
import { attachName, progInfo } from './loaded-progs.js';
import { infoOf, openById } from './objects.js';

/** A path at most. */
const LONGEST_TEXT = 4096;
/** Fields that point to text, by the one that has its room. */
const TEXTS: Readonly<Record<string, string>> = {
  tp_name: 'tp_name_len',
  target_name: 'target_name_len',
  path: 'path_size',
  file_name: 'name_len',
  func_name: 'name_len',
};
/** Fields that point to 64-bit numbers, `count` of them. */
const LISTS: ReadonlySet<string> = new Set(['addrs', 'cookies', 'offsets', 'ref_ctr_offsets']);

/** Asks twice: what it is and how long its lists are, then for what is behind the pointers. @throws {SyscallError} */
export function linkInfo(fd: number): LinkInfo {
  const first = infoOf(fd, BPF_LINK_INFO_SIZE);
  const layout = linkLayouts(first).flat();
  const count = Number(readFields(layout, first).count ?? 0);
  const isText = (name: string) => Object.hasOwn(TEXTS, name);
  const buffers = layout.flatMap(({ name, at }) =>
    isText(name) || (LISTS.has(name) && count > 0)
      ? [{ name, at, bytes: new Uint8Array(new ArrayBuffer(isText(name) ? LONGEST_TEXT : 8 * count)) }]
      : [],
  );
  if (buffers.length === 0) return linkInfoOf(first, {}, {});
  const roomOf = (name: string) =>
    layout.find((field) => field.name === TEXTS[name] || (name === 'tp_name' && field.name === 'name_len'))?.at;
  const countAt = layout.find(({ name }) => name === 'count')?.at;
  const info = infoOf(fd, BPF_LINK_INFO_SIZE, (view) => {
    for (const { name, at, bytes } of buffers) {
      view.setBigUint64(at, addressOf(bytes), true);
      const room = isText(name) ? roomOf(name) : undefined;
      if (room !== undefined) view.setUint32(room, bytes.length, true);
    }
    if (countAt !== undefined) view.setUint32(countAt, count, true);
  });
  const told = (wantText: boolean) => buffers.filter(({ name }) => isText(name) === wantText);
  return linkInfoOf(
    info,
    Object.fromEntries(told(true).map(({ name, bytes }) => [name, textUntilNul(bytes)])),
    Object.fromEntries(told(false).map(({ name, bytes }) => [name, [...new BigUint64Array(bytes.buffer)]])),
  );
}

/**
 * Everything that `link show` shows.
 * @throws {SyscallError}
 */
export function shownLink(fd: number, { pids, pinned }: ObjectContext): ShownLink {
  const info = linkInfo(fd);
  const isTracing = info.type === BPF_LINK_TYPE.BPF_LINK_TYPE_TRACING;
  const progType = isTracing ? typeOfProgram(info.progId) : undefined;
  const attachTo = isTracing ? targetName(info) : undefined;
  const ifname = interfaceName(Number(info.fields.ifindex ?? 0));
  return {
    info,
    ...(ifname !== undefined && { ifname }),
    ...(progType !== undefined && { progType }),
    ...(attachTo !== undefined && { attachTo }),
    ...(info.lists.addrs && { symbols: namesOfAddresses(info.lists.addrs) }),
    ...(pinned && pinned.size > 0 && { pinned: pinned.get(info.id) ?? [] }),
    pids: pids.get(info.id) ?? [],
  };
}

function typeOfProgram(id: number): number | undefined {
  using prog = openById('prog', id);
  return prog && progInfo(prog.fd).type;
}

const BPF_TRACE_FREPLACE_TARGETS_PROGRAMS = 0;

/** target_obj_id is that of a BTF; for programs that replace functions of others, that of the program. */
function targetName({ fields }: LinkInfo): string | undefined {
  if (Number(fields.attach_type) === BPF_TRACE_FREPLACE_TARGETS_PROGRAMS) return undefined;
  return attachName(Number(fields.target_obj_id), Number(fields.target_btf_id));
}
