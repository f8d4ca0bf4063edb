// Symbols: which definition a name stands for, once all files are one.

import type { ElfSymbol } from '../elf/index.js';
import { FormatError, UnsupportedError, type Where } from '../errors.js';
import { SHN_LORESERVE, SHN_UNDEF, STB_GLOBAL, STB_LOCAL, STB_WEAK, STT_SECTION } from '../uapi/elf.js';
import { btfTypeIndex } from './btf-index.js';
import { completeDeclaration } from './declaration.js';
import { EXTERN_SECTION } from './input-types.js';
import { refuseOtherType } from './match.js';
import type { Global, Input, InputSection, Output, OutputSection, OutputSymbol } from './model.js';

/** Where the linker treats local symbols and global ones alike, and wants no types. @see libbpf JUMPTABLES_SEC */
const JUMP_TABLES = '.jumptables';

/**
 * Appends the symbols of an input, and decides for each global name whether it is the one that files before had.
 * @throws {FormatError} for two strong definitions, or a declaration that its definition does not fit.
 * @see libbpf linker_append_elf_sym, src/linker.c
 */
export function appendSymbols(output: Output, input: Input): void {
  const types = btfTypeIndex(input.btf);
  for (const symbol of input.symbols) if (symbol.index !== 0) appendSymbol(output, input, symbol, types);
}

function appendSymbol(output: Output, input: Input, symbol: ElfSymbol, types: ReturnType<typeof btfTypeIndex>): void {
  const isExtern = symbol.section === SHN_UNDEF;
  const where: Where = { file: input.file, section: '.symtab' };
  if (isExtern && !input.btf)
    throw new UnsupportedError(`Symbol ${symbol.name} is extern, and the file has no BTF that says what it is`, {
      where,
      remedy: 'Compile with clang -g.',
    });
  const isPlain = !isExtern && symbol.section < SHN_LORESERVE;
  const section = isPlain ? input.sections[symbol.section] : undefined;
  if (isPlain && !section?.output) return; // belongs to what is left out
  const target = section?.output;
  if (symbol.type === STT_SECTION && target?.symbol) {
    input.symbolMap[symbol.index] = target.symbol; // one for each section is enough
    return;
  }
  if (symbol.binding === STB_LOCAL || section?.name === JUMP_TABLES) {
    addSymbol(output, input, symbol, section);
    if (symbol.binding !== STB_LOCAL) addGlobal(output, input, symbol, isExtern, target);
    return;
  }

  const found = types(symbol.name);
  if (!found || found === 'ambiguous')
    throw new FormatError(
      found
        ? `BTF has several types for ${symbol.name}`
        : `BTF does not say what ${symbol.name} is, which the file shares with others`,
      { where, remedy: 'Compile with clang -g; a function written in assembly alone cannot be shared.' },
    );
  const declaredIn = isExtern && found.datasec !== undefined ? externSection(input, found.datasec, symbol.name) : target;
  const existing = output.globals.get(symbol.name);
  if (!existing) {
    addSymbol(output, input, symbol, section);
    addGlobal(output, input, symbol, isExtern, declaredIn);
    return;
  }
  input.symbolMap[symbol.index] = existing.index;
  refuseTwo(existing, symbol, isExtern, input);
  refuseOtherType(output, existing, input, found.type);
  if (symbol.binding === STB_GLOBAL) existing.symbol.binding = STB_GLOBAL;
  existing.symbol.visibility = Math.max(existing.symbol.visibility, symbol.visibility); // hidden in one file is hidden
  if (isExtern || (!existing.isExtern && symbol.binding === STB_WEAK)) return; // what is known stays

  Object.assign(existing.symbol, { type: symbol.type, ...placeOf(symbol, section), size: symbol.size });
  existing.section = target;
  existing.isExtern = false;
  existing.isWeak = symbol.binding === STB_WEAK;
  existing.from = input;
  existing.isTypeStale = true;
  completeDeclaration(output, existing, input, found.type);
}

/** The data section that BTF lists an extern in: `.kconfig`, `.ksyms`, `.maps`; undefined for those of no section. */
function externSection(input: Input, datasec: number, name: string): OutputSection | undefined {
  const sectionName = input.btf?.name(datasec) ?? '';
  if (sectionName === EXTERN_SECTION) return undefined;
  const section = input.byName.get(sectionName);
  if (!section?.output)
    throw new FormatError(`BTF lists ${name} in section ${sectionName}, which cannot be linked`, { where: { file: input.file } });
  return section.output;
}

const placeOf = (symbol: ElfSymbol, section: InputSection | undefined): Pick<OutputSymbol, 'section' | 'value'> => ({
  section: section ? (section.output?.elf?.index ?? 0) : symbol.section,
  value: symbol.type === STT_SECTION ? 0 : (section?.offset ?? 0) + symbol.value,
});

function addSymbol(output: Output, input: Input, symbol: ElfSymbol, section: InputSection | undefined): void {
  const index = output.symbols.length;
  const { type, binding, visibility, size } = symbol;
  output.symbols.push({ name: output.names.addText(symbol.name), type, binding, visibility, size, ...placeOf(symbol, section) });
  input.symbolMap[symbol.index] = index;
  if (type === STT_SECTION && section?.output) section.output.symbol = index;
}

function addGlobal(
  output: Output,
  input: Input,
  { name, binding }: ElfSymbol,
  isExtern: boolean,
  section: OutputSection | undefined,
): void {
  const index = output.symbols.length - 1;
  const global: Global = {
    name,
    symbol: output.symbols[index] as OutputSymbol,
    index,
    from: input,
    isExtern,
    isWeak: binding === STB_WEAK,
    section,
    type: undefined,
    isTypeStale: true,
    variable: undefined,
    listedIn: undefined,
  };
  if (!output.globals.has(name)) output.globals.set(name, global);
}

function refuseTwo(existing: Global, symbol: ElfSymbol, isExtern: boolean, input: Input): void {
  if (isExtern || existing.isExtern || existing.isWeak || symbol.binding === STB_WEAK) return;
  throw new FormatError(`${symbol.name} is defined twice: in ${existing.from.file} and in ${input.file}`, {
    where: { file: input.file },
    remedy: 'Make one of them static, __weak, or extern; or leave one file out.',
  });
}
