// What an enum names although a kernel may be built without it. Where it is, a function of its own is among the types.

import type { BpfFunc, BpfProgType } from '../uapi/enums.js';
import { type CheckedKernel, hasKind } from './kernel.js';

const HELPERS: Readonly<Partial<Record<BpfFunc, string>>> = {
  BPF_FUNC_override_return: 'CONFIG_BPF_KPROBE_OVERRIDE',
  BPF_FUNC_rc_repeat: 'CONFIG_BPF_LIRC_MODE2',
  BPF_FUNC_rc_keydown: 'CONFIG_BPF_LIRC_MODE2',
  BPF_FUNC_rc_pointer_rel: 'CONFIG_BPF_LIRC_MODE2',
  BPF_FUNC_lwt_seg6_store_bytes: 'CONFIG_IPV6_SEG6_BPF',
  BPF_FUNC_lwt_seg6_action: 'CONFIG_IPV6_SEG6_BPF',
  BPF_FUNC_lwt_seg6_adjust_srh: 'CONFIG_IPV6_SEG6_BPF',
  BPF_FUNC_skb_get_xfrm_state: 'CONFIG_XFRM',
};

const PROGRAMS: Readonly<Partial<Record<BpfProgType, { readonly needs: string; readonly witness: string }>>> = {
  BPF_PROG_TYPE_LIRC_MODE2: { needs: 'CONFIG_BPF_LIRC_MODE2', witness: 'lirc_prog_attach' },
  BPF_PROG_TYPE_NETFILTER: { needs: 'CONFIG_NETFILTER_BPF_LINK', witness: 'bpf_nf_link_attach' },
};

/** Types of the functions that helpers are: old pahole left those out that cannot be traced, and then nothing follows. */
const HELPERS_HAVE_TYPES = 'bpf_send_signal';

/** A setting that a kernel was built without; or that nothing tells of. */
export interface Unbuilt {
  readonly setting: string;
  readonly verdict: 'red' | 'unknown';
}

/** Why a kernel may lack a helper that it has a number for; undefined where it has it. */
export function helperUnbuilt(kernel: CheckedKernel, name: string): Unbuilt | undefined {
  const setting = HELPERS[name as BpfFunc];
  return setting === undefined ? undefined : unbuilt(kernel, setting, name.replace('BPF_FUNC_', 'bpf_'));
}

/** The same for a program type. */
export function programTypeUnbuilt(kernel: CheckedKernel, type: BpfProgType): Unbuilt | undefined {
  const found = PROGRAMS[type];
  return found && unbuilt(kernel, found.needs, found.witness);
}

function unbuilt(kernel: CheckedKernel, setting: string, witness: string): Unbuilt | undefined {
  if (hasKind(kernel, witness, 'FUNC')) return undefined;
  return { setting, verdict: hasKind(kernel, HELPERS_HAVE_TYPES, 'FUNC') ? 'red' : 'unknown' };
}
