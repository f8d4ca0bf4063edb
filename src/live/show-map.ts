// `map show`: one map, as text and as JSON.

import type { MapInfo } from './info.js';
import type { Json } from './json.js';
import { isMapOfProgs, mapTypeName, progTypeName } from './names.js';
import { deviceJson, deviceText, type Holder, holdersText } from './show-prog.js';

/** A map in the kernel, and what is known of it beside its info. */
export interface ShownMap {
  readonly info: MapInfo;
  /** Bytes; absent where /proc does not tell. */
  readonly memlock?: bigint;
  readonly frozen: boolean;
  /** Of program arrays that a program uses. */
  readonly owner: { readonly progType?: number; readonly jited?: boolean };
  /** Where it is pinned; absent if nobody looked, or nothing at all is pinned. */
  readonly pinned?: readonly string[];
  readonly pids: readonly Holder[];
  readonly ifname?: string;
}

/** What stands at the head of each of several dumps, too. */
export const mapHeader = ({ id, type, name, flags }: MapInfo): { readonly [key: string]: Json | undefined } => ({
  id,
  type: mapTypeName(type),
  name: name === '' ? undefined : name,
  flags,
});

export function mapJson({ info, memlock, frozen, owner, pinned, pids, ifname }: ShownMap): Json {
  const isProgArray = isMapOfProgs(info.type);
  return {
    ...mapHeader(info),
    dev: deviceJson(info.device, ifname),
    bytes_key: info.keySize,
    bytes_value: info.valueSize,
    max_entries: info.maxEntries,
    bytes_memlock: memlock,
    owner_prog_type: isProgArray && owner.progType !== undefined ? progTypeName(owner.progType) : undefined,
    owner_jited: isProgArray ? owner.jited : undefined,
    frozen: frozen ? 1 : 0,
    btf_id: info.btfId || undefined,
    pinned,
    pids: pids.length > 0 ? pids.map(({ pid, comm }) => ({ pid, comm })) : undefined,
  };
}

export function mapHeaderText({ id, type, name, flags, device }: MapInfo, ifname?: string): string {
  const typeName = mapTypeName(type);
  const shown = typeof typeName === 'string' ? typeName : `type ${typeName}`;
  return `${id}: ${shown}  ${name && `name ${name}  `}flags 0x${flags.toString(16)}${deviceText(device, ifname)}\n`;
}

export function mapText({ info, memlock, frozen, owner, pinned = [], pids, ifname }: ShownMap): string {
  let text = mapHeaderText(info, ifname);
  text += `\tkey ${info.keySize}B  value ${info.valueSize}B  max_entries ${info.maxEntries}`;
  if (memlock !== undefined) text += `  memlock ${memlock}B`;
  if (isMapOfProgs(info.type)) {
    if (owner.progType !== undefined || owner.jited !== undefined) text += '\n\t';
    if (owner.progType !== undefined) text += `owner_prog_type ${progTypeName(owner.progType)}  `;
    if (owner.jited !== undefined) text += `owner${owner.jited ? '' : ' not'} jited`;
  }
  for (const path of pinned) text += `\n\tpinned ${path}`;
  const last = [...(info.btfId ? [`btf_id ${info.btfId}`] : []), ...(frozen ? ['frozen'] : [])];
  if (last.length > 0) text += `\n\t${last.join('  ')}`;
  return `${text}${holdersText(pids)}\n`;
}
