import type { BpfObject } from '../src/object/index.js';
import type { ModuleBtf } from '../src/plan/index.js';
import type { CoreTarget, Fixup } from '../src/relocate/index.js';

export interface Relocated {
  readonly object: BpfObject;
  readonly fixups: readonly Fixup[];
  readonly modules: readonly ModuleBtf[];
}
export function relocateUntil(object: BpfObject, target: CoreTarget | undefined, modules: readonly ModuleBtf[]): Relocated;
