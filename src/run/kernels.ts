// Kernels that are not at hand, from files: types, configuration, symbols, modules; and this one.

import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Btf, parseBtf } from '../btf/index.js';
import { region } from '../bytes/index.js';
import {
  type CheckedKernel,
  hookedFunctions,
  type KernelSymbols,
  parseConfig,
  parseSymbols,
  releaseIn,
  versionIn,
} from '../check/index.js';
import { BpfError, FormatError, UsageError } from '../errors.js';
import type { BpfObject } from '../object/index.js';
import { type KernelConfig, loadable, type ModuleBtf, needsModules, versionCode, wanted } from '../plan/index.js';
import { kernelBtf, kernelConfig, kernelVersion, read, readBtf, unpacked } from '../syscall/index.js';

/** What the running one is called. */
export const THIS_KERNEL = 'this kernel';
const KERNEL = 'vmlinux';
const SYSFS = '/sys/kernel/btf';
const KALLSYMS = '/proc/kallsyms';
/** What is called so in a directory; the first row that finds something counts. */
const TYPES = [/^vmlinux(\.btf)?$/, /^btf$/, /^vmlinux-[^/]*$/];
const CONFIGS = [/^\.?config(\.gz)?$/, /^config-[^/]*$/];
const SYMBOLS = [/^kallsyms$/, /^System\.map$/, /^kallsyms-[^/]*$/, /^System\.map-[^/]*$/];
const BTF_MAGIC = [0xeb9f, 0x9feb];

/** What else is known of a kernel, each in a file. */
export interface KernelFiles {
  readonly config?: string | undefined;
  /** System.map, or a copy of /proc/kallsyms. */
  readonly kallsyms?: string | undefined;
  /** Types of modules, each raw or in a module (.ko). */
  readonly modules?: readonly string[];
}

/**
 * @param path A file with BTF; or a directory, where `vmlinux` or `btf` is the kernel, `config…` its configuration, `System.map…` or
 *             `kallsyms…` its symbols, and other files with BTF are its modules: a copy of /sys/kernel/btf, or what one has put together.
 * @param name What to call it; a version if it looks like one. That of the file or its folder by default, which is taken for no version.
 * @param more What is given besides; it takes the place of what the directory has.
 * @throws {SyscallError} or {FormatError}; {UsageError} when a configuration is of another release than the name says.
 */
export function readKernel(path: string, name?: string, more: KernelFiles = {}): CheckedKernel {
  const found = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? inFolder(path) : { types: path };
  const files = { ...found, ...(more.config && { config: more.config }), ...(more.kallsyms && { kallsyms: more.kallsyms }) };
  const btf = readBtf(files.types);
  const kconfig = files.config === undefined ? undefined : readConfig(files.config);
  const shown = name ?? kernelName(path);
  return {
    name: shown,
    version: versionOf(shown, name === undefined ? undefined : versionIn(name), kconfig),
    btf,
    modules: [...(found.modules ?? []), ...(more.modules ?? [])].sort().map((file) => readModule(file, btf)),
    kconfig,
    symbols: files.kallsyms === undefined ? undefined : readSymbols(files.kallsyms),
  };
}

/** `btf` and `vmlinux` tell no kernel from another: then the folder is its name. */
export function kernelName(path: string): string {
  const parts = path.split('/').filter((part) => !['', '.', '..'].includes(part));
  const names = parts.map((part) => part.replace(/\.(btf|elf)$/, ''));
  const own = path.startsWith(SYSFS) ? undefined : names.findLast((name) => name !== 'btf' && name !== KERNEL);
  return own ?? names.at(-1) ?? path;
}

type Found = KernelFiles & { readonly types: string };

function inFolder(path: string): Found {
  const names = readdirSync(path).sort();
  const one = (patterns: readonly RegExp[], what: string): string | undefined => {
    for (const pattern of patterns) {
      const [first, second] = names.filter((name) => pattern.test(name));
      if (second !== undefined)
        throw new UsageError(`${path} has ${what} of several kernels: ${first}, ${second}`, {
          remedy: 'Name the files of one: --kernel NAME=FILE --config NAME=FILE --kallsyms NAME=FILE.',
        });
      if (first !== undefined) return join(path, first);
    }
    return undefined;
  };
  const types = one(TYPES, 'types');
  const isCopy = types !== undefined && statSync(types).isDirectory(); // of /sys/kernel/btf
  const [kernel, folder] = isCopy ? [join(types, KERNEL), types] : [types, path];
  if (kernel === undefined)
    throw new UsageError(`${path} has no types of a kernel`, {
      remedy: `They are looked for in vmlinux, vmlinux.btf, vmlinux-… and btf. A copy of ${SYSFS}/vmlinux of that kernel will do; vmlinuz will not, for it is packed.`,
    });
  const symbols = one(SYMBOLS, 'symbols');
  return {
    types: kernel,
    config: one(CONFIGS, 'the configuration'),
    kallsyms: symbols !== undefined && !isStub(symbols) ? symbols : undefined,
    modules: readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((file) => file !== kernel && (isCopy || hasTypes(file))),
  };
}

