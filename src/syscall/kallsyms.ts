// Addresses of the kernel's symbols, of those that somebody asks for.

import { read } from './kernel-btf.js';

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
    if (!wanted.has(name)) continue;
    const value = BigInt(`0x${address}`);
    const known = found.get(name) ?? [];
    if (!known.includes(value)) found.set(name, [...known, value]);
  }
  return found;
}
