// Why a hook is refused: the first row that explains it. Facts are combined, so that a bare EPERM gets a cause.

import type { Hook } from '../plan/index.js';
import { type Capability, capabilityBit, capabilityNames, hasCapability } from '../uapi/capability.js';
import { type DoctorFacts, known } from './facts.js';
import { holds, isFirstUserNamespace, isOlder, lockdownLevel, lsmList, mendRights, setting, sysctl, TOKEN } from './rights.js';
import type { State } from './row.js';

export interface Refused {
  readonly facts: DoctorFacts;
  readonly hook: Hook;
  /** The kernel that first had it. */
  readonly since: string;
  readonly stage: 'load' | 'attach';
  readonly errno: string;
  readonly call: string;
  readonly log: string;
}

export interface Reason {
  readonly state: State;
  readonly means: string;
  readonly mend?: string;
}

interface ReasonRow {
  readonly when: (refused: Refused) => boolean;
  readonly say: (refused: Refused) => Reason;
}

const isPermission = ({ errno }: Refused): boolean => errno === 'EPERM' || errno === 'EACCES';
const isLoad = ({ stage }: Refused): boolean => stage === 'load';
const isPerf = ({ call }: Refused): boolean => call === 'perf_event_open' || call.startsWith('ioctl');
const missingRights = ({ facts, hook }: Refused): Capability[] =>
  (['CAP_BPF', ...(hook.needs === 'none' ? [] : [hook.needs])] as const).filter((name) => !holds(facts, name));
const missingSettings = ({ facts, hook }: Refused): string[] =>
  known(facts.config) ? hook.config.filter((name) => setting(facts, name) === undefined && isNamedThere(facts, name)) : [];

/** Settings that came later than the hook, so that their absence says nothing. */
const LATER: Readonly<Record<string, string>> = { CONFIG_NET_XGRESS: '6.6', CONFIG_NET_SOCK_MSG: '4.20' };
const isNamedThere = (facts: DoctorFacts, name: string): boolean => {
  const since = LATER[name];
  return since === undefined || !isOlder(facts, since);
};

/** Hooks whose programs must be compiled. */
const needsJit = ({ hook }: Refused): boolean => hook.config.includes('CONFIG_BPF_JIT');

const REASONS: readonly ReasonRow[] = [
  {
    when: ({ errno, facts }) => errno === 'ENOSYS' || facts.calls.bpf === 'ENOSYS',
    say: () => ({ state: 'problem', means: 'There is no bpf(2) for this process: see bpf(2) above.' }),
  },
  {
    when: (refused) =>
      refused.facts.seccomp === 2 &&
      isPermission(refused) &&
      refused.facts.calls.bpf !== 'EINVAL' &&
      holds(refused.facts, 'CAP_BPF'),
    say: () => ({ state: 'problem', means: 'A seccomp filter refuses bpf(2): see bpf(2) above.' }),
  },
  {
    when: (refused) => isPerf(refused) && refused.facts.calls.perf_event_open !== 'EINVAL',
    say: () => ({ state: 'problem', means: 'perf_event_open(2) is refused before the kernel looks at it: see above.' }),
  },
  {
    when: (refused) => isPermission(refused) && isFirstUserNamespace(refused.facts) === false,
    say: () => ({ state: 'problem', means: 'Rights of a user namespace of its own do not count here.', mend: TOKEN }),
  },
  {
    when: (refused) => isPermission(refused) && missingRights(refused).length > 0,
    say: (refused) => ({
      state: 'problem',
      means: `This process lacks ${missingRights(refused).join(' and ')}.`,
      mend: mendRights(refused.facts, missingRights(refused)),
    }),
  },
  {
    when: (refused) =>
      isPermission(refused) &&
      isPerf(refused) &&
      !holds(refused.facts, 'CAP_PERFMON') &&
      (sysctl(refused.facts, 'kernel.perf_event_paranoid') ?? 0) > 1,
    say: () => ({
      state: 'problem',
      means: 'The sysctl kernel.perf_event_paranoid forbids it to those without CAP_PERFMON.',
      mend: 'sysctl -w kernel.perf_event_paranoid=1',
    }),
  },
  {
    when: ({ facts, hook, call, errno }) =>
      hook.id === 'uprobe' &&
      call === 'perf_event_open' &&
      errno === 'EACCES' &&
      !hasCapability(facts.capabilities.effective, 'CAP_SYS_ADMIN'),
    say: ({ facts }) => ({
      state: 'problem',
      means: 'Many kernels open uprobes as perf events only to those with CAP_SYS_ADMIN.',
      mend: `${mendRights(facts, ['CAP_SYS_ADMIN'])}; or SEC("uprobe.multi/…"), which does without (Linux 6.6).`,
    }),
  },
  {
    when: ({ facts, since, errno }) => isOlder(facts, since) && errno !== 'EPERM',
    say: ({ since }) => ({ state: 'warning', means: `It came with Linux ${since}.` }),
  },
  {
    when: (refused) => needsJit(refused) && sysctl(refused.facts, 'net.core.bpf_jit_enable') === 0,
    say: () => ({
      state: 'problem',
      means: 'Such programs must be compiled, and the JIT compiler is switched off.',
      mend: 'sysctl -w net.core.bpf_jit_enable=1',
    }),
  },
  {
    when: (refused) => isPermission(refused) && lockdownLevel(refused.facts) === 'confidentiality',
    say: () => ({
      state: 'problem',
      means: 'Lockdown is at confidentiality, which refuses what can read the memory of the kernel.',
      mend: 'Boot without lockdown=confidentiality.',
    }),
  },
  {
    when: (refused) => !isPermission(refused) && missingSettings(refused).length > 0,
    say: (refused) => ({
      state: 'warning',
      means: `The kernel is built without ${missingSettings(refused).join(', ')}.`,
      mend: `Use a kernel with ${missingSettings(refused)
        .map((name) => `${name}=y`)
        .join(', ')}.`,
    }),
  },
  {
    when: (refused) => refused.errno === 'EPERM' && isLoad(refused) && refused.log === '' && refused.facts.memcgAccount === false,
    say: () => ({ state: 'problem', means: 'RLIMIT_MEMLOCK may be too low: see above.', mend: 'ulimit -l unlimited' }),
  },
  { when: (refused) => refused.errno === 'EPERM' && isLoad(refused) && refused.log === '', say: byElimination },
  {
    when: ({ errno }) => errno === 'EOPNOTSUPP',
    say: ({ call }) => ({ state: 'warning', means: `The kernel is built without it (${call}: EOPNOTSUPP).` }),
  },
  {
    when: ({ errno, log }) => errno === 'EINVAL' && log === '',
    say: (refused) => {
      const { call, facts } = refused;
      if (known(facts.config))
        return {
          state: 'problem',
          means: `${call} failed with EINVAL, though the kernel is new enough and built for it${facts.seccomp === 2 ? ': a seccomp filter may refuse it' : ''}.`,
        };
      const [first, ...others] = refused.hook.config;
      const without = others.length > 0 ? `one of ${[first, ...others].join(', ')}` : first;
      return {
        state: 'warning',
        means: `This kernel does not know it (${call}: EINVAL): older than it, or built without ${without}.`,
      };
    },
  },
  {
    when: () => true,
    say: ({ call, errno, log }) => {
      const last = log
        .trim()
        .split('\n')
        .findLast((line) => !line.startsWith('processed '));
      return { state: 'problem', means: `${call} failed with ${errno}${last ? `: ${last}` : ''}.` };
    },
  },
];

