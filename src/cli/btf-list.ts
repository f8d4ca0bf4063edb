// `tsbpf btf list`: the BTFs in the kernel, and who uses them, as bpftool lists them.

import { Command } from 'commander';
import { JsonWriter, type TextSink } from '../bytes/index.js';
import { type LoadedBtf, loadedBtfs } from '../syscall/index.js';
import type { JsonFlags } from './btf-dump.js';
import { toStdout } from './output.js';
import { parseWords } from './words.js';

const GRAMMAR = { id: { takes: 'number' } } as const;

export const listCommand = (): Command =>
  new Command('list')
    .alias('show')
    .description('list the BTFs in the kernel, with the programs and maps that use them')
    .argument('[words...]', 'id ID: only this one')
    .option('-j, --json', 'as JSON on one line')
    .option('-p, --pretty', 'as JSON for people')
    .addHelpText(
      'after',
      '\nExample: sudo npx tsbpf btf list\nExit code 1: the kernel does not tell (it takes root), or there is no such id.',
    )
    .action((words: string[], flags: JsonFlags, command: Command) => {
      const only = parseWords(words, GRAMMAR, (message) => command.error(`error: ${message}`)).id?.[0];
      const found = loadedBtfs(only);
      toStdout((out) => {
        if (flags.json || flags.pretty) json(found, out, only !== undefined, flags.pretty ?? false);
        else for (const btf of found) out.bytes(new TextEncoder().encode(line(btf)));
      });
    });

function line({ id, name, isKernel, size, progIds, mapIds }: LoadedBtf): string {
  const users = (what: string, ids: readonly number[]) => (ids.length > 0 ? `  ${what} ${ids.join(',')}` : '');
  const shown = isKernel ? `[${name}]` : name || '<anon>';
  return `${id}: name ${shown}  size ${size}B${users('prog_ids', progIds)}${users('map_ids', mapIds)}\n`;
}

/** A list; for one that was asked for by its id, that one alone. */
function json(found: readonly LoadedBtf[], out: TextSink, isOne: boolean, pretty: boolean): void {
  const writer = new JsonWriter(out, { pretty });
  const ids = (key: string, list: readonly number[]) => {
    writer.key(key);
    writer.open('[');
    for (const id of list) writer.number(id);
    writer.close(']');
  };
  if (!isOne) writer.open('[');
  for (const btf of found) {
    writer.open('{');
    writer.key('id');
    writer.number(btf.id);
    writer.key('size');
    writer.number(btf.size);
    ids('prog_ids', btf.progIds);
    ids('map_ids', btf.mapIds);
    writer.key('kernel');
    writer.literal(String(btf.isKernel));
    if (btf.name !== '') {
      writer.key('name');
      writer.ascii(btf.name);
    }
    writer.close('}');
  }
  if (!isOne) writer.close(']');
  writer.end();
}
