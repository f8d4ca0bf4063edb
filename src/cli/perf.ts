// `tsbpf perf`: programs on tracepoints and probes, by the process that holds them.

import type { Command } from 'commander';
import { perfJson, perfText } from '../live/index.js';
import { perfAttachments } from '../syscall/index.js';
import { type NounContext, nounCommand, printAll } from './nouns.js';
import type { Words } from './verbs.js';

export const perfCommand = (): Command =>
  nounCommand({
    name: 'perf',
    legend: `Shown are tracepoints, raw tracepoints, kprobes and uprobes that some process holds a descriptor of. Attachments that are links
of their own, also of several functions: tsbpf link list.`,
    hasPins: false,
    verbs: [
      { name: 'show', words: '', run: show },
      { name: 'list', words: '', run: show },
    ],
  });

function show(words: Words, context: NounContext): void {
  words.end();
  printAll(context, perfAttachments(), { json: perfJson, text: perfText }, { list: true });
}