/** Debian's image packages have a System.map of one line, which says where the real one is: as good as none. */
const isStub = (file: string): boolean => statSync(file).size < 4096 && /The real System\.map/.test(latin1(read(file)));

const hasTypes = (file: string): boolean => {
  if (!statSync(file).isFile()) return false;
  if (file.endsWith('.ko')) return true;
  const [first = 0, second = 0] = startOf(file);
  return BTF_MAGIC.includes((first << 8) | second);
};

function startOf(file: string): Uint8Array {
  const start = new Uint8Array(2);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, start);
  } finally {
    closeSync(fd);
  }
  return start;
}

const latin1 = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);

/** A plain file, of a size that one has: a device has no end. */
function readWhole(file: string, most: number): Uint8Array {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat && !stat.isDirectory() && (!(stat.isFile() || stat.isFIFO()) || stat.size > most))
    throw new FormatError(stat.isFile() ? `${stat.size} bytes are more than such a file has` : 'This is no plain file', {
      where: { file },
    });
  return read(file);
}

const MOST_CONFIG = 1 << 22;
/** A distribution's kernel has 10 MB of them. */
const MOST_SYMBOLS = 1 << 26;

const readConfig = (file: string): KernelConfig =>
  parseConfig(new TextDecoder().decode(unpacked(file, readWhole(file, MOST_CONFIG))), file);

const readSymbols = (file: string): KernelSymbols => parseSymbols(latin1(readWhole(file, MOST_SYMBOLS)), file);

/** A configuration says its release to the last digit; a name that says another one is a mistake. */
function versionOf(name: string, said: number | undefined, kconfig: KernelConfig | undefined): number | undefined {
  const release = kconfig && releaseIn(kconfig);
  if (release === undefined) return said;
  const version = versionCode(release);
  if (said === undefined || said === version) return version;
  const isMoreExact = said >> 8 === version >> 8 && (said & 0xff) === 0;
  if (isMoreExact) return version;
  throw new UsageError(`The configuration of kernel ${name} is of Linux ${release}`, {
    where: { file: kconfig?.file ?? '' },
    remedy: `Give the configuration of that kernel, or name the kernel ${release}.`,
  });
}

/** `veth`, `snd-hda.ko` -> `snd_hda`, as the kernel calls it. */
const moduleName = (file: string): string =>
  file.endsWith('.ko') ? basename(file, '.ko').replaceAll('-', '_') : basename(file).replace(/\.btf$/, '');

function readModule(file: string, base: Btf): ModuleBtf {
  const btf = file.endsWith('.ko') ? readBtf(file, base) : parseBtf(region(read(file), { file }), base);
  if (!continues(btf, base))
    throw new FormatError('The types of this module continue those of another kernel', {
      where: { file },
      remedy: 'Types of modules go with the kernel that they were built for, to the last digit of its release.',
    });
  return { name: moduleName(file), id: undefined, btf };
}

/** So many names are looked at: with another base, nearly each of them would begin in the middle of a word. */
const ENOUGH = 256;

function continues(btf: Btf, base: Btf): boolean {
  const last = Math.min(btf.length, base.length + ENOUGH);
  try {
    for (let id = base.length; id < last; id++) {
      const offset = btf.nameOffset(id);
      if (offset > 0 && btf.nameAt(offset - 1) !== '') return false;
    }
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}

/**
 * The running kernel: all that it shows of itself, as far as these objects ask for it. Only files are read.
 * @throws {UnsupportedError} when it shows no types.
 */
export function thisKernel(objects: readonly BpfObject[]): CheckedKernel {
  const btf = kernelBtf();
  const asksModules = objects.some((object) => needsModules(btf, wanted(object).types));
  return {
    name: THIS_KERNEL,
    version: kernelVersion(),
    btf,
    modules: asksModules && existsSync(SYSFS) ? runningModules(btf) : [],
    kconfig: readable(kernelConfig),
    symbols: runningSymbols(objects),
  };
}

const runningModules = (btf: Btf): ModuleBtf[] =>
  readdirSync(SYSFS)
    .filter((name) => name !== KERNEL)
    .flatMap((name) => readable(() => readModule(join(SYSFS, name), btf)) ?? []); // they come and go

/** Symbols of the running kernel, where an object asks for some: reading them takes a while. Undefined where it shows none. */
export const runningSymbols = (objects: readonly BpfObject[]): KernelSymbols | undefined =>
  objects.some(
    (object) => wanted(object).kallsyms.length > 0 || loadable(object).some((program) => hookedFunctions(program).length > 0),
  )
    ? readable(() => readSymbols(KALLSYMS))
    : undefined;

/** What is asked for; undefined where it cannot be had. */
export function readable<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}
