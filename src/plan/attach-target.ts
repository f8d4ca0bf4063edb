// Programs that hook into a function or tracepoint by its type: `fentry/vfs_read` -> the id of that function in the kernel's BTF.

import { type Btf, type BtfKind, findType, type TypeId, typesOf } from '../btf/index.js';
import { nearest } from '../bytes/index.js';
import { FormatError, UnsupportedError, UsageError, type Where } from '../errors.js';
import type { BpfFunction, BpfObject, SecDef } from '../object/index.js';
import type { BpfAttachType } from '../uapi/enums.js';
import type { KernelFacts } from './facts.js';
import { findInModules, findKernelType, type KernelType, type KernelTypes, NEEDS_TYPES } from './kernel-types.js';
import { targetOf } from './section-target.js';

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

/** A type that a program is verified against. */
export interface AttachTarget {
  readonly id: TypeId;
  /** The module whose types it is of; undefined for the kernel itself. */
  readonly module?: string;
  /** The program whose types it is of. */
  readonly program?: number;
}

/**
 * What goes to the kernel as attach_btf_id and attach_btf_obj_fd, for a program whose section has `attachBtf`.
 * @throws {FormatError} when its section names no target; {UnsupportedError} when neither the kernel's BTF nor that of a module has
 *         it, naming a similar one.
 * @see libbpf find_kernel_btf_id, src/libbpf.c
 */
export function attachTarget(
  object: BpfObject,
  program: BpfFunction,
  def: SecDef,
  facts: KernelTypes & Pick<KernelFacts, 'programBtfs'>,
): AttachTarget {
  const where = { ...object.where, program: program.name, section: program.section };
  if (program.targetProgram) return inProgram(program, program.targetProgram, facts.programBtfs, where);
  if (def.type === 'BPF_PROG_TYPE_EXT')
    throw new UsageError(`${program.name} replaces a function of another program, and nobody said which program`, {
      where,
      remedy: `Before loading: object.program('${program.name}').attachTo(fd, 'function'), with the descriptor of a loaded program.`,
    });
  const naming = namingOf(def);
  const target = kernelTargetOf(program);
  if (!target?.name)
    throw new FormatError(`Section "${program.section}" does not say which ${naming.what} the program is for`, {
      where,
      remedy: `Write it after a slash: SEC("${def.sec.replace(/\+$/, '')}/<${naming.what}>").`,
    });
  const { name, module } = target;
  if (!facts.kernelBtf)
    throw new UnsupportedError(`To find ${naming.what} ${name}, the types of the kernel are needed`, {
      where,
      remedy: NEEDS_TYPES,
    });
  const found = find(facts, naming.prefix + name, naming.kind, module);
  if (found) return { id: found.id, ...(found.module !== undefined && { module: found.module }) };
  throw new UnsupportedError(`${module ? `Module ${module}` : "The kernel's BTF"} has no ${naming.what} ${name}`, {
    where,
    remedy: missing(facts, name, naming, module),
  });
}

/** @see libbpf libbpf_find_prog_btf_id, src/libbpf.c */
function inProgram(
  program: BpfFunction,
  { fd, name = kernelTargetOf(program)?.name }: NonNullable<BpfFunction['targetProgram']>,
  btfs: KernelFacts['programBtfs'],
  where: Where,
): AttachTarget {
  if (!name)
    throw new UsageError(`${program.name} hooks into another program, and nobody said into which function`, {
      where,
      remedy: `Say so: object.program('${program.name}').attachTo(fd, 'function'), or write the function behind the slash of its SEC().`,
    });
  const btf = btfs.get(fd);
  if (!btf)
    throw new UnsupportedError(`The program that ${program.name} is for has no types`, {
      where,
      remedy: 'Compile it with clang -g, so that its functions can be found.',
    });
  const id = findType(btf, name, 'FUNC');
  if (id !== undefined) return { id, program: fd };
  const similar = nearest(name, namesOf(btf, FUNCTION));
  throw new UnsupportedError(`The program that ${program.name} is for has no function ${name}`, {
    where,
    remedy: similar ? `Did you mean "${similar}"?` : 'Functions that the compiler made inline are not there: mark it __noinline.',
  });
}

/** As in libbpf, names of modules may be cut short. */
function find(facts: KernelTypes, name: string, kind: BtfKind, module: string | undefined): KernelType | undefined {
  if (module === undefined) return findKernelType(facts, name, kind);
  const inKernel = 'vmlinux'.startsWith(module) ? findKernelType({ ...facts, modules: [] }, name, kind) : undefined;
  return (
    inKernel ??
    findInModules(
      facts.modules.filter((candidate) => candidate.name.startsWith(module)),
      name,
      kind,
    )
  );
}

/**
 * What a program of a section with `attachBtf` hooks into: `vfs_read` of `fentry/vfs_read`, and of `fentry/xfs:xfs_file_open` also
 * the module.
 */
export function kernelTargetOf(
  program: Pick<BpfFunction, 'section'>,
): { readonly name: string; readonly module: string | undefined } | undefined {
  const target = targetOf(program);
  if (target === undefined) return undefined;
  const colon = target.indexOf(':');
  return { name: target.slice(colon + 1), module: colon < 0 ? undefined : target.slice(0, colon) };
}

/** The kernel's name of what a program hooks into, and the kind of type that has it. */
export function targetType(program: BpfFunction): { readonly name: string; readonly kind: BtfKind } | undefined {
  const naming = program.def?.attachBtf && namingOf(program.def);
  const target = kernelTargetOf(program);
  return naming && target ? { name: naming.prefix + target.name, kind: naming.kind } : undefined;
}

/** Only now, when nothing can be loaded anyway, is each of the kernel's tens of thousands of functions looked at. */
function missing({ kernelBtf, modules }: KernelTypes, name: string, naming: Naming, module: string | undefined): string {
  const loaded = modules.filter((candidate) => module !== undefined && candidate.name.startsWith(module));
  if (module !== undefined && !'vmlinux'.startsWith(module) && loaded.length === 0)
    return `No module of that name with BTF is loaded: modprobe ${module}.`;
  const places = module === undefined ? [kernelBtf, ...modules.map(({ btf }) => btf)] : loaded.map(({ btf }) => btf);
  const similar = nearest(
    name,
    places.flatMap((btf) => (btf ? [...namesOf(btf, naming)] : [])),
  );
  const question = similar === undefined ? '' : `Did you mean "${similar}"? `;
  return naming === FUNCTION
    ? `${question}Functions that are inlined are not there, nor are those of modules that are not loaded.`
    : `${question}Some are in modules that must be loaded; others depend on the kernel's version and configuration.`;
}

function* namesOf(btf: Btf, { prefix, kind }: Naming): Generator<string> {
  for (const id of typesOf(btf, kind)) {
    const name = btf.name(id);
    if (name.startsWith(prefix)) yield name.slice(prefix.length);
  }
}
