// `tsbpf explain <object>`: what a load would do, what it needs, and what keeps it from loading; nothing is done.

import { Command } from 'commander';
import { open } from '../api/index.js';
import type { CheckedKernel } from '../check/index.js';
import { explainJson, explainObject, explainText, toJson } from '../run/index.js';
import { afterHelp } from './after-help.js';
import { describedKernels, KERNEL_DIRECTORY, type KernelFlags, withKernelOptions } from './kernels.js';
import { lookOf } from './look.js';
import { printJsonLine, printText } from './output.js';
import { WordsError } from './verbs.js';

interface ExplainFlags extends KernelFlags {
  readonly json?: true;
  readonly verbose?: boolean;
}

export const explainCommand = (): Command =>
  withKernelOptions(
    new Command('explain')
      .description('the plan of a load without performing it: requirements, relocations, steps, and why it would fail')
      .argument('<object>', 'a compiled BPF object'),
  )
    .option('-j, --json', 'as one JSON object')
    .option('-v, --verbose', 'every relocation with its candidates')
    .addHelpText(
      'after',
      afterHelp(`
It is the running kernel, with what it shows of itself, unless another is described; then no kernel is needed.
${KERNEL_DIRECTORY}
Examples: npx tsbpf explain my.bpf.o --btf vmlinux-6.1.btf
          npx tsbpf explain my.bpf.o --kernel 6.1=b.btf --config /boot/config-6.1.0 --kallsyms System.map
Exit code 1: it would not load, or could not be attached.`),
    )
    .action((file: string, { json, verbose = false, ...flags }: ExplainFlags) => {
      const kernel = oneKernel(flags);
      const explained = explainObject(open(file).object, kernel);
      if (json) printJsonLine(toJson(explainJson(explained)));
      else printText(explainText(explained, { ...lookOf(process.stdout), verbose }));
      if (explained.check.verdict === 'red' || explained.plan.error) process.exitCode = 1;
    });

/** The one that is described; undefined for the running one. */
function oneKernel(flags: KernelFlags): CheckedKernel | undefined {
  const asked = [...(flags.btf ?? []), ...(flags.kernel ?? [])];
  if (asked.length > 1)
    throw new WordsError(`explain takes one kernel, not ${asked.join(', ')}`, {
      remedy: 'npx tsbpf check holds objects against several.',
    });
  return describedKernels(flags)[0];
}
