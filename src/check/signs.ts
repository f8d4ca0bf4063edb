// Functions that are compiled only where an option is set: where one is among a kernel's types, that kernel was built with the option. That
// one is missing says nothing: old types leave functions out, and compilers make some inline.

import { type CheckedKernel, hasKind } from './kernel.js';

const SIGNS: Readonly<Record<string, string>> = {
  CONFIG_BPF_SYSCALL: 'bpf_check',
  CONFIG_BPF_JIT: 'bpf_jit_binary_alloc',
  CONFIG_BPF_EVENTS: 'bpf_get_trace_printk_proto',
  CONFIG_BPF_LSM: 'bpf_lsm_file_open',
  CONFIG_BPF_STREAM_PARSER: 'sk_psock_start_strp',
  CONFIG_CGROUPS: 'cgroup_get_from_fd',
  CONFIG_CGROUP_BPF: '__cgroup_bpf_run_filter_skb',
  CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS: 'register_ftrace_direct',
  CONFIG_FPROBE: 'register_fprobe_ips',
  CONFIG_FTRACE_SYSCALLS: 'syscall_get_enter_fields',
  CONFIG_FUNCTION_ERROR_INJECTION: 'within_error_injection_list',
  CONFIG_INET: 'tcp_v4_connect',
  CONFIG_KPROBE_EVENTS: 'create_local_trace_kprobe',
  CONFIG_LWTUNNEL_BPF: 'bpf_lwt_push_ip_encap',
  CONFIG_NET: '__dev_queue_xmit',
  CONFIG_NETKIT: 'netkit_prog_attach',
  CONFIG_NET_XGRESS: 'tcx_prog_attach',
  CONFIG_PERF_EVENTS: 'perf_event_create_kernel_counter',
  CONFIG_SOCK_CGROUP_DATA: 'cgroup_sk_alloc',
  CONFIG_SYN_COOKIES: '__cookie_v4_init_sequence',
  CONFIG_UPROBES: 'uprobe_register',
  CONFIG_UPROBE_EVENTS: 'create_local_trace_uprobe',
  CONFIG_XDP_SOCKETS: 'xp_alloc',
};
/** The options that types tell of, each with the function that does. */
export const SIGN_ROWS: readonly (readonly [setting: string, sign: string])[] = Object.entries(SIGNS);

/** Whether a kernel's types show that it was built with an option. */
export function showsSign(kernel: CheckedKernel, setting: string): boolean {
  const sign = SIGNS[setting];
  return sign !== undefined && hasKind({ ...kernel, modules: [] }, sign, 'FUNC');
}
