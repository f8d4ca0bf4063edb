// How words and flags may be given in bpftool's way.

import { expect, it } from 'vitest';
import { likeBpftool } from '../../src/cli/arguments.js';

it.each<[given: string, taken: string]>([
  ['-j m l', 'map l -j'],
  ['-jp prog show id 3', 'prog show -jp id 3'],
  ['prog -f list', 'prog list -f'],
  ['-p btf -j d file x', 'btf dump -p -j file x'],
  ['-B vmlinux btf dump file a.ko', 'btf dump -B vmlinux file a.ko'],
  ['btf --base-btf=vmlinux d file a.ko', 'btf dump --base-btf=vmlinux file a.ko'],
  ['-j', '-j'],
  ['-B', '-B'],
  ['prog', 'prog'],
  ['btf --help', 'btf --help'],
  ['--json inspect x', '--json inspect x'], // not bpftool's
  ['run bootstrap -d 5', 'run bootstrap -d 5'],
])('%s', (given, taken) => {
  expect(likeBpftool(given.split(' ')).join(' ')).toBe(taken);
});
