// `prog show`: one program, as text and as JSON.

import type { Device, ProgInfo } from './info.js';
import { type Json, Members, writeJson } from './json.js';
import { progTypeName } from './names.js';

/** A process that holds a descriptor of an object. */
export interface Holder {
  readonly pid: number;
  readonly comm: string;
}

/** A program in the kernel, and what is known of it beside its info. */
export interface ShownProg {
  readonly info: ProgInfo;
  /** The whole name, which the kernel cuts at 15 bytes. */
  readonly name: string;
  readonly mapIds: readonly number[];
  /** It was loaded for a device that is gone; nothing but its id, type and tag is known then. */
  readonly isOrphaned?: boolean;
  /** Bytes; absent where /proc does not tell. */
  readonly memlock?: bigint;
  /** When it was loaded, in seconds of Unix time, and as local time. */
  readonly loadedAt?: { readonly seconds: bigint; readonly text: string };
  /** What it hooks into by type, where it does: `vfs_read`. */
  readonly attachTo?: string;
  readonly pinned?: readonly string[];
  readonly pids: readonly Holder[];
  /** Variables `bpf_metadata_…` of its .rodata, without the prefix. */
  readonly metadata: readonly { readonly name: string; readonly json: Json; readonly plain: Json }[];
  readonly ifname?: string;
}

export const deviceJson = ({ ifindex, netnsDev, netnsIno }: Device, ifname?: string): Json | undefined =>
  ifindex === 0 ? undefined : { ifindex, ns_dev: netnsDev, ns_inode: netnsIno, ifname };

export function deviceText({ ifindex, netnsDev, netnsIno }: Device, ifname?: string): string {
  if (ifindex === 0) return '';
  return `  offloaded_to ${ifname ?? `ifindex ${ifindex} ns_dev ${netnsDev} ns_ino ${netnsIno}`}`;
}

export const holdersText = (pids: readonly Holder[]): string =>
  pids.length > 0 ? `\n\tpids ${pids.map(({ pid, comm }) => `${comm}(${pid})`).join(', ')}` : '';

/** What stands at the head of each of several dumps, too. */
export const progHeader = ({ info, name }: Pick<ShownProg, 'info' | 'name'>): { readonly [key: string]: Json | undefined } => ({
  id: info.id,
  type: progTypeName(info.type),
  name: name === '' ? undefined : name,
  tag: info.tag,
  gpl_compatible: info.gplCompatible,
  run_time_ns: info.runTimeNs > 0n ? info.runTimeNs : undefined,
  run_cnt: info.runTimeNs > 0n ? info.runCount : undefined,
  recursion_misses: info.recursionMisses > 0n ? info.recursionMisses : undefined,
});

export function progHeaderText({ info, name }: Pick<ShownProg, 'info' | 'name'>, ifname?: string): string {
  const type = progTypeName(info.type);
  let text = `${info.id}: ${typeof type === 'string' ? type : `type ${type}`}  ${name && `name ${name}  `}tag ${info.tag}`;
  text += `${deviceText(info.device, ifname)}${info.gplCompatible ? '  gpl' : ''}`;
  if (info.runTimeNs > 0n) text += ` run_time_ns ${info.runTimeNs} run_cnt ${info.runCount}`;
  if (info.recursionMisses > 0n) text += ` recursion_misses ${info.recursionMisses}`;
  return `${text}\n`;
}

export function progJson({
  info,
  name,
  mapIds,
  isOrphaned = false,
  memlock,
  loadedAt,
  attachTo,
  pinned,
  pids,
  metadata,
  ifname,
}: ShownProg): Json {
  return {
    ...progHeader({ info, name }),
    dev: deviceJson(info.device, ifname),
    loaded_at: loadedAt?.seconds,
    uid: loadedAt && info.uid,
    orphaned: isOrphaned,
    bytes_xlated: info.xlatedLength,
    jited: info.jitedLength > 0,
    bytes_jited: info.jitedLength > 0 ? info.jitedLength : undefined,
    bytes_memlock: memlock,
    map_ids: mapIds.length > 0 ? mapIds : undefined,
    btf_id: info.btfId || undefined,
    verified_insns: info.verifiedInsns || undefined,
    attach_to: attachTo,
    pinned,
    pids: pids.length > 0 ? pids.map(({ pid, comm }) => ({ pid, comm })) : undefined,
    metadata: metadata.length > 0 ? new Members(metadata.map((row) => [row.name, row.json])) : undefined,
  };
}

export function progText({
  info,
  name,
  mapIds,
  isOrphaned = false,
  memlock,
  loadedAt,
  attachTo,
  pinned = [],
  pids,
  metadata,
  ifname,
}: ShownProg): string {
  let text = progHeaderText({ info, name }, ifname);
  if (loadedAt) text += `\tloaded_at ${loadedAt.text}  uid ${info.uid}\n`;
  text += `\txlated ${info.xlatedLength}B  ${info.jitedLength > 0 ? `jited ${info.jitedLength}B` : 'not jited'}`;
  if (memlock !== undefined) text += `  memlock ${memlock}B`;
  if (isOrphaned) text += '  orphaned';
  if (mapIds.length > 0) text += `  map_ids ${mapIds.join(',')}`;
  for (const path of pinned) text += `\n\tpinned ${path}`;
  if (info.btfId) text += `\n\tbtf_id ${info.btfId}`;
  if (attachTo !== undefined) text += `\n\tattach_to ${attachTo}`;
  text += `${holdersText(pids)}\n`;
  if (metadata.length > 0)
    text += `\tmetadata:${metadata.map((row) => `\n\t\t${row.name} = ${writeJson(row.plain)}`).join('')}\n`;
  return text;
}
