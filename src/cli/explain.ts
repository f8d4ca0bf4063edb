// `tsbpf explain <object>`: what a load would do, what it needs, and what keeps it from loading; nothing is done.

import { Command } from 'commander';
import { open } from '../api/index.js';
import { explainJson, explainObject, explainText, toJson } from '../run/index.js';
import { lookOf } from './look.js';

interface ExplainFlags {
  readonly btf?: string;
  readonly json?: true;
  readonly verbose?: boolean;
}

export const explainCommand = (): Command =>
  new Command('explain')
    .description('the plan of a load without performing it: requirements, relocations, steps, and why it would fail')
    .argument('<object>', 'a compiled BPF object')
    .option(
      '--btf <file>',
      "another kernel's types: raw BTF, ELF with .BTF, or a copy of /sys/kernel/btf; no kernel is needed then",
    )
    .option('-j, --json', 'as one JSON object')
    .option('-v, --verbose', 'every relocation with its candidates')
    .addHelpText(
      'after',
      '\nExample: npx tsbpf explain my.bpf.o --btf vmlinux-6.1.btf\nExit code 1: it would not load, or could not be attached.',
    )
    .action((file: string, { btf, json, verbose = false }: ExplainFlags) => {
      const explained = explainObject(open(file).object, btf);
      process.stdout.write(
        json ? `${toJson(explainJson(explained))}\n` : explainText(explained, { ...lookOf(process.stdout), verbose }),
      );
      if (explained.check.verdict === 'red' || explained.plan.error) process.exitCode = 1;
    });
