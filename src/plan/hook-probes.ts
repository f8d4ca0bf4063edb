// What probes a hook: the steps that load a program which does nothing, and those that attach it.

import { type Btf, findType } from '../btf/index.js';
import { BPF_ATTACH_TYPE } from '../uapi/enums.js';
import type { HookPart, HookTargets, Prepared } from './hook-attach.js';
import { EXIT, probeProgram, R0_IS_0, R0_IS_1 } from './probe-program.js';
import type { Attr } from './step.js';

/** What loads the program of a part. */
export function loadOf(part: HookPart, { btf }: HookTargets): Prepared {
  const found = targetOfPart(part, btf);
  if ('missing' in found) return found;
  const attr: Attr = {
    ...(part.attachType && { expected_attach_type: BPF_ATTACH_TYPE[part.attachType] }),
    ...(part.flags && { prog_flags: part.flags }),
    ...(part.type === 'BPF_PROG_TYPE_EXT' && { attach_btf_id: 1 }),
    ...found.attr,
  };
  return { steps: [probeProgram(part.type, (part.returns ? R0_IS_1 : R0_IS_0) + EXIT, attr)] };
}

/** What attaches it, after `loadOf`. */
export function attachOf(part: HookPart, targets: HookTargets): Prepared | undefined {
  const attached = part.attach?.steps(targets, part);
  if (!attached || 'missing' in attached) return attached;
  const loaded = loadOf(part, targets);
  return 'missing' in loaded ? loaded : { steps: [...loaded.steps, ...attached.steps] };
}

function targetOfPart({ target }: HookPart, btf: Btf | undefined): { attr: Attr } | { missing: string } {
  if (!target) return { attr: {} };
  if (!btf) return { missing: "the kernel's BTF" };
  const id = findType(btf, target.name, target.kind);
  if (id === undefined) return { missing: `${target.name} in the kernel's BTF` };
  if (target.member === undefined) return { attr: { attach_btf_id: id } };
  const type = btf.type(id);
  const member = type.kind === 'STRUCT' ? type.members.findIndex(({ name }) => name === target.member) : -1;
  if (member < 0) return { missing: `${target.name}.${target.member} in the kernel's BTF` };
  return { attr: { attach_btf_id: id, expected_attach_type: member } };
}
