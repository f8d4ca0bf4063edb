// What a machine says of itself, as far as BPF depends on it.

import { HOOKS } from '../plan/index.js';

/** What was asked and answered, or the errno with which asking failed. */
export type Told<T> = { readonly value: T } | { readonly errno: string };

export const told = <T>(value: T): Told<T> => ({ value });
export const untold = (errno: string): { readonly errno: string } => ({ errno });
/** The answer; undefined when there is none. */
export const known = <T>(answer: Told<T> | undefined): T | undefined => (answer && 'value' in answer ? answer.value : undefined);

export const SYSCTLS = [
  'kernel.unprivileged_bpf_disabled',
  'kernel.perf_event_paranoid',
  'kernel.kptr_restrict',
  'kernel.bpf_stats_enabled',
  'net.core.bpf_jit_enable',
  'net.core.bpf_jit_harden',
  'net.core.bpf_jit_limit',
] as const;
export type Sysctl = (typeof SYSCTLS)[number];

export const FILE_SYSTEMS = ['sysfs', 'tracefs', 'bpf', 'cgroup2', 'debugfs', 'securityfs'] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

/** Its inode has a number of its own, on every kernel: PROC_USER_INIT_INO. */
export const FIRST_USER_NAMESPACE = 'user:[4026531837]';

/** Where it is mounted, with its options; else whether the kernel would mount it for this process. */
export type Mount =
  | { readonly at: string; readonly options: string }
  | { readonly at: undefined; readonly mountable: true | string };

/**
 * What came of asking for something. `asked`: it was not done, but the kernel knows how. `unknown`: it could not be asked, because
 * something was missing.
 */
export type Answer =
  | { readonly answer: 'yes' | 'asked' }
  | { readonly answer: 'no'; readonly errno: string; readonly call: string; readonly log: string }
  | { readonly answer: 'unknown'; readonly missing: string };

export interface HookOutcome {
  /** Of the row in HOOKS. */
  readonly hook: string;
  readonly part: string;
  readonly loads: Answer;
  /** Undefined where it was not tried. */
  readonly attaches?: Answer;
}

export interface DoctorFacts {
  readonly kernel: { readonly release: string; readonly version: number; readonly arch: string };
  readonly uid: number;
  readonly capabilities: { readonly effective: bigint; readonly permitted: bigint; readonly bounding: bigint };
  /** /proc/self/uid_map */
  readonly uidMap: Told<string>;
  /** /proc/self/ns/user: `user:[4026531837]`. */
  readonly userNamespace: Told<string>;
  readonly noNewPrivs: boolean;
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: number;
  /** What shows that this is a container. */
  readonly containerSigns: readonly string[];
  /** How bpf(2) and perf_event_open(2) refuse arguments that make no sense: EINVAL, unless something stands in between. */
  readonly calls: { readonly bpf: string; readonly perf_event_open: string };
  /** /sys/kernel/security/lockdown and lsm, wherever securityfs could be read. */
  readonly lockdown: Told<string>;
  readonly lsm: Told<string>;
  /** Loaded programs of the BPF LSM; undefined when they may not be listed. */
  readonly lsmPrograms: number | undefined;
  readonly sysctls: Readonly<Record<Sysctl, Told<string>>>;
  /** Soft RLIMIT_MEMLOCK in bytes. */
  readonly memlock: Told<number>;
  /** Whether BPF memory is charged to the memory cgroup instead. */
  readonly memcgAccount: boolean | undefined;
  /** Settings by name, and the file they are from. */
  readonly config: Told<{ readonly file: string; readonly settings: ReadonlyMap<string, string> }>;
  readonly btf: Told<{ readonly file: string; readonly types: number }>;
  readonly modules: { readonly loaded: number; readonly withBtf: number };
  readonly mounts: Readonly<Record<FileSystem, Mount>>;
  readonly hooks: readonly HookOutcome[];
}

const ALL_CAPABILITIES = (1n << 41n) - 1n;

/**
 * Facts of a machine that is not at hand; what is not given is as for root on a recent kernel that has everything.
 * @example diagnose(describeMachine({ uid: 1000, capabilities: { effective: 0n, permitted: 0n, bounding: 0n } }))
 */
export const describeMachine = (facts: Partial<DoctorFacts> = {}): DoctorFacts => ({
  kernel: { release: '7.2.0', version: (7 << 16) + (2 << 8), arch: 'x64' },
  uid: 0,
  capabilities: { effective: ALL_CAPABILITIES, permitted: ALL_CAPABILITIES, bounding: ALL_CAPABILITIES },
  uidMap: told('         0          0 4294967295'),
  userNamespace: told(FIRST_USER_NAMESPACE),
  noNewPrivs: false,
  seccomp: 0,
  containerSigns: [],
  calls: { bpf: 'EINVAL', perf_event_open: 'EINVAL' },
  lockdown: told('[none] integrity confidentiality'),
  lsm: told('capability,landlock,yama,bpf'),
  lsmPrograms: 0,
  sysctls: {
    'kernel.unprivileged_bpf_disabled': told('2'),
    'kernel.perf_event_paranoid': told('2'),
    'kernel.kptr_restrict': told('0'),
    'kernel.bpf_stats_enabled': told('0'),
    'net.core.bpf_jit_enable': told('1'),
    'net.core.bpf_jit_harden': told('0'),
    'net.core.bpf_jit_limit': told('528482304'),
  },
  memlock: told(8 << 20),
  memcgAccount: true,
  config: untold('ENOENT'),
  btf: told({ file: '/sys/kernel/btf/vmlinux', types: 120_000 }),
  modules: { loaded: 0, withBtf: 0 },
  mounts: {
    sysfs: { at: '/sys', options: 'rw' },
    tracefs: { at: '/sys/kernel/tracing', options: 'rw' },
    bpf: { at: '/sys/fs/bpf', options: 'rw' },
    cgroup2: { at: '/sys/fs/cgroup', options: 'rw' },
    debugfs: { at: '/sys/kernel/debug', options: 'rw' },
    securityfs: { at: '/sys/kernel/security', options: 'rw' },
  },
  hooks: describeHooks(() => ({ answer: 'yes' })),
  ...facts,
});

/** An outcome for every part of every hook. */
export const describeHooks = (loads: (hook: string, part: string) => Answer): HookOutcome[] =>
  HOOKS.flatMap(({ id, parts }) => parts.map(({ name }) => ({ hook: id, part: name, loads: loads(id, name) })));
