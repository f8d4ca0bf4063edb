// Machines that are not at hand, described.

import {
  type Answer,
  type DoctorFacts,
  describeHooks,
  describeMachine,
  type Mount,
  told,
  untold,
} from '../../src/doctor/index.js';
import { HOOKS } from '../../src/plan/index.js';
import { type Capability, capabilityBit } from '../../src/uapi/capability.js';

const yes: Answer = { answer: 'yes' };
const load = (errno: string, log = ''): Answer => ({ answer: 'no', errno, call: 'bpf(BPF_PROG_LOAD)', log });
const nowhere = (mountable: true | string): Mount => ({ at: undefined, mountable });
const noMounts = (mountable: true | string): DoctorFacts['mounts'] => ({
  sysfs: { at: '/sys', options: 'ro' },
  tracefs: nowhere(mountable),
  bpf: nowhere(mountable),
  cgroup2: nowhere(mountable),
  debugfs: nowhere(mountable),
  securityfs: nowhere(mountable),
});
const caps = (...names: Capability[]): bigint => names.reduce((set, name) => set | capabilityBit(name), 0n);
const allCaps = describeMachine().capabilities.effective;
const version = (major: number, minor: number): DoctorFacts['kernel'] => ({
  release: `${major}.${minor}.0`,
  version: (major << 16) + (minor << 8),
  arch: 'x64',
});
const sysctls = (changes: Partial<DoctorFacts['sysctls']>): DoctorFacts['sysctls'] => ({
  ...describeMachine().sysctls,
  ...changes,
});

const SETTINGS =
  `BPF_SYSCALL BPF_JIT BPF_EVENTS KPROBES KPROBE_EVENTS UPROBES UPROBE_EVENTS FTRACE FTRACE_SYSCALLS FUNCTION_TRACER
DYNAMIC_FTRACE_WITH_DIRECT_CALLS FPROBE BPF_LSM DEBUG_INFO_BTF DEBUG_INFO_BTF_MODULES CGROUP_BPF NET_CLS_BPF XDP_SOCKETS NETKIT
NETFILTER_BPF_LINK BPF_STREAM_PARSER LWTUNNEL_BPF IPV6_SEG6_BPF TRACEPOINTS PERF_EVENTS NET INET NET_CLS_ACT NET_XGRESS NET_SOCK_MSG
BPF_LIRC_MODE2`
    .split(/\s/)
    .map((name) => `CONFIG_${name}`);
const config = (...without: string[]): DoctorFacts['config'] =>
  told({
    file: '/boot/config',
    settings: new Map(SETTINGS.filter((name) => !without.includes(name)).map((name) => [name, 'y'])),
  });

/** Hooks that a kernel is too old for are refused with EINVAL. */
const hooksOf = ({ version: running }: DoctorFacts['kernel']): DoctorFacts['hooks'] => {
  const code = (text: string) => {
    const [major = 0, minor = 0] = text.split('.').map(Number);
    return (major << 16) + (minor << 8);
  };
  const since = new Map(HOOKS.flatMap((hook) => hook.parts.map((part) => [part.name, part.since ?? hook.since] as const)));
  return describeHooks((_, part) => (code(since.get(part) ?? '0') > running ? load('EINVAL') : yes));
};

