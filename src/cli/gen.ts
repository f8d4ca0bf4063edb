// `tsbpf gen`: files made out of objects.

import { Command } from 'commander';
import { region } from '../bytes/index.js';
import { parseElf } from '../elf/index.js';
import { linkObjects } from '../linker/index.js';
import { openObject } from '../object/index.js';
import { minCoreBtf, relocate } from '../relocate/index.js';
import { toJson } from '../run/index.js';
import { read, readBtf } from '../syscall/index.js';
import { withTypes } from './btf-object.js';
import { printJsonLine } from './output.js';
import { isSameFile, writeWhole } from './write-whole.js';

export const genCommand = (): Command =>
  new Command('gen')
    .description('make files out of objects')
    .usage('<what> [options]')
    .addCommand(objectCommand())
    .addCommand(minCoreBtfCommand());

interface GenFlags {
  readonly json?: true;
}

function objectCommand(): Command {
  return new Command('object')
    .description('link compiled BPF objects into one, as bpftool does')
    .argument('<output>', 'the object to write; replaced if it exists')
    .argument('<input...>', 'compiled BPF objects, in the order in which their parts are to stand')
    .option('-j, --json', 'print what was done, or the error, as one JSON object')
    .addHelpText(
      'after',
      '\nExample: npx tsbpf gen object app.bpf.o main.bpf.o lib.bpf.o\nExterns that no input defines stay, for the kernel or for another link. Exit code 1: nothing was written.',
    )
    .action((output: string, inputs: string[], flags: GenFlags, command: Command) => {
      const files = inputs.map((file) => parseElf(region(read(file), { file })));
      const same = inputs.find((input) => isSameFile(input, output));
      if (same !== undefined) command.error(`error: The output ${output} is also an input: give it another name`);
      const bytes = linkObjects(files);
      writeWhole(output, bytes);
      if (flags.json) printJsonLine(toJson({ output, inputs, bytes: bytes.length }));
    });
}

function minCoreBtfCommand(): Command {
  return new Command('min-core-btf')
    .alias('min_core_btf')
    .description("reduce a kernel's types to what CO-RE needs for some objects, for kernels without BTF of their own")
    .argument('<btf>', "the kernel's types: raw BTF, or ELF with a .BTF section")
    .argument('<output>', 'the BTF to write, for --btf; replaced if it exists')
    .argument('<object...>', 'compiled BPF objects')
    .option('-j, --json', 'print what was done, or the error, as one JSON object')
    .addHelpText(
      'after',
      '\nExample: npx tsbpf gen min-core-btf vmlinux-4.18.btf my-4.18.btf my.bpf.o\nExit code 1: nothing was written.',
    )
    .action((btf: string, output: string, objects: string[], flags: GenFlags, command: Command) => {
      if ([btf, ...objects].some((input) => isSameFile(input, output)))
        command.error(`error: The output ${output} is also an input: give it another name`);
      const kernel = readBtf(btf);
      const fixups = objects.flatMap((file) => {
        const object = withTypes(openObject(parseElf(region(read(file), { file }))), file);
        const programs = object.programs.map((program) => ({ ...program, autoload: true }));
        return relocate({ ...object, programs }, { kernel }).fixups;
      });
      const bytes = minCoreBtf(kernel, fixups);
      writeWhole(output, bytes);
      if (flags.json) printJsonLine(toJson({ btf, output, objects, relocations: fixups.length, bytes: bytes.length }));
    });
}
