// `tsbpf net`: programs attached to network devices, and to the rest of a network namespace.

import type { Command } from 'commander';
import { netJson, netText } from '../live/index.js';
import { netAttachments } from '../syscall/index.js';
import { type NounContext, nounCommand, print } from './nouns.js';
import type { Words } from './verbs.js';

export const netCommand = (): Command =>
  nounCommand({
    name: 'net',
    legend: `Shown are XDP, tcx, netkit and traffic control, by device, of the network namespace that this runs in; then flow dissectors
and netfilter. Programs of groups of processes: tsbpf cgroup.`,
    hasPins: false,
    verbs: [
      { name: 'show', words: '[dev NAME]', run: show },
      { name: 'list', words: '[dev NAME]', run: show },
    ],
  });

function show(words: Words, context: NounContext): void {
  const device = words.left > 0 && words.oneOf(['dev']) ? words.next('the name of a device') : undefined;
  words.end();
  const net = netAttachments(device);
  print(context, { json: () => [netJson(net)], text: () => netText(net) });
}
