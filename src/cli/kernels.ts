// Kernels that are described by files, for `check` and `explain`: the same options, words and errors.

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { CheckedKernel } from '../check/index.js';
import { kernelName, readKernel } from '../run/index.js';
import { WordsError } from './verbs.js';

export interface KernelFlags {
  readonly btf?: string[];
  readonly kernel?: string[];
  readonly config?: string[];
  readonly kallsyms?: string[];
  readonly module?: string[];
}

/** Without a default of commander's, which help would show. */
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

export const withKernelOptions = (command: Command): Command =>
  command
    .option('--btf <file>', "a kernel's types: raw BTF, ELF with .BTF, or a directory (see below)", collect)
    .option('--kernel <name=file>', 'the same with a name, from which its version is taken: 6.1=vmlinux-6.1', collect)
    .option('--config <[name=]file>', 'what that kernel was built with: config-6.1, a copy of /proc/config.gz', collect)
    .option('--kallsyms <[name=]file>', 'its symbols: System.map, or a copy of /proc/kallsyms', collect)
    .option('--module <[name=]file>', 'types of one of its modules: raw BTF, or a .ko; may be given again', collect);

/** For help, below the options. */
export const KERNEL_DIRECTORY = [
  'A directory may hold all of a kernel: vmlinux or btf (a file, or a copy of /sys/kernel/btf),',
  'config…, System.map… or kallsyms…, and files with types of modules.',
].join(' ');

interface Named {
  readonly name: string | undefined;
  readonly file: string;
}

/**
 * In the order of their options, those of --btf first; none where none is named.
 * @throws {WordsError} for options that do not go together; {BpfError} for files that are not what they should be.
 */
export function describedKernels({ btf = [], kernel = [], ...of }: KernelFlags): CheckedKernel[] {
  const named = [...btf.map((file): Named => ({ name: undefined, file })), ...kernel.map(namedKernel)];
  const names = named.map(nameOf);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new WordsError(`Two kernels are called ${twice}`, {
      remedy: 'Give each a name of its own: --kernel NAME=FILE.',
    });
  const config = assigned('--config', of.config, names);
  const kallsyms = assigned('--kallsyms', of.kallsyms, names);
  const modules = assigned('--module', of.module, names);
  return named.map(({ name, file }, i) =>
    readKernel(file, name, {
      config: one('--config', config[i] ?? [], names[i]),
      kallsyms: one('--kallsyms', kallsyms[i] ?? [], names[i]),
      modules: modules[i] ?? [],
    }),
  );
}

/** The name that a file's kernel goes by where nobody names it. */
const nameOf = ({ name, file }: Named): string => name ?? kernelName(file);

function namedKernel(text: string): Named {
  const equals = text.indexOf('=');
  if (equals <= 0 || equals === text.length - 1)
    throw new WordsError(`--kernel ${text} has no ${equals <= 0 ? 'name' : 'file'}`, {
      remedy: 'Write --kernel NAME=FILE, such as --kernel 6.1=vmlinux-6.1.btf.',
    });
  return { name: text.slice(0, equals), file: text.slice(equals + 1) };
}

/** The files of each kernel, in the order of `names`. */
function assigned(flag: string, texts: readonly string[] | undefined, names: readonly string[]): string[][] {
  const files: string[][] = names.map(() => []);
  for (const text of texts ?? []) {
    const owner = names.findIndex((name) => text.startsWith(`${name}=`));
    const [only] = files;
    if (owner >= 0) files[owner]?.push(text.slice((names[owner] as string).length + 1));
    else if (only && names.length === 1 && (existsSync(text) || !text.includes('='))) only.push(text);
    else
      throw new WordsError(`${flag} ${text} is of none of the kernels`, {
        remedy:
          names.length === 0
            ? `Name a kernel by --kernel NAME=FILE; the running one finds its own.`
            : `Write ${flag} NAME=FILE, where NAME is ${names.length === 1 ? names[0] : `one of ${names.join(', ')}`}.`,
      });
  }
  return files;
}

function one(flag: string, [file, other]: readonly string[], name: string | undefined): string | undefined {
  if (other !== undefined) throw new WordsError(`${flag} is given twice for ${name}: ${file}, ${other}`, { remedy: 'Give one.' });
  return file;
}
