// `tsbpf btf list`: the BTFs in the kernel, and who uses them, as bpftool lists them.

import { Command, Option } from 'commander';
import { btfJson, btfText } from '../live/index.js';
import { loadedBtfs } from '../syscall/index.js';
import type { JsonFlags } from './btf-dump.js';
import { printAll } from './nouns.js';
import { Words } from './verbs.js';

export const listCommand = (): Command =>
  new Command('list')
    .alias('show')
    .description('list the BTFs in the kernel, with the programs and maps that use them')
    .argument('[words...]', 'id ID: only this one')
    .option('-j, --json', 'as JSON on one line')
    .option('-p, --pretty', 'as JSON for people')
    .addOption(new Option('-f, --bpffs', 'taken as bpftool takes it: a BTF cannot be pinned').hideHelp())
    .addHelpText(
      'after',
      '\nExample: sudo npx tsbpf btf list\nExit code 1: the kernel does not tell (it takes root), or there is no such id.',
    )
    .action((said: string[], { json, pretty }: JsonFlags) => {
      const words = new Words(said);
      const only = words.left === 0 ? undefined : words.oneOf(['id']) && words.number('the id of a BTF');
      words.end();
      const format = { json: (json || pretty) ?? false, pretty: pretty ?? false };
      printAll(format, loadedBtfs(only), { json: btfJson, text: btfText }, { list: only === undefined });
    });
