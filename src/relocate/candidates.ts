// Which types of the kernel may a relocation's root mean? Those of the same kind and name, flavors aside.

import { type Btf, nameIndex, type TypeId } from '../btf/index.js';
import { sameKind } from './compatible.js';

export interface Candidate {
  readonly btf: Btf;
  readonly id: TypeId;
}

/**
 * Candidates of the kernel, and only if it has none, those of the modules' own types.
 * @param local Root of the relocation; typedefs are not followed, so a typedef finds only typedefs.
 * @returns     In the order of their ids.
 * @see libbpf bpf_core_find_cands, src/libbpf.c
 */
export function findCandidates(localBtf: Btf, local: TypeId, kernel: Btf, modules: readonly Btf[] = []): Candidate[] {
  const type = localBtf.type(local);
  if (!type.name || type.kind === 'VOID') return [];
  const among = (btf: Btf): Candidate[] =>
    nameIndex(btf)
      .essential(type.name)
      .filter((id) => sameKind(type, btf.type(id)))
      .map((id) => ({ btf, id }));
  const found = among(kernel);
  return found.length > 0 ? found : modules.flatMap(among);
}
