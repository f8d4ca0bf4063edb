// Sections .struct_ops and .struct_ops.link: structures of the kernel's whose functions are BPF programs. Each variable becomes a
// map with one value, the structure.

import { type Btf, type BtfSecinfo, findType, resolved, spell } from '../btf/index.js';
import { type ElfFile, type ElfRelocation, type ElfSection, type ElfSymbol, relocations } from '../elf/index.js';
import { FormatError, RelocationError, UnsupportedError, type Where } from '../errors.js';
import { BPF_F_LINK } from '../uapi/bpf.js';
import { SHT_PROGBITS, SHT_REL } from '../uapi/elf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import { BPF_INSN_SZ } from '../uapi/insn.js';
import { emptyMap } from './map-names.js';
import type { BpfFunction, BpfMapDef } from './object.js';

/** `?` in front: made only on demand. */
const SECTION = /^\??\.struct_ops(\.link)?$/;

/**
 * @throws {FormatError}, {UnsupportedError} or {RelocationError} naming variable and member.
 * @see libbpf init_struct_ops_maps and bpf_object__collect_st_ops_relos, src/libbpf.c
 */
export function collectStructOps(
  elf: ElfFile,
  btf: Btf | undefined,
  symbols: readonly ElfSymbol[],
  functions: readonly BpfFunction[],
): BpfMapDef[] {
  const sections = elf.sections.filter(({ name, type, size }) => SECTION.test(name) && type === SHT_PROGBITS && size > 0);
  return sections.flatMap((section) => {
    const where: Where = section.data.where;
    const id = btf && findType(btf, section.name, 'DATASEC');
    const datasec = id === undefined ? undefined : btf?.type(id);
    if (!btf || datasec?.kind !== 'DATASEC')
      throw new FormatError(`Section ${section.name} has no DATASEC in BTF`, { where, remedy: 'Compile with clang -g.' });
    const tables = elf.sections.filter(({ type, info }) => type === SHT_REL && info === section.index);
    const relos = tables.flatMap((table) => relocations(table));
    const maps = datasec.vars.map((info) =>
      structOpsMap(btf, section, info, relos, (symbol, member, at) => programOf(elf, symbols[symbol], functions, member, at)),
    );
    const inMaps = maps.reduce((sum, { structOps }) => sum + (structOps?.programs.size ?? 0), 0);
    if (inMaps !== relos.length)
      throw new FormatError(`Section ${section.name} has a relocation outside its variables`, { where });
    return maps;
  });
}

/** One variable. @param program Finds the program that a relocation's symbol is. */
function structOpsMap(
  btf: Btf,
  section: ElfSection,
  { type: id, offset, size }: BtfSecinfo,
  relos: readonly ElfRelocation[],
  program: (symbol: number, member: string, where: Where) => string,
): BpfMapDef {
  const variable = btf.type(id);
  const name = btf.name(id);
  const where = { ...section.data.where, map: name };
  const struct = resolved(btf, variable.kind === 'VAR' ? variable.type : id);
  if (struct.kind !== 'STRUCT' || !struct.name)
    throw new UnsupportedError(`${name} is ${spell(btf, struct.id)}; a struct with the name of one of the kernel's is expected`, {
      where,
    });
  if (offset + struct.size > section.size)
    throw new FormatError(`${name} ends at ${offset + struct.size}, past the ${section.size} bytes of ${section.name}`, {
      where,
    });
  const programs = new Map<number, string>();
  for (const relo of relos.filter((candidate) => candidate.offset >= offset && candidate.offset < offset + size)) {
    const at = relo.offset - offset;
    const index = struct.members.findIndex(({ bitOffset }) => bitOffset === at * 8);
    const member = struct.members[index];
    const pointer = member && resolved(btf, member.type);
    if (!member || pointer?.kind !== 'PTR' || resolved(btf, pointer.type).kind !== 'FUNC_PROTO')
      throw new FormatError(`${name} has a function at byte ${at}, where struct ${struct.name} has none`, { where });
    programs.set(index, program(relo.symbol, `${name}.${member.name}`, where));
  }
  const link = section.name.endsWith('.link');
  return {
    ...emptyMap(name),
    type: BPF_MAP_TYPE.BPF_MAP_TYPE_STRUCT_OPS,
    keySize: 4,
    valueSize: struct.size,
    maxEntries: 1,
    flags: link ? BPF_F_LINK : 0,
    autocreate: !section.name.startsWith('?'),
    valueType: struct.id,
    structOps: { type: struct.id, image: section.data.bytes.slice(offset, offset + struct.size), programs, link },
  };
}

function programOf(
  elf: ElfFile,
  symbol: ElfSymbol | undefined,
  functions: readonly BpfFunction[],
  member: string,
  where: Where,
): string {
  const section = symbol && elf.sections[symbol.section]?.name;
  const program = functions.find(
    (candidate) => candidate.section === section && candidate.start * BPF_INSN_SZ === symbol?.value && !candidate.isSubprogram,
  );
  if (program?.type === 'BPF_PROG_TYPE_STRUCT_OPS') return program.name;
  throw new RelocationError(`${member} is ${symbol?.name || 'a symbol'}, which is no struct_ops program`, {
    where,
    remedy: `Define it in SEC("struct_ops"), for example with BPF_PROG(${symbol?.name || 'name'}, …).`,
  });
}

/**
 * A program is loaded when a structure that is made refers to it. One that none refers to is left as it is, and fails.
 * @see libbpf bpf_object_adjust_struct_ops_autoload, src/libbpf.c
 */
export function autoloadStructOps(programs: readonly BpfFunction[], maps: readonly BpfMapDef[]): BpfFunction[] {
  const users = (name: string) => maps.filter(({ structOps }) => structOps && [...structOps.programs.values()].includes(name));
  return programs.map((program) => {
    const using = program.type === 'BPF_PROG_TYPE_STRUCT_OPS' ? users(program.name) : [];
    return using.length === 0 ? program : { ...program, autoload: using.some(({ autocreate }) => autocreate) };
  });
}
