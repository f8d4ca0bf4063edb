// Finding types where the kernel keeps them: in its own BTF, and in those of its modules.

import { type Btf, type BtfKind, findOwnType, findType, type TypeId, typesOf } from '../btf/index.js';
import type { Step } from './step.js';
import { fdRefs } from './step.js';
import { stepIds } from './step-ids.js';

/** The types that a module adds to the kernel's: its split BTF, whose base is the kernel's. */
export interface ModuleBtf {
  readonly name: string;
  /** The kernel's number of it; undefined where this process may not ask for it. */
  readonly id: number | undefined;
  readonly btf: Btf;
}

export interface KernelTypes {
  readonly kernelBtf: Btf | undefined;
  readonly modules: readonly ModuleBtf[];
}

/** What to do where nothing is known of a kernel's types; a load of its own finds them. */
export const NEEDS_TYPES =
  'Give them with the other facts: describeFacts({ kernelBtf }). Those of a running kernel are in /sys/kernel/btf/vmlinux.';

export interface KernelType {
  readonly btf: Btf;
  readonly id: TypeId;
  /** Undefined for a type of the kernel itself. */
  readonly module?: string;
}

/**
 * The kernel's own types come first, then those of modules.
 * @see libbpf find_ksym_btf_id, src/libbpf.c
 */
export function findKernelType({ kernelBtf, modules }: KernelTypes, name: string, kind: BtfKind): KernelType | undefined {
  const id = kernelBtf && findType(kernelBtf, name, kind);
  if (kernelBtf && id !== undefined) return { btf: kernelBtf, id };
  return findInModules(modules, name, kind);
}

export function findInModules(modules: readonly ModuleBtf[], name: string, kind: BtfKind): KernelType | undefined {
  for (const { btf, name: module } of modules) {
    const id = findOwnType(btf, name, kind);
    if (id !== undefined) return { btf, id, module };
  }
  return undefined;
}

const kfuncs = new WeakMap<Btf, ReadonlySet<number>>();

/** Functions that this BTF marks as kernel functions for BPF programs; empty where it marks none (before 6.9 or so). */
export function markedKfuncs(btf: Btf): ReadonlySet<number> {
  const known = kfuncs.get(btf);
  if (known) return known;
  const found = new Set<number>();
  for (const id of typesOf(btf, 'DECL_TAG')) {
    if (btf.name(id) !== 'bpf_kfunc') continue;
    const type = btf.type(id);
    if (type.kind === 'DECL_TAG') found.add(type.type);
  }
  kfuncs.set(btf, found);
  return found;
}

/** Descriptors of the modules' types that other steps refer to. */
export function planModules({ modules }: KernelTypes, steps: readonly Step[]): Step[] {
  const needed = new Set(steps.flatMap((step) => [...fdRefs(step)].map(({ fd }) => fd)));
  return modules
    .filter(({ name }) => needed.has(stepIds.module(name)))
    .map(({ name, id }) => ({
      id: stepIds.module(name),
      why: `the types of module ${name}, where something that is referred to lives`,
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_BTF_GET_FD_BY_ID',
      attr: { btf_id: id ?? 0 },
    }));
}