/**
 * EPERM before the verifier looked, to a process that has the rights. What is known is excluded one by one; what remains is named
 * as what remains.
 */
function byElimination({ facts, hook }: Refused): Reason {
  const level = lockdownLevel(facts);
  const list = lsmList(facts);
  const policies = (list ?? []).filter((name) => ['selinux', 'apparmor', 'smack', 'tomoyo'].includes(name));
  const settings = hook.config.filter((name) => setting(facts, name) !== undefined);
  const allSet = known(facts.config) !== undefined && settings.length === hook.config.length;
  const excluded = [
    `rights (held: ${capabilityNames(capabilityBit('CAP_BPF') | (hook.needs === 'none' ? 0n : capabilityBit(hook.needs))).join(', ')}${isFirstUserNamespace(facts) ? ', in the first user namespace' : ''})`,
    facts.seccomp === 0 ? 'seccomp (there is no filter)' : 'seccomp (it lets bpf(2) through)',
    ...(level !== undefined ? [`lockdown (${level}; upstream kernels refuse no program type for it)`] : []),
    ...(list && policies.length === 0 ? [`security modules with a policy for bpf(2) (there are ${list.join(', ')})`] : []),
    ...(allSet ? ['the configuration (what it takes is set)'] : []),
  ];
  const remains = [
    ...(level === undefined ? ['lockdown, which could not be read (mount -t securityfs securityfs /sys/kernel/security)'] : []),
    ...(list === undefined ? ['a security module; which there are could not be read'] : []),
    ...(policies.length > 0 ? [`the policy of ${policies.join(', ')} (journalctl -k | grep -iE "avc|apparmor|audit")`] : []),
    ...(list?.includes('bpf') && facts.lsmPrograms !== 0
      ? ['a program of the BPF LSM (bpftool prog list lists those of type lsm)']
      : []),
    'a rule of this kernel itself, put in by whoever built it',
  ];
  return {
    state: 'problem',
    means: `The kernel refused with EPERM before its verifier looked at the program. Not the cause: ${excluded.join('; ')}. What remains: ${remains.join('; or ')}.`,
    mend:
      remains.length === 1
        ? 'No command on this machine: another kernel. Until then tracepoints do (SEC("tp_btf/…"), SEC("tp/…"), SEC("raw_tp/…")), where they load.'
        : 'Look at what remains, in that order.',
  };
}

/** The likeliest reason. */
export const reasonOf = (refused: Refused): Reason => (REASONS.find(({ when }) => when(refused)) as ReasonRow).say(refused);
