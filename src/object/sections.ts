// Finding sections.

import type { ElfFile, ElfSection } from '../elf/index.js';
import { SHF_EXECINSTR, SHT_PROGBITS, SHT_REL } from '../uapi/elf.js';

/** The first section of that name that is not a relocation section. */
export const section = (elf: ElfFile, name: string): ElfSection | undefined =>
  elf.sections.find((candidate) => candidate.name === name && candidate.type !== SHT_REL);

/** Executable sections with something in them hold programs. */
export const isProgramSection = (candidate: ElfSection): boolean =>
  candidate.type === SHT_PROGBITS && candidate.size > 0 && (candidate.flags & SHF_EXECINSTR) !== 0;
