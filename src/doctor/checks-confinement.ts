// What stands between this process and the kernel: containers, seccomp, lockdown, security modules.

import type { Check } from './checks.js';
import { type DoctorFacts, known } from './facts.js';
import { holds, isFirstUserNamespace, isOlder, lockdownLevel, lsmList, mendRights, setting, sysctl, TOKEN } from './rights.js';
import type { Finding } from './row.js';

const SECCOMP = ['none', 'strict', 'filter'];
const UNCONFINED =
  'docker run --security-opt seccomp=unconfined …, or a profile that allows it; a systemd service: SystemCallFilter=bpf perf_event_open';

/** Security modules with policies of their own for bpf(2). */
const POLICIES = ['selinux', 'apparmor', 'smack', 'tomoyo'];

export const CONFINEMENT: readonly Check[] = [
  {
    id: 'confinement.container',
    group: 'confinement',
    title: 'container',
    asked: '/.dockerenv, /run/.containerenv, /proc/self/cgroup, /proc/self/status: NSpid, the environment',
    judge: ({ containerSigns }) =>
      containerSigns.length === 0
        ? { state: 'ok', found: 'no sign of one' }
        : {
            state: 'ok',
            found: `signs of one: ${containerSigns.join(', ')}`,
            means: 'What is missing below may be there outside: whoever starts the container decides.',
          },
  },
  {
    id: 'confinement.bpf',
    group: 'confinement',
    title: 'bpf(2)',
    asked: 'bpf(2) with a command that there is not: EINVAL',
    judge: bpfCall,
  },
  {
    id: 'confinement.perf',
    group: 'confinement',
    title: 'perf_event_open(2)',
    asked: 'perf_event_open(2) with flags that there are not: EINVAL',
    judge: ({ calls, seccomp }) => {
      const where = `perf_event_open(2): ${calls.perf_event_open}`;
      if (calls.perf_event_open === 'EINVAL') return { state: 'ok', found: 'reaches the kernel', where };
      return {
        state: 'problem',
        found: `refused before the kernel looks at it`,
        where,
        means: `${seccomp === 2 ? 'A seccomp filter refuses it' : 'The kernel is built without it (CONFIG_PERF_EVENTS)'}: no tracepoints, kprobes, uprobes and samples.`,
        mend: seccomp === 2 ? UNCONFINED : 'Use a kernel with CONFIG_PERF_EVENTS=y.',
      };
    },
  },
  {
    id: 'confinement.seccomp',
    group: 'confinement',
    title: 'seccomp',
    asked: '/proc/self/status: Seccomp',
    judge: ({ seccomp, calls }) => ({
      state: 'ok',
      found: SECCOMP[seccomp] ?? `mode ${seccomp}`,
      where: '/proc/self/status',
      ...(seccomp === 2 && calls.bpf === 'EINVAL' && { means: 'It lets bpf(2) through.' }),
    }),
  },
  {
    id: 'confinement.lockdown',
    group: 'confinement',
    title: 'lockdown',
    asked: 'lockdown of securityfs, mounted for a moment if need be',
    judge: lockdown,
  },
  { id: 'confinement.lsm', group: 'confinement', title: 'security modules', asked: 'lsm of securityfs', judge: lsm },
  {
    id: 'confinement.token',
    group: 'confinement',
    title: 'BPF token',
    asked: 'options of mounted BPF file systems, in /proc/self/mountinfo',
    judge: (facts) => {
      if (isOlder(facts, '6.9')) return { state: 'ok', found: 'not in this kernel (since 6.9)' };
      const { bpf } = facts.mounts;
      const delegates = bpf.at === undefined ? [] : (bpf.options.match(/delegate_\w+=[^,]+/g) ?? []);
      if (delegates.length > 0)
        return { state: 'ok', found: `${bpf.at} hands on ${delegates.join(', ')}`, where: '/proc/self/mountinfo' };
      if (isFirstUserNamespace(facts) !== false)
        return { state: 'ok', found: 'none, and none is needed in the first user namespace' };
      return {
        state: 'problem',
        found: 'none',
        means: 'It is the only way to use BPF in a user namespace of its own.',
        mend: TOKEN,
      };
    },
  },
];

