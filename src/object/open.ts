// ELF -> BpfObject: collects what the sections say, in the order in which libbpf does.

import { type Btf, type BtfExt, NO_BTF_EXT, parseBtf, parseBtfExt } from '../btf/index.js';
import { textUntilNul } from '../bytes/index.js';
import { type ElfFile, type ElfSection, machineName } from '../elf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { EM_BPF, EM_NONE, ET_REL, SHT_PROGBITS } from '../uapi/elf.js';
import { withArenaData } from './arena.js';
import { collectDataMaps } from './data-sections.js';
import { withExceptionCallbacks } from './exception-callback.js';
import { declareExterns } from './extern-btf.js';
import { collectExterns } from './externs.js';
import { fixBtf } from './fix-btf.js';
import { collectFunctions } from './functions.js';
import { kconfigMap } from './kconfig.js';
import { collectMaps } from './map-defs.js';
import { collectSlots } from './map-slots.js';
import type { BpfObject } from './object.js';
import { collectReferences } from './references.js';
import { section } from './sections.js';
import { autoloadStructOps, collectStructOps } from './struct-ops.js';

/**
 * Understands an ELF file as a BPF object.
 * @throws {FormatError} when it is not one, or contradicts itself.
 * @throws {UnsupportedError} for constructs that no loader takes any more, or that tsbpf does not take yet.
 * @see libbpf bpf_object_open, src/libbpf.c
 */
export function openObject(elf: ElfFile): BpfObject {
  const { where } = elf.region;
  if (elf.type !== ET_REL || (elf.machine !== EM_BPF && elf.machine !== EM_NONE)) {
    throw new FormatError(
      `Not a BPF object: ELF type ${elf.type}, machine ${machineName(elf.machine)}; expected type ${ET_REL} (relocatable), machine ${machineName(EM_BPF)}`,
      {
        where,
        remedy: 'Compile it for BPF: clang -target bpf -g -O2 -c FILE.bpf.c -o FILE.bpf.o',
      },
    );
  }
  const { symbols } = elf;
  if (!symbols)
    throw new FormatError('The object has no symbol table', {
      where,
      remedy: 'Was it stripped? Use llvm-strip -g, which keeps what a loader needs.',
    });
  refuseUnsupported(elf);

  const parsed = parseTypes(elf);
  const externs = collectExterns(symbols, parsed.btf, where);
  const btf = parsed.btf && fixBtf(declareExterns(parsed.btf, externs), elf.sections, symbols);
  const name = objectName(where.file);
  const functions = withExceptionCallbacks(collectFunctions(elf, symbols), btf, where);
  const maps = [
    ...withArenaData(elf, collectSlots(elf, symbols, collectMaps(elf, btf), functions)),
    ...collectDataMaps(elf, btf, name),
    ...kconfigMap(btf, externs, name),
    ...collectStructOps(elf, btf, symbols, functions),
  ];
  return {
    name,
    where,
    littleEndian: elf.littleEndian,
    license: readLicense(section(elf, 'license')),
    kernVersion: readVersion(section(elf, 'version')),
    btf,
    ext: parsed.ext,
    coreRelos: parsed.ext.coreRelos,
    programs: autoloadStructOps(collectReferences(elf, symbols, functions, maps, externs), maps),
    maps,
    externs,
  };
}

function refuseUnsupported(elf: ElfFile): void {
  const { where } = elf.region;
  if (section(elf, 'maps')) {
    throw new UnsupportedError('Section "maps" holds definitions in the form that libbpf 1.0 dropped', {
      where: { ...where, section: 'maps' },
      remedy:
        'Define each map with BTF: struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); __type(value, u64); __uint(max_entries, 1024); } name SEC(".maps");',
    });
  }
  if (section(elf, '.jumptables'))
    throw new UnsupportedError('Section ".jumptables" is not supported yet', { where: { ...where, section: '.jumptables' } });
}

function parseTypes(elf: ElfFile): { readonly btf: Btf | undefined; readonly ext: BtfExt } {
  const types = section(elf, '.BTF');
  const ext = section(elf, '.BTF.ext');
  if (!types) {
    if (section(elf, '.maps'))
      throw new FormatError('The object defines maps but has no BTF, which describes them', {
        where: elf.region.where,
        remedy: 'Compile with clang -g.',
      });
    return { btf: undefined, ext: NO_BTF_EXT };
  }
  for (const { type, name, data } of ext ? [types, ext] : [types]) {
    if (type !== SHT_PROGBITS)
      throw new FormatError(`Section "${name}" must hold data (SHT_PROGBITS), but is of type ${type}`, { where: data.where });
  }
  const btf = parseBtf(types.data);
  return { btf, ext: ext ? parseBtfExt(ext.data, btf) : NO_BTF_EXT };
}

/** `/a/bootstrap.bpf.o` -> `bootstrap`: the base name, at most 15 bytes of it, up to the first dot. */
function objectName(file: string | undefined): string {
  const base = (file ?? 'object').split('/').at(-1) as string;
  return base.slice(0, 15).split('.')[0] as string;
}

function readLicense(found: ElfSection | undefined): string {
  return found ? textUntilNul(found.data.bytes.subarray(0, 63)) : '';
}

function readVersion(found: ElfSection | undefined): number | undefined {
  if (!found) return undefined;
  if (found.data.bytes.length !== 4)
    throw new FormatError(`Section "version" must have 4 bytes, but has ${found.data.bytes.length}`, { where: found.data.where });
  return found.data.view.getUint32(0, found.data.littleEndian);
}
