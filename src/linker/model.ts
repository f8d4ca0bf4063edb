// What linking works on: the objects that come in, taken apart, and the one that goes out, in the making.

import type { Btf, BtfBuilder, ExtPart, ExtRecords, TypeId } from '../btf/index.js';
import type { StringPool } from '../bytes/index.js';
import type { ElfRelocation, ElfSection, ElfSymbol } from '../elf/index.js';

/** A section of an input, or a data section that only its BTF has (`.ksyms`, `.kconfig`, `.maps` with nothing but externs). */
export interface InputSection {
  readonly name: string;
  /** Undefined for what only BTF has. */
  readonly elf: ElfSection | undefined;
  /** Of this section, if it holds references. */
  readonly relocations: readonly ElfRelocation[];
  /** Its type in the input's BTF, if it has one. */
  datasec: TypeId | undefined;
  /** Left out of the output: debug information, strings, an empty .text, a second `license`. */
  skipped: boolean;
  /** What it was appended to, at which offset, with a copy of its bytes that may be changed. */
  output: OutputSection | undefined;
  offset: number;
  bytes: Uint8Array;
}

export interface Input {
  /** As errors name it. */
  readonly file: string;
  readonly littleEndian: boolean;
  /** Those of the file by index, from 0; then those that only BTF has. */
  readonly sections: readonly InputSection[];
  readonly byName: ReadonlyMap<string, InputSection>;
  readonly symbols: readonly ElfSymbol[];
  /** With variables where the symbols say that they are. */
  readonly btf: Btf | undefined;
  readonly ext: ExtRecords | undefined;
  /** Index of each symbol in the output; 0 for what was left out. */
  readonly symbolMap: Uint32Array;
  /** Id of each type in the output, before deduplication; 0 for what was left out. */
  readonly typeMap: Uint32Array;
}

/** A variable's place in an output data section. */
export interface OutputVariable {
  readonly type: TypeId;
  offset: number;
  size: number;
}

export interface OutputSection {
  readonly name: string;
  /** The input that brought it, for errors. */
  readonly file: string;
  /** Undefined as long as only BTF has it. */
  elf: OutputElfSection | undefined;
  /** Index of its STT_SECTION symbol; 0 if there is none. */
  symbol: number;
  hasBtf: boolean;
  readonly variables: OutputVariable[];
  readonly ext: { readonly [K in ExtPart]: { readonly size: number; readonly words: number[] }[] };
}
export interface OutputElfSection {
  readonly index: number;
  /** Offset in the string table. */
  readonly nameOffset: number;
  readonly type: number;
  readonly flags: number;
  readonly entsize: number;
  link: number;
  info: number;
  addralign: number;
  size: number;
  readonly chunks: { readonly offset: number; readonly bytes: Uint8Array }[];
}

export interface OutputSymbol {
  readonly name: number;
  type: number;
  binding: number;
  visibility: number;
  section: number;
  value: number;
  size: number;
}

/** A name that files share: defined in one of them, or still wanted by all. */
export interface Global {
  readonly name: string;
  readonly symbol: OutputSymbol;
  readonly index: number;
  /** The input that defines it, or that declared it first. */
  from: Input;
  isExtern: boolean;
  /** Its definition is: another one may take its place. A symbol that somebody declares without `weak` is written as strong even so. */
  isWeak: boolean;
  /** Where BTF says that it is; undefined for functions, and variables that only C knows as extern. */
  section: OutputSection | undefined;
  /** Its VAR or FUNC in the output. */
  type: TypeId | undefined;
  /** Its VAR or FUNC in `from` describes it, and replaces what is known. */
  isTypeStale: boolean;
  /** Its entry in the data section `listedIn`. */
  variable: OutputVariable | undefined;
  listedIn: OutputSection | undefined;
}

export interface Output {
  readonly littleEndian: boolean;
  /** Names of sections and symbols. */
  readonly names: StringPool;
  readonly sections: OutputSection[];
  readonly byName: Map<string, OutputSection>;
  /** The ELF sections among them, by index from 1; .strtab and .symtab are the first two, and have nothing here. */
  elfCount: number;
  readonly symbols: OutputSymbol[];
  readonly globals: Map<string, Global>;
  readonly btf: BtfBuilder;
}
