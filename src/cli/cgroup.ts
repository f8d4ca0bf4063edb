// `tsbpf cgroup`: programs attached to groups of processes.

import type { Command } from 'commander';
import { cgroupJson, cgroupText, cgroupTreeJson, cgroupTreeText } from '../live/index.js';
import { cgroupProgs, cgroupTree } from '../syscall/index.js';
import { type NounContext, nounCommand, print } from './nouns.js';
import type { Words } from './verbs.js';

const EFFECTIVE = 'effective';

export const cgroupCommand = (): Command =>
  nounCommand({
    name: 'cgroup',
    legend: `PATH is a directory of a cgroup2 file system; tree starts where that is mounted, if none is named.
effective: also programs of the groups above, in the order in which they run.`,
    example: 'cgroup tree --json',
    hasPins: false,
    verbs: [
      { name: 'show', words: 'PATH [effective]', run: show },
      { name: 'list', words: 'PATH [effective]', run: show },
      { name: 'tree', words: '[PATH] [effective]', run: tree },
    ],
  });

function show(words: Words, context: NounContext): void {
  const path = words.next('the path of a cgroup');
  const isEffective = lastWord(words);
  const progs = cgroupProgs(path, isEffective);
  print(context, { json: () => cgroupJson(progs), text: () => cgroupText(progs, isEffective) });
}

function tree(words: Words, context: NounContext): void {
  const path = words.left === 0 || words.peek() === EFFECTIVE ? undefined : words.next('a path');
  const isEffective = lastWord(words);
  const cgroups = cgroupTree(path, isEffective);
  print(context, { json: () => cgroupTreeJson(cgroups), text: () => cgroupTreeText(cgroups, isEffective) });
}

function lastWord(words: Words): boolean {
  const isEffective = words.left > 0 && words.oneOf([EFFECTIVE]) === EFFECTIVE;
  words.end();
  return isEffective;
}
