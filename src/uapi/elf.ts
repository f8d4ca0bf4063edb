// ELF64, from the System V gABI and include/uapi/linux/elf.h.

import { struct } from '../bytes/index.js';

export const EI_CLASS = 4;
export const EI_DATA = 5;
export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const EV_CURRENT = 1;

export const ET_REL = 1;
export const EM_NONE = 0;
export const EM_BPF = 247;

export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_LLVM_ADDRSIG = 0x6fff4c03;

export const SHF_EXECINSTR = 0x4;
export const SHF_STRINGS = 0x20;

export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const SHN_XINDEX = 0xffff;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;

export const R_BPF_64_64 = 1;
export const R_BPF_64_ABS64 = 2;
export const R_BPF_64_ABS32 = 3;
export const R_BPF_64_32 = 10;

export const STV_DEFAULT = 0;
export const STV_INTERNAL = 1;
export const STV_HIDDEN = 2;

export const elf64Header = struct('Elf64_Ehdr', {
  e_ident: 'u8[16]',
  e_type: 'u16',
  e_machine: 'u16',
  e_version: 'u32',
  e_entry: 'u64',
  e_phoff: 'u64',
  e_shoff: 'u64',
  e_flags: 'u32',
  e_ehsize: 'u16',
  e_phentsize: 'u16',
  e_phnum: 'u16',
  e_shentsize: 'u16',
  e_shnum: 'u16',
  e_shstrndx: 'u16',
});

export const elf64Section = struct('Elf64_Shdr', {
  sh_name: 'u32',
  sh_type: 'u32',
  sh_flags: 'u64',
  sh_addr: 'u64',
  sh_offset: 'u64',
  sh_size: 'u64',
  sh_link: 'u32',
  sh_info: 'u32',
  sh_addralign: 'u64',
  sh_entsize: 'u64',
});

export const elf64Symbol = struct('Elf64_Sym', {
  st_name: 'u32',
  st_info: 'u8',
  st_other: 'u8',
  st_shndx: 'u16',
  st_value: 'u64',
  st_size: 'u64',
});

export const elf64Rel = struct('Elf64_Rel', { r_offset: 'u64', r_info: 'u64' });
