// The configuration of this system, as far as BPF depends on it: sysctls, and settings that the kernel was built with.

import { BpfError } from '../errors.js';
import { kernelConfig, read } from '../syscall/index.js';

/**
 * Sysctls as numbers, -1 where they cannot be read; settings of the kernel as text, null where they are not set. Of a kernel whose
 * configuration is not to be found, settings are absent.
 */
export type SystemConfig = Readonly<Record<string, number | string | null>>;

interface Sysctl {
  readonly key: string;
  readonly file: string;
  /** Words for each value, and for one that cannot be read; a text with % takes any other. */
  readonly words: Readonly<Record<string, string>>;
}

export const SYSCTLS: readonly Sysctl[] = [
  {
    key: 'unprivileged_bpf_disabled',
    file: 'kernel/unprivileged_bpf_disabled',
    words: {
      0: 'bpf() syscall for unprivileged users is enabled',
      1: 'bpf() syscall restricted to privileged users (without recovery)',
      2: 'bpf() syscall restricted to privileged users (admin can change)',
      '-1': 'Unable to retrieve required privileges for bpf() syscall',
      '%': 'bpf() syscall restriction has unknown value %',
    },
  },
  {
    key: 'bpf_jit_enable',
    file: 'net/core/bpf_jit_enable',
    words: {
      0: 'JIT compiler is disabled',
      1: 'JIT compiler is enabled',
      2: 'JIT compiler is enabled with debugging traces in kernel logs',
      '-1': 'Unable to retrieve JIT-compiler status',
      '%': 'JIT-compiler status has unknown value %',
    },
  },
  {
    key: 'bpf_jit_harden',
    file: 'net/core/bpf_jit_harden',
    words: {
      0: 'JIT compiler hardening is disabled',
      1: 'JIT compiler hardening is enabled for unprivileged users',
      2: 'JIT compiler hardening is enabled for all users',
      '-1': 'Unable to retrieve JIT hardening status',
      '%': 'JIT hardening status has unknown value %',
    },
  },
  {
    key: 'bpf_jit_kallsyms',
    file: 'net/core/bpf_jit_kallsyms',
    words: {
      0: 'JIT compiler kallsyms exports are disabled',
      1: 'JIT compiler kallsyms exports are enabled for root',
      '-1': 'Unable to retrieve JIT kallsyms export status',
      '%': 'JIT kallsyms exports status has unknown value %',
    },
  },
  {
    key: 'bpf_jit_limit',
    file: 'net/core/bpf_jit_limit',
    words: {
      '-1': 'Unable to retrieve global memory limit for JIT compiler for unprivileged users',
      '%': 'Global memory limit for JIT compiler for unprivileged users is % bytes',
    },
  },
];

/** Settings of the kernel that bpftool lists, in its order. */
export const SETTINGS =
  `BPF BPF_SYSCALL HAVE_EBPF_JIT BPF_JIT BPF_JIT_ALWAYS_ON DEBUG_INFO_BTF DEBUG_INFO_BTF_MODULES CGROUPS CGROUP_BPF
CGROUP_NET_CLASSID SOCK_CGROUP_DATA BPF_EVENTS KPROBE_EVENTS UPROBE_EVENTS TRACING FTRACE_SYSCALLS FUNCTION_ERROR_INJECTION
BPF_KPROBE_OVERRIDE NET XDP_SOCKETS LWTUNNEL_BPF NET_ACT_BPF NET_CLS_BPF NET_CLS_ACT NET_SCH_INGRESS XFRM IP_ROUTE_CLASSID
IPV6_SEG6_BPF BPF_LIRC_MODE2 BPF_STREAM_PARSER NETFILTER_XT_MATCH_BPF BPFILTER BPFILTER_UMH TEST_BPF HZ`
    .split(/\s/)
    .map((name) => `CONFIG_${name}`);

export function systemConfig(): SystemConfig {
  const config = settings();
  return {
    ...Object.fromEntries(SYSCTLS.map(({ key, file }) => [key, sysctl(file)])),
    ...(config && Object.fromEntries(SETTINGS.map((name) => [name, config.get(name) ?? null]))),
  };
}

function sysctl(name: string): number {
  const text = readable(() => new TextDecoder().decode(read(`/proc/sys/${name}`)));
  return text !== undefined && /^-?\d+\s*$/.test(text) ? Number(text) : -1;
}

function settings(): ReadonlyMap<string, string> | undefined {
  const text = readable(() => kernelConfig().text);
  if (text === undefined) return undefined;
  return new Map([...text.matchAll(/^(CONFIG_\w+)=(.+)$/gm)].map(([, name, value]) => [name as string, value as string]));
}

function readable<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}