/** Since then kernel.unprivileged_bpf_disabled refuses single commands, and not bpf(2) as a whole. */
const REFUSES_LESS = '6.0';

function bpfCall(facts: DoctorFacts): Finding {
  const { calls, seccomp } = facts;
  const mayUse = holds(facts, 'CAP_BPF');
  const where = `bpf(2): ${calls.bpf}`;
  if (calls.bpf === 'EINVAL') return { state: 'ok', found: 'reaches the kernel', where };
  if (calls.bpf === 'ENOSYS' && seccomp !== 2)
    return {
      state: 'problem',
      found: 'there is none',
      where,
      means: 'The kernel is built without it (CONFIG_BPF_SYSCALL).',
      mend: 'Use another kernel.',
    };
  if (seccomp === 2 && (calls.bpf !== 'EPERM' || mayUse || !isOlder(facts, REFUSES_LESS)))
    return {
      state: 'problem',
      found: 'refused before the kernel looks at it',
      where,
      means: 'A seccomp filter refuses it: nothing of BPF works.',
      mend: UNCONFINED,
    };
  if (!mayUse && isOlder(facts, REFUSES_LESS) && sysctl(facts, 'kernel.unprivileged_bpf_disabled') !== 0)
    return {
      state: 'problem',
      found: 'refused to those without CAP_BPF',
      where,
      means: `So says the sysctl kernel.unprivileged_bpf_disabled${seccomp === 2 ? ', or a seccomp filter' : ''}.`,
      mend: mendRights(facts, ['CAP_BPF']),
    };
  return {
    state: 'problem',
    found: 'refused',
    where,
    means: 'Neither a missing right nor a seccomp filter explains it: a security module refuses bpf(2).',
    mend: 'Look into the log of the security module: journalctl -k | grep -iE "avc|apparmor|audit"',
  };
}

function lockdown(facts: DoctorFacts): Finding {
  const level = lockdownLevel(facts);
  const where = '/sys/kernel/security/lockdown';
  if (level === undefined) {
    const errno = 'errno' in facts.lockdown ? facts.lockdown.errno : 'EIO';
    if (errno === 'ENOENT' || errno === 'ENODEV') return { state: 'ok', found: 'not in this kernel', where };
    return {
      state: 'unknown',
      found: `cannot be read (${errno})`,
      where,
      mend: 'As root: mount -t securityfs securityfs /sys/kernel/security && cat /sys/kernel/security/lockdown',
    };
  }
  if (level === 'none') return { state: 'ok', found: 'none', where };
  if (level === 'integrity')
    return {
      state: 'ok',
      found: 'integrity',
      where,
      means: 'bpf_probe_write_user is refused. Upstream kernels load all program types at this level.',
    };
  return {
    state: 'problem',
    found: level,
    where,
    means:
      'Reading kernel memory (bpf_probe_read_kernel), kprobes, perf events of the kernel and tracefs are refused, to root too.',
    mend: 'Boot without lockdown=confidentiality on the command line of the kernel; where Secure Boot sets it, switch that off.',
  };
}

function lsm(facts: DoctorFacts): Finding {
  const list = lsmList(facts);
  const where = '/sys/kernel/security/lsm';
  if (!list) return { state: 'unknown', found: `cannot be read (${'errno' in facts.lsm ? facts.lsm.errno : 'EIO'})`, where };
  const found = list.join(', ');
  const policies = POLICIES.filter((name) => list.includes(name));
  const programs = facts.lsmPrograms
    ? ` ${facts.lsmPrograms} programs of the BPF LSM are loaded: they may refuse bpf(2) too.`
    : '';
  if (setting(facts, 'CONFIG_BPF_LSM') !== undefined && !list.includes('bpf'))
    return {
      state: 'warning',
      found,
      where,
      means: 'The BPF LSM is built in and not switched on: programs in SEC("lsm/…") load and attach, and never run.',
      mend: `Boot with lsm=${list.filter((name) => name !== 'capability').join(',')},bpf on the command line of the kernel`,
    };
  const means = policies.length > 0 ? `${policies.join(' and ')} may refuse bpf(2) by policy.${programs}` : programs.trim();
  return { state: 'ok', found: found || String(known(facts.lsm)), where, ...(means && { means }) };
}
