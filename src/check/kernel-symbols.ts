// The symbols of a kernel that is not at hand, from a list of them: System.map, or a copy of /proc/kallsyms.

import { FormatError } from '../errors.js';

/** Stands for an address that nobody looked up: not zero, which would mean that the symbol is missing. */
export const UNKNOWN_ADDRESS = 0xffff_8000_0000_0000n;

export interface KernelSymbol {
  readonly name: string;
  /** Of a list whose reader was shown none, one that stands for it. */
  readonly address: bigint;
  /** As nm(1) tells it: `T` and `t` are functions. */
  readonly type: string;
  /** Undefined for the kernel itself. */
  readonly module: string | undefined;
}

export interface KernelSymbols {
  readonly file: string;
  /** /proc/kallsyms has those of modules that are loaded; System.map has what was linked into the kernel, and no others. */
  readonly hasModules: boolean;
  /** Several, where several are called so. */
  readonly find: (name: string) => readonly KernelSymbol[];
  /** What compilers made of a function: `vfs_read.isra.0`. */
  readonly variants: (name: string) => readonly string[];
  /** Names of functions in a list that the kernel keeps of them (BTF_SET); undefined where symbols of data are not shown. */
  readonly list: (name: string) => ReadonlySet<string> | undefined;
  /** All of them. */
  readonly names: () => Iterable<string>;
}

/** ffffffff81000000 T _text; modules stand behind a tab. */
const LINE = /^([0-9a-f]{8}|[0-9a-f]{16}) ([A-Za-z?]) ([^\s]+)(?:[\t ]\[([^\s\]]+)\])?$/;
/** The ends of the kernel's code: a list without them was cut. */
const ENDS = ['_stext', '_etext'];

/**
 * @param text Latin-1: a byte is a letter.
 * @throws {FormatError} for what is no such list, or not all of one.
 */
export function parseSymbols(text: string, file: string): KernelSymbols {
  const remedy =
    'Give System.map of that kernel (Debian has it in linux-image-RELEASE-dbg, below /usr/lib/debug/boot), or a copy of its /proc/kallsyms, made as root.';
  const first = text.slice(0, endOfLine(text, 0));
  if (!LINE.test(first)) {
    const isStub = /The real System\.map is in/.test(first);
    const what = isStub ? 'This System.map only says where the real one is' : 'Neither System.map nor a copy of /proc/kallsyms';
    throw new FormatError(what, { where: { file }, remedy });
  }
  const symbols = symbolsIn(text, file);
  const missing = ENDS.find((name) => symbols.find(name).length === 0);
  if (missing !== undefined)
    throw new FormatError(`These are not all symbols of a kernel: ${missing} is missing`, { where: { file }, remedy });
  return symbols;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** Nothing is made of the text but what is asked for: a kernel has 200,000 symbols, and an object names a few. */
function symbolsIn(text: string, file: string): KernelSymbols {
  const isHidden = !/^0*[1-9a-f]/m.test(text); // who may not see addresses is shown zeros
  const known = new Map<string, readonly KernelSymbol[]>();
  /** Those of this name, alone or with a suffix that starts with a dot. */
  const named = (name: string): readonly KernelSymbol[] => {
    const found = known.get(name) ?? linesWith(text, name).flatMap((line) => symbolOf(line, isHidden) ?? []);
    known.set(name, found);
    return found;
  };
  return {
    file,
    hasModules: text.includes('\t['),
    find: (name) => {
      const own = named(name).filter((symbol) => symbol.name === name || isHashed(symbol, name));
      return [...new Map(own.map((symbol) => [symbol.address, symbol])).values()];
    },
    list: (name) => listIn(text, name),
    names: () => namesIn(text),
    variants: (name) => named(name).flatMap((symbol) => (symbol.name.startsWith(`${name}.`) ? [symbol.name] : [])),
  };
}

/** Clang's link time optimisation adds a hash to the names of static variables; see kallsyms_cb of libbpf. */
const isHashed = ({ type, name }: KernelSymbol, wanted: string): boolean => type === 'd' && name.startsWith(`${wanted}.llvm.`);

function symbolOf(line: string, isHidden: boolean): KernelSymbol | undefined {
  const [, address, type, name, module] = LINE.exec(line) ?? [];
  if (address === undefined || type === undefined || name === undefined) return undefined;
  return { name, type, module, address: isHidden ? UNKNOWN_ADDRESS : BigInt(`0x${address}`) };
}

function* namesIn(text: string): Generator<string> {
  let space = -1; // looked for only once: it may be far behind many lines that have none
  for (let start = 0; start < text.length; ) {
    const end = endOfLine(text, start);
    if (space < start) space = text.indexOf(' ', start);
    if (space < 0) return;
    const line = text.slice(space + 3, end);
    const stop = line.search(/[\t ]/);
    if (line !== '') yield stop < 0 ? line : line.slice(0, stop);
    start = end + 1;
  }
}

/** ffffffff82825eb8 r __BTF_ID__func__migrate_disable__80415400: macros of include/linux/btf_ids.h name it so. */
const MEMBER = / __BTF_ID__func__(\S+)__\d+$/;

function listIn(text: string, name: string): ReadonlySet<string> | undefined {
  const [head] = ['set', 'set8'].map((kind) => text.indexOf(` __BTF_ID__${kind}__${name}\n`)).filter((at) => at >= 0);
  if (head === undefined) return undefined;
  const members = new Set<string>();
  for (let at = endOfLine(text, head) + 1; at < text.length; ) {
    const end = endOfLine(text, at);
    const line = text.slice(at, end);
    const member = MEMBER.exec(line)?.[1];
    if (member === undefined && !line.endsWith(` ${name}`)) break; // the variable lies where its list begins
    if (member !== undefined) members.add(member);
    at = end + 1;
  }
  return members;
}

function linesWith(text: string, name: string): string[] {
  const needle = ` ${name}`;
  const lines: string[] = [];
  for (let at = text.indexOf(needle); at >= 0; ) {
    const next = text[at + needle.length];
    const isName = next === undefined || '\n\t .'.includes(next);
    const end = isName ? endOfLine(text, at) : at + needle.length;
    if (isName) lines.push(text.slice(text.lastIndexOf('\n', at) + 1, end));
    at = text.indexOf(needle, end);
  }
  return lines;
}
