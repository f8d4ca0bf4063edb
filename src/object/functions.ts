// Executable sections -> functions: every STT_FUNC symbol in one is a function; those in .text are subprograms.

import type { ElfFile, ElfSection, ElfSymbol } from '../elf/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import { importInsns } from '../insn/index.js';
import { STB_LOCAL, STT_FUNC } from '../uapi/elf.js';
import { BPF_INSN_SZ } from '../uapi/insn.js';
import type { BpfFunction } from './object.js';
import { secDef } from './sec-defs.js';
import { isProgramSection } from './sections.js';

/** Functions may overlap: two names of one function are two functions. Thousands of one large function are an attack on our memory. */
const MOST_BYTES = 64 * 1024 * 1024;

const CHANGED = 'Symbols and code do not fit together: was the object changed after it was compiled? Compile it again.';

/** @throws {FormatError} for a function outside its section; {UnsupportedError} for a static function outside .text. */
export function collectFunctions(elf: ElfFile, symbols: readonly ElfSymbol[]): BpfFunction[] {
  let total = 0;
  return elf.sections.filter(isProgramSection).flatMap((section) => {
    const insns = importInsns(section.data.bytes, elf.littleEndian, section.data.where);
    return symbols
      .filter((symbol) => symbol.type === STT_FUNC && symbol.section === section.index)
      .sort((a, b) => a.value - b.value)
      .map((symbol) => {
        total += symbol.size;
        if (total > MOST_BYTES)
          throw new UnsupportedError(`The functions have more than ${MOST_BYTES} bytes`, { where: elf.region.where });
        return toFunction(symbol, section, insns);
      });
  });
}

function toFunction(symbol: ElfSymbol, section: ElfSection, insns: Uint8Array): BpfFunction {
  const where = { ...section.data.where, program: symbol.name };
  const isSubprogram = section.name === '.text';
  if (symbol.value + symbol.size > insns.length)
    throw new FormatError(
      `Function ${symbol.name} ends at ${symbol.value + symbol.size}, past the ${insns.length} bytes of its section`,
      { where, remedy: CHANGED },
    );
  if (symbol.size === 0 || symbol.size % BPF_INSN_SZ !== 0 || symbol.value % BPF_INSN_SZ !== 0) {
    throw new FormatError(
      `Function ${symbol.name} takes ${symbol.size} bytes at ${symbol.value}; whole 8-byte instructions expected`,
      { where, remedy: CHANGED },
    );
  }
  if (symbol.binding === STB_LOCAL && !isSubprogram) {
    throw new UnsupportedError(`Function ${symbol.name} is static, but its section makes it a program`, {
      where,
      remedy: 'Remove static, or the SEC() to make it a subprogram.',
    });
  }
  const autoload = !section.name.startsWith('?');
  const def = isSubprogram ? undefined : secDef(autoload ? section.name : section.name.slice(1));
  return {
    name: symbol.name,
    section: section.name,
    start: symbol.value / BPF_INSN_SZ,
    insns: insns.subarray(symbol.value, symbol.value + symbol.size),
    references: [],
    isSubprogram,
    def,
    type: def?.type ?? 'BPF_PROG_TYPE_UNSPEC',
    autoload,
  };
}
