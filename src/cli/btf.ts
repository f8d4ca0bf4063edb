// `tsbpf btf …`: types of kernels, objects and files. dump, list and show are bpftool's, word for word; the rest is ours.

import { Command } from 'commander';
import { dumpCommand } from './btf-dump.js';
import { listCommand } from './btf-list.js';
import { diffCommand, findCommand, layoutCommand } from './btf-types.js';

export function btfCommand(): Command {
  return new Command('btf')
    .description('show types: of a kernel, an object, a file')
    .usage('<what> [options]')
    .addCommand(dumpCommand())
    .addCommand(listCommand())
    .addCommand(findCommand())
    .addCommand(layoutCommand())
    .addCommand(diffCommand());
}
