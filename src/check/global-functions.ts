// Global functions: before Linux 6.8 the verifier looks at each by itself, also where no program gets to its call. So a test before the
// call guards nothing that is in it.

import { typesOf } from '../btf/index.js';
import type { CoreExplanation } from '../errors.js';
import type { BpfObject, LinkedProgram } from '../object/index.js';
import { type KernelFacts, reachOf, versionCode, type WithFds } from '../plan/index.js';
import type { Fixup } from '../relocate/index.js';
import { BTF_FUNC_GLOBAL } from '../uapi/btf.js';
import { BPF_INSN_SZ } from '../uapi/insn.js';

/** Kernels of no known version (0) are taken for newer ones. */
export const verifiesEach = ({ kernelVersion }: Pick<KernelFacts, 'kernelVersion'>): boolean =>
  kernelVersion > 0 && kernelVersion < versionCode('6.8');

/** Slots that are reached from the beginning of a global function that the program calls. */
export function reachedByThemselves(
  { btf }: BpfObject,
  { functions }: LinkedProgram,
  insns: WithFds,
  frozen: ReadonlyMap<string, Uint8Array>,
): Set<number> {
  const reached = new Set<number>();
  if (!btf) return reached;
  const globals = new Set<string>();
  for (const id of typesOf(btf, 'FUNC')) {
    const type = btf.type(id);
    if (type.kind === 'FUNC' && type.linkage === BTF_FUNC_GLOBAL) globals.add(type.name);
  }
  for (const { name, start } of functions.slice(1)) {
    if (!globals.has(name)) continue;
    const found = reachOf(from(insns, start), frozen)?.reached ?? [];
    for (const [slot, isReached] of found.entries()) if (isReached) reached.add(start + slot);
  }
  return reached;
}

function from({ bytes, fds }: WithFds, slot: number): WithFds {
  const start = slot * BPF_INSN_SZ;
  return {
    bytes: bytes.subarray(start),
    fds: fds.flatMap((patch) => (patch.at < start ? [] : [{ ...patch, at: patch.at - start }])),
  };
}

/** Explanations of relocations that are guarded only by what stands before a call of such a function. */
export function unguarded(
  explanations: ReadonlyMap<Fixup, CoreExplanation>,
  { functions }: LinkedProgram,
  reached: ReadonlySet<number>,
): Map<Fixup, CoreExplanation> {
  const starts = new Map(functions.map(({ name, start }) => [name, start]));
  return new Map(
    [...explanations].map(([fixup, explanation]) => {
      const slot = (starts.get(fixup.program) ?? 0) + fixup.insn;
      return [fixup, explanation.guarded && reached.has(slot) ? { ...explanation, guarded: false } : explanation];
    }),
  );
}
