// `tsbpf check <object…>`: would it load on these kernels? Offline, on any system.

import { Command } from 'commander';
import { open } from '../api/index.js';
import { type CheckedKernel, checkObject, showVersion } from '../check/index.js';
import { BpfError } from '../errors.js';
import { type CheckedObject, checkJson, checkText, overall, readKernel, toJson } from '../run/index.js';
import { kernelBtf } from '../syscall/index.js';
import { lookOf } from './look.js';
import { WordsError } from './verbs.js';

interface CheckFlags {
  readonly btf: string[];
  readonly kernel: string[];
  readonly json?: true;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

export const checkCommand = (): Command =>
  new Command('check')
    .description('hold objects against kernels that are not at hand: would they load, and if not, why not')
    .argument('<object...>', 'compiled BPF objects')
    .option(
      '--btf <file>',
      "a kernel's types: raw BTF, ELF with .BTF, or a copy of /sys/kernel/btf; may be given again",
      collect,
      [],
    )
    .option('--kernel <name=file>', 'the same with a name, from which its version is taken: 6.1=vmlinux-6.1', collect, [])
    .option('-j, --json', 'as one JSON object')
    .addHelpText(
      'after',
      '\nWithout --btf and --kernel: the running kernel.\nExample: npx tsbpf check my.bpf.o --kernel 5.10=a.btf --kernel 6.1=b.btf\nExit code 1: something is red.',
    )
    .action((files: string[], flags: CheckFlags) => {
      const kernels = kernelsOf(flags);
      const objects = files.map((file) => checked(file, kernels));
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

function kernelsOf({ btf, kernel }: CheckFlags): CheckedKernel[] {
  const named = kernel.map((text) => {
    const equals = text.indexOf('=');
    if (equals <= 0)
      throw new WordsError(`--kernel ${text} has no name`, {
        remedy: 'Write --kernel NAME=FILE, such as --kernel 6.1=vmlinux-6.1.btf.',
      });
    return readKernel(text.slice(equals + 1), text.slice(0, equals));
  });
  const kernels = [...btf.map((file) => readKernel(file)), ...named];
  return kernels.length > 0 ? kernels : [{ name: 'this kernel', version: undefined, btf: kernelBtf(), modules: [] }];
}

/** One object that cannot be opened does not hide the others. */
function checked(file: string, kernels: readonly CheckedKernel[]): CheckedObject {
  try {
    const { object } = open(file);
    const off = object.programs.filter(({ isSubprogram, autoload }) => !isSubprogram && !autoload).length;
    return { file, off, checks: kernels.map((kernel) => checkObject(object, kernel)) };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return { file, checks: [], error };
  }
}

const describeKernel = ({ name, version, btf, modules }: CheckedKernel) => ({
  name,
  version: version === undefined ? null : showVersion(version),
  types: btf.length - 1,
  modules: modules.map((module) => module.name),
});
