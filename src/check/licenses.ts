// What the kernel keeps for programs under the GPL. See check_helper_call, bpf_add_kfunc_call and check_struct_ops_btf_id in
// kernel/bpf/verifier.c, and bpf_lsm_verify_prog; tracing programs and freplace have no rule of that kind.

import type { BpfFunction, BpfObject } from '../object/index.js';
import type { BpfAttachType, BpfProgType } from '../uapi/enums.js';
import { GPL_COMPATIBLE, GPL_ONLY_HELPERS } from '../uapi/licenses.js';
import type { Finding } from './finding.js';
import type { ProgramUses, Use } from './program.js';

const ONLY_TYPES: Readonly<Partial<Record<BpfProgType, string>>> = {
  BPF_PROG_TYPE_LSM: 'LSM programs',
  BPF_PROG_TYPE_STRUCT_OPS: 'struct_ops programs',
};
const ONLY_HELPERS: ReadonlySet<string> = new Set(GPL_ONLY_HELPERS);
/** Programs for many functions at once have a get_func_ip of their own, which is for all. */
const OF_MANY: ReadonlySet<BpfAttachType | undefined> = new Set<BpfAttachType>([
  'BPF_TRACE_KPROBE_MULTI',
  'BPF_TRACE_KPROBE_SESSION',
  'BPF_TRACE_UPROBE_MULTI',
  'BPF_TRACE_UPROBE_SESSION',
]);

/** @param uses Of this program: helpers that it can reach, and kernel functions, which the kernel looks at reached or not. */
export function checkLicense(
  { license }: BpfObject,
  { type, def }: BpfFunction,
  { helpers, kfuncs }: Pick<ProgramUses, 'helpers' | 'kfuncs'>,
): Finding[] {
  if (GPL_COMPATIBLE.includes(license)) return [];
  const its = license === '' ? 'this object names no license' : `the license of this object is "${license}"`;
  const finding = (what: string, source?: Use['source']): Finding => ({
    concern: 'license',
    verdict: 'red',
    stage: 'load',
    what: `${what}, and ${its}`,
    remedy: `char LICENSE[] SEC("license") = "GPL"; if that is what the program is under; ${OTHERS} will do too.`,
    source,
  });
  const programs = ONLY_TYPES[type];
  const isOnly = ({ name }: Use): boolean =>
    ONLY_HELPERS.has(name) && !(name === 'BPF_FUNC_get_func_ip' && OF_MANY.has(def?.attachType));
  return [
    ...(programs ? [finding(`${programs} must be under the GPL`)] : []),
    ...helpers.filter(isOnly).map(({ name, source }) => finding(`${name} is only for programs under the GPL`, source)),
    ...kfuncs.map(({ name, source }) => finding(`Kernel functions are only for programs under the GPL, as ${name} is`, source)),
  ];
}

const OTHERS = GPL_COMPATIBLE.filter((license) => license.startsWith('Dual '))
  .map((license) => `"${license}"`)
  .join(', ');
