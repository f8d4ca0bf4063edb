// Programs that hook into a function or tracepoint by its type: `fentry/vfs_read` -> the id of that function in the kernel's BTF.

import { type Btf, findType, type TypeId, typesOf } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import { FormatError, UnsupportedError } from '../errors.js';
import type { BpfFunction, BpfObject, SecDef } from '../object/index.js';
import type { BpfAttachType } from '../uapi/enums.js';
import { type KernelFacts, targetOf } from './facts.js';

/** How the kernel calls what a program of some attach type hooks into. */
interface Naming {
  readonly prefix: string;
  readonly kind: 'TYPEDEF' | 'FUNC';
  /** For people. */
  readonly what: string;
}

const FUNCTION: Naming = { prefix: '', kind: 'FUNC', what: 'function' };
const HOOK: Naming = { prefix: 'bpf_lsm_', kind: 'FUNC', what: 'LSM hook' };

/** @see libbpf btf_get_kernel_prefix_kind, src/libbpf.c */
const NAMINGS: Readonly<Partial<Record<BpfAttachType, Naming>>> = {
  BPF_TRACE_RAW_TP: { prefix: 'btf_trace_', kind: 'TYPEDEF', what: 'tracepoint' },
  BPF_LSM_MAC: HOOK,
  BPF_LSM_CGROUP: HOOK,
  BPF_TRACE_ITER: { prefix: 'bpf_iter_', kind: 'FUNC', what: 'iterator' },
};
const namingOf = ({ attachType }: SecDef): Naming => (attachType && NAMINGS[attachType]) ?? FUNCTION;

/**
 * The type id that the kernel takes as attach_btf_id, for a program whose section has `attachBtf`.
 * @throws {FormatError} when its section names no target; {UnsupportedError} when the kernel's BTF lacks it, naming a similar
 *         one, or when it is not in the kernel itself.
 * @see libbpf libbpf_find_attach_btf_id, src/libbpf.c
 */
export function attachBtfId(object: BpfObject, program: BpfFunction, def: SecDef, { kernelBtf }: KernelFacts): TypeId {
  const where = { ...object.where, program: program.name, section: program.section };
  if (def.type === 'BPF_PROG_TYPE_EXT')
    throw new UnsupportedError('Replacing a function of another BPF program (freplace) is not supported yet', { where });
  const naming = namingOf(def);
  const name = kernelTargetOf(object, program);
  if (!name)
    throw new FormatError(`Section "${program.section}" does not say which ${naming.what} the program is for`, {
      where,
      remedy: `Write it after a slash: SEC("${def.sec.replace(/\+$/, '')}/<${naming.what}>").`,
    });
  if (!kernelBtf) throw new UnsupportedError(`To find ${naming.what} ${name}, the types of the kernel are needed`, { where });
  const id = findType(kernelBtf, naming.prefix + name, naming.kind);
  if (id !== undefined) return id;
  throw new UnsupportedError(`The kernel's BTF has no ${naming.what} ${name}`, {
    where,
    remedy: missing(kernelBtf, name, naming),
  });
}

/**
 * What a program of a section with `attachBtf` hooks into, in the kernel itself: `vfs_read` of `fentry/vfs_read` and of
 * `fentry/vmlinux:vfs_read`. As in libbpf, `vmlinux` may be cut short.
 * @throws {UnsupportedError} for a target in a module.
 */
export function kernelTargetOf(object: BpfObject, program: BpfFunction): string | undefined {
  const target = targetOf(program);
  const colon = target?.indexOf(':') ?? -1;
  if (target === undefined || colon < 0) return target;
  const module = target.slice(0, colon);
  if ('vmlinux'.startsWith(module)) return target.slice(colon + 1);
  throw new UnsupportedError(`Attach targets in modules (${target}) are not supported yet`, {
    where: { ...object.where, program: program.name, section: program.section },
    remedy: `If ${target.slice(colon + 1)} is in the kernel itself, leave out "${module}:".`,
  });
}

/** Only now, when nothing can be loaded anyway, is each of the kernel's tens of thousands of functions looked at. */
function missing(btf: Btf, name: string, naming: Naming): string {
  const similar = nearest(name, namesOf(btf, naming));
  const question = similar === undefined ? '' : `Did you mean "${similar}"? `;
  return naming === FUNCTION
    ? `${question}Functions that are inlined are not there, nor are those of modules, where tsbpf does not look yet.`
    : `${question}Those of modules are not found yet; others depend on the kernel's version and configuration.`;
}

function* namesOf(btf: Btf, { prefix, kind }: Naming): Generator<string> {
  for (const id of typesOf(btf, kind)) {
    const name = btf.name(id);
    if (name.startsWith(prefix)) yield name.slice(prefix.length);
  }
}
