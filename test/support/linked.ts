// Linked objects taken apart, so that two linkers can be compared.

import { type Btf, parseBtf, typesOf } from '../../src/btf/index.js';
import { hex, region } from '../../src/bytes/index.js';
import { type ElfFile, type ElfSymbol, parseElf } from '../../src/elf/index.js';
import { BTF_VAR_GLOBAL_EXTERN } from '../../src/uapi/btf.js';
import { STB_LOCAL, STT_OBJECT } from '../../src/uapi/elf.js';

export interface Linked {
  readonly sections: readonly object[];
  readonly symbols: readonly ElfSymbol[];
  /** The words of all types, and the strings. */
  readonly types: string;
  readonly strings: string;
  /** In words that a person can read. */
  readonly listing: readonly string[];
}

/** Everything that a linker decides. The header of .BTF is left out, which newer versions of libbpf write with more fields. */
export function takeApart(bytes: Uint8Array): Linked {
  const elf = parseElf(region(bytes));
  const btf = btfOf(elf);
  return {
    sections: elf.sections.map(({ name, type, flags, link, info, addralign, entsize, size, data }) =>
      name === '.BTF' || name === '.symtab'
        ? { name, type, flags, link, info, addralign, entsize }
        : { name, type, flags, link, info, addralign, entsize, size, data: hex(data.bytes) },
    ),
    symbols: elf.symbols ?? [],
    types: btf ? hex(new Uint8Array(Uint32Array.from(btf.words).buffer)) : '',
    strings: btf ? hex(btf.strings.bytes) : '',
    listing: btf ? listing(btf) : [],
  };
}

const btfOf = (elf: ElfFile): Btf | undefined => {
  const section = elf.sections.find(({ name }) => name === '.BTF');
  return section && parseBtf(section.data);
};

const listing = (btf: Btf): string[] =>
  Array.from({ length: btf.length - 1 }, (_, i) =>
    JSON.stringify(btf.type(i + 1), (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  );

/**
 * What libbpf would write if it did two things as we do: variables listed where their symbols are, and extern maps that no file
 * defines left undefined. A copy; what is right already stays as it is.
 */
export function corrected(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes); // of a Buffer, slice() would be no copy
  const elf = parseElf(region(copy));
  const btf = btfOf(elf);
  const section = elf.sections.find(({ name }) => name === '.BTF');
  const table = elf.sections.find(({ name }) => name === '.symtab');
  if (!btf || !section || !table) return copy;
  const put = (at: Uint8Array, offset: number, value: number, size: 2 | 4) => {
    const view = new DataView(at.buffer, at.byteOffset, at.byteLength);
    if (size === 2) view.setUint16(offset, value, elf.littleEndian);
    else view.setUint32(offset, value, elf.littleEndian);
  };
  const header = section.data.view.getUint32(4, elf.littleEndian) + section.data.view.getUint32(8, elf.littleEndian);
  for (const id of typesOf(btf, 'DATASEC')) {
    const datasec = btf.type(id);
    if (datasec.kind !== 'DATASEC') continue;
    const at = elf.sections.find(({ name }) => name === datasec.name)?.index;
    for (const [i, info] of datasec.vars.entries()) {
      const variable = btf.type(info.type);
      const symbol = elf.symbols?.find(({ name, binding }) => name === variable.name && binding !== STB_LOCAL);
      if (variable.kind !== 'VAR' || !symbol || at === undefined) continue;
      if (variable.linkage === BTF_VAR_GLOBAL_EXTERN) {
        put(table.data.bytes, symbol.index * 24 + 6, 0, 2);
        put(table.data.bytes, symbol.index * 24 + 8, 0, 4);
        put(table.data.bytes, symbol.index * 24 + 12, 0, 4);
      } else if (symbol.type === STT_OBJECT && symbol.section === at) {
        put(section.data.bytes, header + 4 * ((btf.starts[id - 1] as number) + 3 + 3 * i + 1), symbol.value, 4);
      }
    }
  }
  return copy;
}
