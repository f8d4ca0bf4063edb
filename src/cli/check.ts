// `tsbpf check <object…>`: would it load on these kernels? Offline, on any system.

import { Command } from 'commander';
import { open } from '../api/index.js';
import { type CheckedKernel, checkObject } from '../check/index.js';
import { BpfError } from '../errors.js';
import type { BpfObject } from '../object/index.js';
import { type CheckedObject, checkJson, checkText, overall, thisKernel, toJson } from '../run/index.js';
import { afterHelp } from './after-help.js';
import { describedKernels, KERNEL_DIRECTORY, type KernelFlags, withKernelOptions } from './kernels.js';
import { lookOf } from './look.js';
import { printJsonLine, printText } from './output.js';

interface CheckFlags extends KernelFlags {
  readonly thisKernel?: true;
  readonly json?: true;
}

export const checkCommand = (): Command =>
  withKernelOptions(
    new Command('check')
      .description('hold objects against kernels that are not at hand: would they load, and if not, why not')
      .argument('<object...>', 'compiled BPF objects'),
  )
    .option('--this-kernel', 'the running kernel too, with all that it shows of itself; alone if no other is given')
    .option('-j, --json', 'as one JSON object')
    .addHelpText(
      'after',
      afterHelp(`
${KERNEL_DIRECTORY} --btf and --kernel may be given again, for other kernels; NAME= may be left out where there is one.
Examples: npx tsbpf check my.bpf.o --kernel 5.10=a.btf --kernel 6.1=b.btf
          npx tsbpf check my.bpf.o --kernel 6.1=b.btf --config 6.1=/boot/config-6.1.0 --kallsyms 6.1=System.map
Exit code 1: something is red.`),
    )
    .action((files: string[], flags: CheckFlags) => {
      const opened = files.map(openedOrNot);
      const described = describedKernels(flags);
      const running = flags.thisKernel || described.length === 0 ? [thisKernel(opened.flatMap(objectIn))] : [];
      const kernels = [...described, ...running];
      const objects = opened.map((one) => checked(one, kernels));
      if (flags.json) printJsonLine(toJson(checkJson(kernels, objects)));
      else
        printText(
          checkText(
            kernels.map(({ name }) => name),
            objects,
            lookOf(process.stdout),
          ),
        );
      if (overall(objects) === 'red') process.exitCode = 1;
    });

type Opened = { readonly file: string } & ({ readonly object: BpfObject } | { readonly error: BpfError });

const objectIn = (opened: Opened): BpfObject[] => ('object' in opened ? [opened.object] : []);

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
