// Section .addr_space.1: global variables in the memory of the object's arena, which programs and user space share.

import type { ElfFile } from '../elf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { SHT_NOBITS, SHT_PROGBITS } from '../uapi/elf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { LARGE_DATA_REMEDY, MOST_DATA_BYTES } from './data-sections.js';
import type { BpfMapDef } from './object.js';
import { section } from './sections.js';

export const ARENA_SECTION = '.addr_space.1';

export const isArena = ({ type }: Pick<BpfMapDef, 'type'>): boolean => type === BPF_MAP_TYPE.BPF_MAP_TYPE_ARENA;

/**
 * The maps, of which the arena has the section's contents.
 * @throws {UnsupportedError} for two arenas, or more than `MOST_DATA_BYTES`; {FormatError} for variables without an arena.
 * @see libbpf init_arena_map_data, src/libbpf.c
 */
export function withArenaData(elf: ElfFile, maps: readonly BpfMapDef[]): BpfMapDef[] {
  const [arena, second] = maps.filter(isArena);
  if (second)
    throw new UnsupportedError(`${arena?.name} and ${second.name} are arenas; an object can have one`, {
      where: { ...elf.region.where, map: second.name },
    });
  const data = section(elf, ARENA_SECTION);
  if (!data || data.size === 0 || (data.type !== SHT_PROGBITS && data.type !== SHT_NOBITS)) return [...maps];
  if (!arena)
    throw new FormatError('Variables lie in an arena, but the object has none', {
      where: data.data.where,
      remedy: 'Add a map of type BPF_MAP_TYPE_ARENA to SEC(".maps").',
    });
  if (data.size > MOST_DATA_BYTES)
    throw new UnsupportedError(`The variables of the arena take ${data.size} bytes; they may take ${MOST_DATA_BYTES}`, {
      where: data.data.where,
      remedy: LARGE_DATA_REMEDY,
    });
  const image = data.type === SHT_NOBITS ? new Uint8Array(data.size) : data.data.bytes.slice();
  return maps.map((map) => (map === arena ? { ...map, data: { section: ARENA_SECTION, image, frozen: false } } : map));
}
