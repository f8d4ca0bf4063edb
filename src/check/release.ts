// What only releases tell of: instructions, and programs that may sleep. Where nobody said which release a kernel is of, its types show
// that it is no older than the newest helper or type of maps and programs in them: who brings one of these to an older kernel brings what
// came before it along.

import type { Btf } from '../btf/index.js';
import { versionCode } from '../plan/index.js';
import { BPF_ATTACH_TYPE, BPF_FUNC, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../uapi/enums.js';
import { ATTACH_TYPE_SINCE, HELPER_SINCE, MAP_TYPE_SINCE, PROG_TYPE_SINCE } from '../uapi/since.js';
import { type CheckedKernel, hasNumber, isSince, type KernelEnum } from './kernel.js';

type Row = readonly [KernelEnum, Readonly<Record<string, number>>, Readonly<Record<string, string>>];
const DATED: readonly Row[] = [
  ['bpf_func_id', BPF_FUNC, HELPER_SINCE],
  ['bpf_map_type', BPF_MAP_TYPE, MAP_TYPE_SINCE],
  ['bpf_prog_type', BPF_PROG_TYPE, PROG_TYPE_SINCE],
  ['bpf_attach_type', BPF_ATTACH_TYPE, ATTACH_TYPE_SINCE],
];

const leasts = new WeakMap<Btf, number>();

function leastRelease(btf: Btf): number {
  const known = leasts.get(btf);
  if (known !== undefined) return known;
  let least = 0;
  for (const [name, numbers, sinces] of DATED)
    for (const [word, since] of Object.entries(sinces)) {
      const number = numbers[word];
      if (number !== undefined && hasNumber({ btf, version: undefined }, name, number, undefined))
        least = Math.max(least, versionCode(since));
    }
  leasts.set(btf, least);
  return least;
}

/** Whether a kernel has what came with a release; undefined where neither its version nor its types tell. */
export const isOfRelease = ({ version, btf }: Pick<CheckedKernel, 'version' | 'btf'>, since: string): boolean | undefined =>
  version === undefined ? leastRelease(btf) >= versionCode(since) || undefined : isSince(version, since);

export const SAY_RELEASE = 'Say of which release it is: --kernel 6.1=FILE.';
