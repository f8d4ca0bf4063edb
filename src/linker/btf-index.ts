// From the name of a symbol to its type.

import type { Btf, TypeId } from '../btf/index.js';
import { BTF_FUNC_STATIC, BTF_VAR_STATIC } from '../uapi/btf.js';

export interface FoundType {
  /** A VAR or FUNC. */
  readonly type: TypeId;
  /** The data section that lists it. */
  readonly datasec: TypeId | undefined;
}

/** Whether a type is a variable or a function that other files may refer to. */
export function isShared(btf: Btf, id: TypeId): boolean {
  const kind = btf.kind(id);
  if (kind !== 'VAR' && kind !== 'FUNC') return false;
  const type = btf.type(id);
  return (type.kind === 'VAR' && type.linkage !== BTF_VAR_STATIC) || (type.kind === 'FUNC' && type.linkage !== BTF_FUNC_STATIC);
}

/**
 * Variables and functions by name. One that a data section lists is better than one that none does.
 * @see libbpf find_glob_sym_btf, src/linker.c
 */
export function btfTypeIndex(btf: Btf | undefined): (name: string) => FoundType | 'ambiguous' | undefined {
  const free = new Map<string, TypeId>();
  const listed = new Map<string, FoundType | 'ambiguous'>();
  for (let id = 1; btf && id < btf.length; id++) {
    const kind = btf.kind(id);
    if (isShared(btf, id)) free.set(btf.name(id), id);
    if (kind !== 'DATASEC') continue;
    const datasec = btf.type(id);
    if (datasec.kind !== 'DATASEC') continue;
    for (const { type } of datasec.vars) {
      if (!isShared(btf, type)) continue;
      const name = btf.name(type);
      if (listed.has(name)) continue;
      const other = free.get(name);
      listed.set(name, other !== undefined && other !== type ? 'ambiguous' : { type, datasec: id });
    }
  }
  return (name) => {
    const type = free.get(name);
    return listed.get(name) ?? (type === undefined ? undefined : { type, datasec: undefined });
  };
}
