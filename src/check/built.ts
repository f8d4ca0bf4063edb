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

/** The setting that a kernel was built without, so that it lacks a helper that it has a number for. */
export function helperBuiltWithout(kernel: CheckedKernel, name: string): string | undefined {
  const setting = HELPERS[name as BpfFunc];
  if (setting === undefined || !hasKind(kernel, HELPERS_HAVE_TYPES, 'FUNC')) return undefined;
  return hasKind(kernel, name.replace('BPF_FUNC_', 'bpf_'), 'FUNC') ? undefined : setting;
}

/** The same for a program type. */
export function programTypeBuiltWithout(kernel: CheckedKernel, type: BpfProgType): string | undefined {
  const found = PROGRAMS[type];
  return found === undefined || !hasKind(kernel, HELPERS_HAVE_TYPES, 'FUNC') || hasKind(kernel, found.witness, 'FUNC')
    ? undefined
    : found.needs;
}
