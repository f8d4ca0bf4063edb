// What maps are called: by users, and by the kernel, which has room for 15 bytes.

import { utf8Bytes } from '../bytes/index.js';
import { BPF_OBJ_NAME_LEN } from '../uapi/bpf.js';
import type { BpfMapDef } from './object.js';

/** A map of which nothing but the name is known. */
export const emptyMap = (name: string): BpfMapDef => ({
  name,
  kernelName: kernelName(name),
  type: 0,
  keySize: 0,
  valueSize: 0,
  maxEntries: 0,
  flags: 0,
  numaNode: 0,
  extra: 0n,
  autocreate: true,
});

/**
 * The name that the kernel gets: as much of the object's as fits in front of the section's. `bootstrap`, `.rodata` -> `bootstra.rodata`.
 * @see libbpf internal_map_name, src/libbpf.c
 */
export function dataMapName(objectName: string, section: string): string {
  const longest = BPF_OBJ_NAME_LEN - 1;
  const suffix = Math.min(Math.max(7, section.length), longest);
  const prefix = section.includes('.', 1) ? 0 : Math.min(longest - suffix, objectName.length);
  return kernelName(objectName.slice(0, prefix) + section.slice(0, suffix));
}

/** At most 15 bytes of what the kernel allows in a name. */
export function kernelName(name: string): string {
  return Array.from(utf8Bytes(name).subarray(0, BPF_OBJ_NAME_LEN - 1), (byte) => String.fromCharCode(byte))
    .join('')
    .replace(/[^A-Za-z0-9_.]/g, '_');
}
