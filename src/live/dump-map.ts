// `map dump`, `lookup`, `getnext`: elements of a map, as text and as JSON.

import type { Btf } from '../btf/index.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { valueJson } from './btf-value.js';
import type { MapInfo } from './info.js';
import { hexBytes, hexLines, type Json, Members } from './json.js';
import { isMapOfMaps, isMapOfProgs, isPerCpu, perCpuStep } from './names.js';

/** A key and the bytes of its value, or the errno that looking for it came to. Values of per-CPU maps have a part for each CPU. */
export interface Element {
  readonly key: Uint8Array;
  readonly value: Uint8Array | { readonly errno: string; readonly message: string };
}

/** What elements are to be shown with. */
export interface MapTypes {
  /** Absent for maps that were made without types. */
  readonly btf?: Btf;
}

const NO_ENTRY = '<no entry>';

function* cpuValues({ valueSize }: MapInfo, value: Uint8Array): Generator<readonly [cpu: number, value: Uint8Array]> {
  const step = perCpuStep(valueSize);
  for (let cpu = 0; step > 0 && cpu * step < value.length; cpu++) yield [cpu, value.subarray(cpu * step, cpu * step + valueSize)];
}

/** An element by its types: `{"key": …, "value": …}`. */
export function typedElement(info: MapInfo, btf: Btf, key: Uint8Array, value: Uint8Array, plain: boolean): Json {
  const valueType = info.btfVmlinuxValueTypeId || info.btfValueTypeId;
  const shown = (bytes: Uint8Array): Json => valueJson(btf, valueType, bytes, 0, { plain });
  const members: [string, Json][] = info.btfKeyTypeId ? [['key', valueJson(btf, info.btfKeyTypeId, key, 0, { plain })]] : [];
  if (isPerCpu(info.type))
    members.push(['values', Array.from(cpuValues(info, value), ([cpu, bytes]) => ({ cpu, value: shown(bytes) }))]);
  else members.push(['value', shown(value)]);
  return new Members(members);
}

/** An element as JSON; undefined for what bpftool leaves out: places of a map of maps or programs that are empty. */
export function elementJson(
  info: MapInfo,
  { key, value }: Element,
  { btf }: MapTypes,
): { readonly [key: string]: Json } | undefined {
  if ('errno' in value)
    return isLeftOut(info, value.errno) ? undefined : { key: hexBytes(key), value: { error: value.message, errno: value.errno } };
  return {
    key: hexBytes(key),
    ...(isPerCpu(info.type)
      ? { values: Array.from(cpuValues(info, value), ([cpu, bytes]) => ({ cpu, value: hexBytes(bytes) })) }
      : { value: hexBytes(value) }),
    ...(isMapOfMaps(info.type) && { inner_map_id: idIn(value) }),
    ...(isMapOfProgs(info.type) && { prog_id: idIn(value) }),
    ...(btf && { formatted: typedElement(info, btf, key, value, false) }),
  };
}

/** The id that the kernel shows as the value of a map of maps or programs. */
export const idIn = (value: Uint8Array): number =>
  new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0, true);

const isLeftOut = ({ type }: MapInfo, errno: string): boolean => errno === 'ENOENT' && (isMapOfMaps(type) || isMapOfProgs(type));

/** An element as lines of hex; empty for what is left out. */
export function elementText(info: MapInfo, { key, value }: Element): string {
  if ('errno' in value) {
    if (isLeftOut(info, value.errno)) return '';
    const message =
      value.errno === 'ENOENT'
        ? NO_ENTRY
        : value.errno === 'ENOSPC' && info.type === BPF_MAP_TYPE.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY
          ? '<cannot read>'
          : value.message;
    return pair(info.keySize, hexLines(key), message.length, message);
  }
  if (isMapOfMaps(info.type)) return pair(info.keySize, hexLines(key), info.valueSize, `${idIn(value)} `, 'inner_map_id');
  if (!isPerCpu(info.type)) return pair(info.keySize, hexLines(key), info.valueSize, hexLines(value));
  const lines = info.keySize > 0 ? [`key:\n${hexLines(key)}`] : [];
  for (const [cpu, bytes] of cpuValues(info, value))
    lines.push(`value (CPU ${String(cpu).padStart(2, '0')}):${info.valueSize > 16 ? '\n' : ' '}${hexLines(bytes)}`);
  return `${lines.join('\n')}\n`;
}

/** Names stand on lines of their own when key or value is long; both are on one line when they fit. */
function pair(keySize: number, key: string, valueSize: number, value: string, valueName = 'value'): string {
  const breakNames = keySize > 16 || valueSize > 16;
  const singleLine = keySize + valueSize <= 24 && !breakNames;
  const name = breakNames ? '\n' : ' ';
  const keyPart = keySize > 0 ? `key:${name}${key}${singleLine ? '  ' : '\n'}` : '';
  return `${keyPart}${valueSize > 0 ? `${valueName}:${name}${value}` : ''}\n`;
}

export const foundText = (count: number): string => `Found ${count} element${count === 1 ? '' : 's'}\n`;
