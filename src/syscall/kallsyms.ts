// Addresses of the kernel's symbols, of those that somebody asks for.

import { read } from './read-whole.js';

const KALLSYMS = '/proc/kallsyms';

/**
 * Addresses by name; a name that the kernel does not have is not there. Without CAP_SYSLOG the kernel shows each as 0.
 * @throws {SyscallError} when the file cannot be read.
 */
export const readKallsyms = (names: readonly string[]): ReadonlyMap<string, readonly bigint[]> =>
  names.length === 0 ? new Map() : findSymbols(new TextDecoder('latin1').decode(read(KALLSYMS)), names);

/**
 * @param text Lines of `ffffffff81000000 T _text`, some with `[module]` behind.
 * @see libbpf kallsyms_cb, src/libbpf.c
 */
export function findSymbols(text: string, names: readonly string[]): Map<string, readonly bigint[]> {
  const wanted = new Set(names);
  const found = new Map<string, readonly bigint[]>();
  for (const line of text.split('\n')) {
    const [address = '', type, symbol = ''] = line.split(/\s/, 3);
    // Clang's link time optimisation adds a hash to the names of static variables.
    const suffix = type === 'd' ? symbol.indexOf('.llvm.') : -1;
    const name = suffix < 0 ? symbol : symbol.slice(0, suffix);
    if (!wanted.has(name) || !/^[0-9a-f]+$/.test(address)) continue;
    const value = BigInt(`0x${address}`);
    const known = found.get(name) ?? [];
    if (!known.includes(value)) found.set(name, [...known, value]);
  }
  return found;
}

/**
 * Names of what is called from BPF.
 * @param addresses Those whose names are wanted, given where the kernel counts calls from (`__bpf_call_base`).
 * @returns Nothing where the kernel does not tell addresses.
 * @throws {SyscallError} when the file cannot be read.
 */
export function calledSymbols(addresses: (callBase: bigint) => readonly bigint[]): {
  readonly callBase: bigint | undefined;
  readonly symbols: ReadonlyMap<bigint, string>;
} {
  const text = new TextDecoder('latin1').decode(read(KALLSYMS));
  const callBase = addressIn(text, '__bpf_call_base');
  return callBase ? { callBase, symbols: findNames(text, addresses(callBase)) } : { callBase: undefined, symbols: new Map() };
}

function addressIn(text: string, name: string): bigint | undefined {
  const at = text.indexOf(` ${name}\n`);
  return at < 0 ? undefined : BigInt(`0x${text.slice(text.lastIndexOf('\n', at) + 1, at).split(' ', 1)[0]}`);
}

/**
 * The first symbol at each of these addresses.
 * @throws {SyscallError} when the file cannot be read.
 */
export const namesOfAddresses = (addresses: readonly bigint[]): ReadonlyMap<bigint, string> =>
  addresses.length === 0 ? new Map() : findNames(new TextDecoder('latin1').decode(read(KALLSYMS)), addresses);

export function findNames(text: string, addresses: readonly bigint[]): Map<bigint, string> {
  const wanted = new Map(
    addresses.filter((address) => address !== 0n).map((address) => [address.toString(16).padStart(16, '0'), address]),
  );
  const found = new Map<bigint, string>();
  let space = -1; // looked for only once: it may be far behind many lines that have none
  for (let start = 0; start < text.length; ) {
    if (space < start) space = text.indexOf(' ', start);
    if (space < 0) break;
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    const address = space < stop ? wanted.get(text.slice(start, space)) : undefined;
    if (address !== undefined && !found.has(address)) found.set(address, text.slice(space + 3, stop).split(/\s/, 1)[0] as string);
    start = stop + 1;
  }
  return found;
}
