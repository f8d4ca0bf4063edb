// `tsbpf check <object…>`: would it load on these kernels? Offline, on any system.

import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { open } from '../api/index.js';
import { type CheckedKernel, checkObject, showVersion } from '../check/index.js';
import { BpfError } from '../errors.js';
import type { BpfObject } from '../object/index.js';
import { type CheckedObject, checkJson, checkText, kernelName, overall, readKernel, thisKernel, toJson } from '../run/index.js';
import { afterHelp } from './after-help.js';
import { lookOf } from './look.js';
import { WordsError } from './verbs.js';

interface CheckFlags {
  readonly btf?: string[];
  readonly kernel?: string[];
  readonly config?: string[];
  readonly kallsyms?: string[];
  readonly module?: string[];
  readonly thisKernel?: true;
  readonly json?: true;
}

/** Without a default of commander's, which help would show. */
const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];

export const checkCommand = (): Command =>
  new Command('check')
    .description('hold objects against kernels that are not at hand: would they load, and if not, why not')
    .argument('<object...>', 'compiled BPF objects')
    .option('--btf <file>', "a kernel's types: raw BTF, ELF with .BTF, or a directory (see below); may be given again", collect)
    .option('--kernel <name=file>', 'the same with a name, from which its version is taken: 6.1=vmlinux-6.1', collect)
    .option('--config <[name=]file>', 'what that kernel was built with: config-6.1, a copy of /proc/config.gz', collect)
    .option('--kallsyms <[name=]file>', 'its symbols: System.map, or a copy of /proc/kallsyms', collect)
    .option('--module <[name=]file>', 'types of one of its modules: raw BTF, or a .ko; may be given again', collect)
    .option('--this-kernel', 'the running kernel too, with all that it shows of itself; alone if no other is given')
    .option('-j, --json', 'as one JSON object')
    .addHelpText(
      'after',
      afterHelp(`
A directory may hold all of a kernel: vmlinux or btf (a file, or a copy of /sys/kernel/btf), config…, System.map… or kallsyms…, and
files with types of modules. NAME= may be left out where there is one kernel.
Examples: npx tsbpf check my.bpf.o --kernel 5.10=a.btf --kernel 6.1=b.btf
          npx tsbpf check my.bpf.o --kernel 6.1=b.btf --config 6.1=/boot/config-6.1.0 --kallsyms 6.1=System.map
Exit code 1: something is red.`),
    )
    .action((files: string[], flags: CheckFlags) => {
      const opened = files.map(openedOrNot);
      const kernels = kernelsOf(flags, () => opened.flatMap((one) => ('object' in one ? [one.object] : [])));
      const objects = opened.map((one) => checked(one, kernels));
      if (flags.json) process.stdout.write(`${toJson(checkJson(kernels.map(describeKernel), objects))}\n`);
      else
        process.stdout.write(
          checkText(
            kernels.map(({ name }) => name),
            objects,
            lookOf(process.stdout),
          ),
        );
      if (overall(objects) === 'red') process.exitCode = 1;
    });

interface Named {
  readonly name: string | undefined;
  readonly file: string;
}

/** The name that a file's kernel goes by where nobody names it. */
const nameOf = ({ name, file }: Named): string => name ?? kernelName(file);

function kernelsOf(
  { btf = [], kernel = [], thisKernel: withThis, ...of }: CheckFlags,
  objects: () => BpfObject[],
): CheckedKernel[] {
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
  const kernels = named.map(({ name, file }, i) =>
    readKernel(file, name, {
      config: one('--config', config[i] ?? [], names[i]),
      kallsyms: one('--kallsyms', kallsyms[i] ?? [], names[i]),
      modules: modules[i] ?? [],
    }),
  );
  return withThis || kernels.length === 0 ? [...kernels, thisKernel(objects())] : kernels;
}

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

type Opened = { readonly file: string } & ({ readonly object: BpfObject } | { readonly error: BpfError });

/** One object that cannot be opened does not hide the others. */
function openedOrNot(file: string): Opened {
  try {
    return { file, object: open(file).object };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { file, error };
  }
}

function checked(opened: Opened, kernels: readonly CheckedKernel[]): CheckedObject {
  if ('error' in opened) return { file: opened.file, checks: [], error: opened.error };
  const { file, object } = opened;
  const off = object.programs.filter(({ isSubprogram, autoload }) => !isSubprogram && !autoload).length;
  return { file, off, checks: kernels.map((kernel) => checkObject(object, kernel)) };
}

const describeKernel = ({ name, version, btf, modules, kconfig, symbols }: CheckedKernel) => ({
  name,
  version: version === undefined ? null : showVersion(version),
  types: btf.length - 1,
  modules: modules.map((module) => module.name),
  config: kconfig?.file ?? null,
  symbols: symbols?.file ?? null,
});
