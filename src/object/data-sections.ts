// .data, .rodata and .bss sections -> maps: each is an array with one value, the whole section.

import { type Btf, findType } from '../btf/index.js';
import type { ElfFile, ElfSection } from '../elf/index.js';
import { UnsupportedError } from '../errors.js';
import { BPF_F_MMAPABLE, BPF_F_RDONLY_PROG } from '../uapi/bpf.js';
import { BTF_VAR_STATIC } from '../uapi/btf.js';
import { SHF_EXECINSTR, SHT_NOBITS, SHT_PROGBITS } from '../uapi/elf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { dataMapName, emptyMap } from './map-names.js';
import type { BpfMapDef } from './object.js';

const KINDS = [
  { prefix: '.data', type: SHT_PROGBITS, flags: 0, frozen: false },
  { prefix: '.rodata', type: SHT_PROGBITS, flags: BPF_F_RDONLY_PROG, frozen: true },
  { prefix: '.bss', type: SHT_NOBITS, flags: 0, frozen: false },
] as const;

/**
 * Of all data sections together, and of the variables in an arena. A .bss claims any size in 64 bytes of file, so the limit is what a
 * load may take: the contents once as an image, once more in the call that hands them over. Real objects stay far below: the largest
 * of the kernel's own selftests has 16 MiB.
 */
export const MOST_DATA_BYTES = 64 * 1024 * 1024;
export const LARGE_DATA_REMEDY = 'Put large arrays into maps of their own: the kernel allocates those, and nothing is copied.';

/**
 * In the order of the sections; an empty section makes no map.
 * @throws {UnsupportedError} for more than `MOST_DATA_BYTES`.
 */
export function collectDataMaps(elf: ElfFile, btf: Btf | undefined, objectName: string): BpfMapDef[] {
  let total = 0;
  return elf.sections.flatMap((section) => {
    const kind = KINDS.find(
      ({ prefix, type }) => (section.name === prefix || section.name.startsWith(`${prefix}.`)) && section.type === type,
    );
    if (!kind || section.size === 0 || section.flags & SHF_EXECINSTR) return [];
    total += section.size;
    if (total > MOST_DATA_BYTES)
      throw new UnsupportedError(
        `Section ${section.name} takes ${section.size} bytes; data sections may take ${MOST_DATA_BYTES} together`,
        { where: section.data.where, remedy: LARGE_DATA_REMEDY },
      );
    const kernelName = dataMapName(objectName, section.name);
    const datasec = btf && findType(btf, section.name);
    return {
      ...emptyMap(kind.prefix !== '.bss' && section.name !== kind.prefix ? section.name : kernelName),
      kernelName,
      type: BPF_MAP_TYPE.BPF_MAP_TYPE_ARRAY,
      keySize: 4,
      valueSize: section.size,
      maxEntries: 1,
      flags: kind.flags | mmapableFlag(btf, datasec),
      ...(datasec !== undefined && { valueType: datasec }),
      data: { section: section.name, frozen: kind.frozen, image: imageOf(section) },
    };
  });
}

/** A private, writable copy: what users set before loading goes there. */
const imageOf = ({ type, size, data }: ElfSection): Uint8Array =>
  type === SHT_NOBITS ? new Uint8Array(size) : data.bytes.slice();

/** User space maps a section's memory only where there is a variable that it may see. */
export const mmapableFlag = (btf: Btf | undefined, datasec: number | undefined): number =>
  hasVisibleVariable(btf, datasec) ? BPF_F_MMAPABLE : 0;

function hasVisibleVariable(btf: Btf | undefined, datasec: number | undefined): boolean {
  const type = datasec === undefined ? undefined : btf?.type(datasec);
  if (!btf || type?.kind !== 'DATASEC') return false;
  return type.vars.some(({ type: id }) => {
    const variable = btf.type(id);
    return variable.kind === 'VAR' && variable.linkage !== BTF_VAR_STATIC;
  });
}
