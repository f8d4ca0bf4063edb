// Relocations of section .maps: what the initial values of maps of maps and of program arrays name.

import { type ElfFile, type ElfSymbol, relocations } from '../elf/index.js';
import { FormatError, RelocationError, UnsupportedError, type Where } from '../errors.js';
import { SHT_REL } from '../uapi/elf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { BPF_INSN_SZ } from '../uapi/insn.js';
import type { PlacedMap } from './map-defs.js';
import type { BpfFunction, BpfMapDef, MapSlot } from './object.js';

/** In the file, a value is a 64-bit pointer. */
const POINTER = 8;

/**
 * The maps with their initial values. Slots that nothing names stay unset.
 * @throws {FormatError} for a relocation that is no value of a map; {RelocationError} for one that names no map or program;
 *         {UnsupportedError} for a hash map whose keys are no numbers of 32 bits.
 * @see libbpf bpf_object__collect_map_relos, src/libbpf.c
 */
export function collectSlots(
  elf: ElfFile,
  symbols: readonly ElfSymbol[],
  placed: readonly PlacedMap[],
  functions: readonly BpfFunction[],
): BpfMapDef[] {
  const slots = new Map<BpfMapDef, MapSlot[]>();
  const table = elf.sections.find(({ type, info }) => type === SHT_REL && elf.sections[info]?.name === '.maps');
  for (const { offset, symbol: index } of table ? relocations(table) : []) {
    const symbol = symbols[index];
    const owner = placed.find((one) => offset >= one.offset && offset + POINTER <= one.offset + one.size);
    const where: Where = { ...elf.region.where, section: '.maps', ...(owner && { map: owner.map.name }) };
    if (!owner || !symbol) throw new FormatError(`Relocation at ${offset} of .maps is in no map, or of no symbol`, { where });
    const slot = (offset - owner.offset - (owner.valuesAt ?? Number.NaN)) / POINTER;
    if (!Number.isInteger(slot) || slot < 0)
      throw new FormatError(`Relocation at ${offset} of .maps is none of the values of ${owner.map.name}`, { where });
    const list = slots.get(owner.map) ?? [];
    slots.set(owner.map, list);
    list.push({ index: slot, name: named(elf, owner.map, symbol, placed, functions, where) });
  }
  return placed.map(({ map }) => ({ ...map, ...(slots.has(map) && { slots: slots.get(map) as MapSlot[] }) }));
}

/** The map or program that a value is. */
function named(
  elf: ElfFile,
  map: BpfMapDef,
  symbol: ElfSymbol,
  placed: readonly PlacedMap[],
  functions: readonly BpfFunction[],
  where: Where,
): string {
  const section = elf.sections[symbol.section];
  if (map.type === BPF_MAP_TYPE.BPF_MAP_TYPE_PROG_ARRAY) {
    const program = functions.find(
      ({ name, section: of, start, isSubprogram }) =>
        !isSubprogram && name === symbol.name && of === section?.name && start * BPF_INSN_SZ === symbol.value,
    );
    if (program) return program.name;
    throw new RelocationError(`A value of map ${map.name} is ${symbol.name}, which is no program`, {
      where,
      remedy: 'Values of a program array are functions with a SEC() of their own.',
    });
  }
  if (map.type === BPF_MAP_TYPE.BPF_MAP_TYPE_HASH_OF_MAPS && map.keySize !== 4)
    throw new UnsupportedError(`Map ${map.name} has initial values, but its keys take ${map.keySize} bytes`, {
      where,
      remedy: 'The place of a value is its key, a number of 4 bytes. Set other keys from user space.',
    });
  if (section?.name === '.maps' && placed.some((other) => other.map.name === symbol.name)) return symbol.name;
  throw new RelocationError(`A value of map ${map.name} is ${symbol.name || section?.name}, which is no map`, {
    where,
    remedy: 'Values of a map of maps are variables of SEC(".maps").',
  });
}