/** By name; each has a golden file of that name. */
export const MACHINES: Readonly<Record<string, DoctorFacts>> = {
  'everything is there': describeMachine({ config: config() }),
  'a container as docker starts it': describeMachine({
    capabilities: { effective: 0xa80425fbn, permitted: 0xa80425fbn, bounding: 0xa80425fbn },
    seccomp: 2,
    containerSigns: ['/.dockerenv', 'a pid namespace of its own'],
    calls: { bpf: 'EPERM', perf_event_open: 'EPERM' },
    lockdown: untold('EPERM'),
    lsm: untold('EPERM'),
    lsmPrograms: undefined,
    memcgAccount: undefined,
    mounts: { ...noMounts('EPERM'), cgroup2: { at: '/sys/fs/cgroup', options: 'ro' } },
    hooks: describeHooks(() => load('EPERM')),
  }),
  'a container with the capabilities, and a seccomp filter': describeMachine({
    seccomp: 2,
    containerSigns: ['/.dockerenv'],
    calls: { bpf: 'EPERM', perf_event_open: 'EPERM' },
    memcgAccount: undefined,
    mounts: noMounts(true),
    hooks: describeHooks(() => load('EPERM')),
  }),
  'a privileged container': describeMachine({ containerSigns: ['/run/.containerenv'], mounts: noMounts(true) }),
  'a user without rights': describeMachine({
    uid: 1000,
    capabilities: { effective: 0n, permitted: 0n, bounding: allCaps },
    memcgAccount: undefined,
    sysctls: sysctls({ 'kernel.perf_event_paranoid': told('3'), 'net.core.bpf_jit_harden': untold('EACCES') }),
    hooks: describeHooks(() => load('EPERM')),
  }),
  'a user with CAP_BPF alone': describeMachine({
    uid: 1000,
    capabilities: { effective: caps('CAP_BPF'), permitted: caps('CAP_BPF'), bounding: allCaps },
    hooks: describeHooks((hook) => (['socket', 'sk_reuseport'].includes(hook) ? yes : load('EPERM'))),
  }),
  'root of a user namespace': describeMachine({
    uidMap: told('         0       1000          1'),
    userNamespace: told('user:[4026532177]'),
    memcgAccount: undefined,
    lockdown: untold('EPERM'),
    lsm: untold('EPERM'),
    mounts: { ...noMounts('EPERM'), bpf: { at: '/sys/fs/bpf', options: 'rw' } },
    hooks: describeHooks(() => load('EPERM')),
  }),
  'root of a user namespace, with a token to be had': describeMachine({
    uidMap: told('         0     100000      65536'),
    userNamespace: told('user:[4026532177]'),
    mounts: {
      ...noMounts('EPERM'),
      bpf: { at: '/sys/fs/bpf', options: 'rw,delegate_cmds=any,delegate_maps=any,delegate_progs=any' },
    },
    hooks: describeHooks(() => load('EPERM')),
  }),
  'root of a user namespace that maps all ids to themselves': describeMachine({
    userNamespace: told('user:[4026532177]'),
    lockdown: untold('EPERM'),
    lsm: untold('EPERM'),
    mounts: noMounts('EPERM'),
    hooks: describeHooks(() => load('EPERM')),
  }),
  'a user without rights, who may gain none, behind a seccomp filter': describeMachine({
    kernel: version(6, 1),
    uid: 1000,
    capabilities: { effective: 0n, permitted: 0n, bounding: allCaps },
    noNewPrivs: true,
    seccomp: 2,
    calls: { bpf: 'EPERM', perf_event_open: 'EINVAL' },
    memcgAccount: undefined,
    hooks: describeHooks(() => load('EPERM')),
  }),
  'a container that may do all but network hooks and CAP_SYS_ADMIN, without sysfs': describeMachine({
    capabilities: (({ effective }) => ({ effective, permitted: effective, bounding: effective }))({
      effective: allCaps & ~caps('CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH'),
    }),
    config: config(),
    btf: untold('ENOENT'),
    mounts: { ...noMounts('EPERM'), sysfs: nowhere('EPERM') },
    hooks: describeHooks((hook) => (hook === 'xdp' ? load('EPERM') : hook === 'socket' ? load('EINVAL') : yes)).map((outcome) =>
      outcome.hook === 'uprobe'
        ? { ...outcome, attaches: { answer: 'no', errno: 'EACCES', call: 'perf_event_open', log: '' } }
        : outcome,
    ),
  }),
  'lockdown at confidentiality': describeMachine({
    lockdown: told('none integrity [confidentiality]'),
    mounts: { ...noMounts(true), tracefs: nowhere('EPERM') },
    hooks: describeHooks(() => yes).map((outcome) =>
      outcome.hook === 'kprobe'
        ? { ...outcome, attaches: { answer: 'no', errno: 'EPERM', call: 'perf_event_open', log: '' } }
        : outcome.hook === 'tracepoint'
          ? { ...outcome, attaches: { answer: 'unknown', missing: 'the id of a tracepoint, which is in tracefs' } }
          : outcome,
    ),
  }),
  'a kernel that refuses what changes its code': describeMachine({
    kernel: version(6, 18),
    lockdown: told('none [integrity] confidentiality'),
    lsm: told('lockdown,capability,landlock,bpf'),
    config: config('CONFIG_KPROBES', 'CONFIG_KPROBE_EVENTS', 'CONFIG_FPROBE', 'CONFIG_NETKIT'),
    mounts: noMounts(true),
    hooks: describeHooks((hook) => (['fentry', 'freplace', 'lsm', 'lsm_cgroup'].includes(hook) ? load('EPERM') : yes)),
  }),
  'the same, and nothing is told': describeMachine({
    lockdown: untold('EPERM'),
    lsm: untold('EPERM'),
    lsmPrograms: undefined,
    hooks: describeHooks((hook) => (['fentry', 'lsm'].includes(hook) ? load('EPERM') : yes)),
  }),
  'a security module with a policy': describeMachine({
    lsm: told('lockdown,capability,selinux,bpf'),
    lsmPrograms: 2,
    calls: { bpf: 'EACCES', perf_event_open: 'EINVAL' },
    hooks: describeHooks(() => load('EPERM')),
  }),
  'no BTF': describeMachine({
    kernel: version(5, 15),
    btf: untold('ENOENT'),
    config: config('CONFIG_DEBUG_INFO_BTF', 'CONFIG_DEBUG_INFO_BTF_MODULES'),
    hooks: hooksOf(version(5, 15)).map((outcome) =>
      ['tp_btf', 'fentry', 'lsm', 'iter', 'struct_ops'].includes(outcome.hook)
        ? { ...outcome, loads: { answer: 'unknown', missing: "the kernel's BTF" } }
        : outcome,
    ),
  }),
  'Linux 5.10 without the BPF LSM, little memory to lock': describeMachine({
    kernel: version(5, 10),
    capabilities: { effective: allCaps & ~caps('CAP_SYS_RESOURCE'), permitted: allCaps, bounding: allCaps },
    lsm: told('lockdown,capability,yama,apparmor,tomoyo'),
    memlock: told(64 << 10),
    memcgAccount: false,
    config: config('CONFIG_FPROBE', 'CONFIG_NETKIT', 'CONFIG_NETFILTER_BPF_LINK', 'CONFIG_DEBUG_INFO_BTF_MODULES'),
    modules: { loaded: 7, withBtf: 0 },
    hooks: hooksOf(version(5, 10)),
  }),
  'Linux 4.15': describeMachine({
    kernel: version(4, 15),
    lockdown: untold('ENOENT'),
    btf: untold('ENOENT'),
    memcgAccount: false,
    memlock: told(Number.POSITIVE_INFINITY),
    mounts: { ...noMounts('ENOSYS'), tracefs: { at: '/sys/kernel/tracing', options: 'rw' } },
    hooks: hooksOf(version(4, 15)),
  }),
  'no bpf(2) at all': describeMachine({
    calls: { bpf: 'ENOSYS', perf_event_open: 'ENOSYS' },
    config: config('CONFIG_BPF_SYSCALL', 'CONFIG_BPF_EVENTS'),
    sysctls: sysctls({ 'kernel.unprivileged_bpf_disabled': untold('ENOENT') }),
    hooks: describeHooks(() => load('ENOSYS')),
  }),
  'the JIT compiler is off, symbols are hidden': describeMachine({
    sysctls: sysctls({
      'net.core.bpf_jit_enable': told('0'),
      'net.core.bpf_jit_harden': told('2'),
      'kernel.kptr_restrict': told('2'),
      'kernel.unprivileged_bpf_disabled': told('0'),
      'kernel.bpf_stats_enabled': told('1'),
    }),
    hooks: describeHooks((hook) => (hook === 'fentry' ? load('ENOTSUPP') : yes)),
  }),
};
