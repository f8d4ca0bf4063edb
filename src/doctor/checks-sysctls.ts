// Sysctls and limits.

import type { Check } from './checks.js';
import { type DoctorFacts, known, type Sysctl } from './facts.js';
import { holds, sysctl } from './rights.js';
import type { Finding } from './row.js';

type Judged = Omit<Finding, 'found' | 'where'>;
const OK: Judged = { state: 'ok' };

interface SysctlRow {
  readonly name: Sysctl;
  readonly judge: (value: number, facts: DoctorFacts) => Judged;
}

const ROWS: readonly SysctlRow[] = [
  {
    name: 'kernel.unprivileged_bpf_disabled',
    judge: (value, facts) => {
      if (value === 0)
        return {
          state: 'warning',
          means: 'Every user may load socket filters: an attack surface that distributions close.',
          mend: 'sysctl -w kernel.unprivileged_bpf_disabled=2',
        };
      return holds(facts, 'CAP_BPF') ? OK : { state: 'ok', means: 'Users without CAP_BPF may do nothing.' };
    },
  },
  {
    name: 'kernel.perf_event_paranoid',
    judge: (value, facts) => {
      if (value < 0 || holds(facts, 'CAP_PERFMON')) return OK;
      const mend = 'sysctl -w kernel.perf_event_paranoid=1, or run with CAP_PERFMON';
      if (value > 2) return { state: 'problem', means: 'Users without CAP_PERFMON may open no perf events.', mend };
      return { state: 'warning', means: 'Users without CAP_PERFMON may not measure the kernel, nor open tracepoints.', mend };
    },
  },
  {
    name: 'kernel.kptr_restrict',
    judge: (value, facts) => {
      const mend = 'sysctl -w kernel.kptr_restrict=1';
      if (value >= 2)
        return {
          state: 'warning',
          means: 'Addresses of kernel symbols are hidden from everybody: typeless __ksym externs fail.',
          mend,
        };
      if (value === 1 && !holds(facts, 'CAP_SYSLOG'))
        return {
          state: 'warning',
          means: 'Addresses of kernel symbols are hidden from those without CAP_SYSLOG.',
          mend: 'sudo …',
        };
      return OK;
    },
  },
  {
    name: 'kernel.bpf_stats_enabled',
    judge: (value) =>
      value === 0 ? OK : { state: 'ok', means: 'Run times of programs are counted, at a small cost for each run.' },
  },
  {
    name: 'net.core.bpf_jit_enable',
    judge: (value) => {
      const mend = 'sysctl -w net.core.bpf_jit_enable=1';
      if (value === 0)
        return {
          state: 'problem',
          means: 'Programs are interpreted: slow, and fentry, LSM, struct_ops and kernel functions do not work.',
          mend,
        };
      if (value === 2) return { state: 'warning', means: 'The kernel prints every compiled program into its log.', mend };
      return OK;
    },
  },
  {
    name: 'net.core.bpf_jit_harden',
    judge: (value) =>
      value >= 2
        ? {
            state: 'warning',
            means: 'Constants are hidden in programs of root too, which makes them slower.',
            mend: 'sysctl -w net.core.bpf_jit_harden=1',
          }
        : OK,
  },
  { name: 'net.core.bpf_jit_limit', judge: () => OK },
];

const fileOf = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`;

/** The sysctl is only for root to read in some cases, which says nothing bad of it. */
function judgeSysctl({ name, judge }: SysctlRow, facts: DoctorFacts): Finding {
  const where = fileOf(name);
  const answer = facts.sysctls[name];
  const value = sysctl(facts, name);
  if ('errno' in answer && answer.errno === 'ENOENT') return { state: 'ok', found: 'not in this kernel', where };
  if ('errno' in answer || value === undefined || Number.isNaN(value))
    return { state: 'unknown', found: 'errno' in answer ? `cannot be read (${answer.errno})` : 'no number', where };
  return { found: String(value), where, ...judge(value, facts) };
}

const ENOUGH = 64 << 20;

export const SYSCTL_CHECKS: readonly Check[] = [
  ...ROWS.map(
    (row): Check => ({
      id: `sysctl.${row.name}`,
      group: 'sysctls',
      title: row.name,
      asked: fileOf(row.name),
      judge: (facts) => judgeSysctl(row, facts),
    }),
  ),
  {
    id: 'limits.memlock',
    group: 'sysctls',
    title: 'RLIMIT_MEMLOCK',
    asked: '/proc/self/limits; a feature probe',
    judge: memlock,
  },
];

function memlock(facts: DoctorFacts): Finding {
  const limit = known(facts.memlock);
  const where = '/proc/self/limits';
  if (limit === undefined) return { state: 'unknown', found: 'cannot be read', where };
  const found = limit === Number.POSITIVE_INFINITY ? 'unlimited' : `${Math.floor(limit / 1024)} kB`;
  if (facts.memcgAccount === true)
    return { state: 'ok', found, where, means: 'It does not matter: BPF memory is charged to the memory cgroup (since 5.11).' };
  if (limit >= ENOUGH) return { state: 'ok', found, where };
  if (facts.memcgAccount === undefined && facts.kernel.version >= (5 << 16) + (11 << 8))
    return { state: 'ok', found, where, means: 'It does not matter since Linux 5.11.' };
  if (holds(facts, 'CAP_SYS_RESOURCE'))
    return { state: 'ok', found, where, means: 'It limits BPF memory before Linux 5.11; a load raises it.' };
  return {
    state: 'problem',
    found,
    where,
    means: 'It limits BPF memory before Linux 5.11, and raising it needs CAP_SYS_RESOURCE.',
    mend: 'ulimit -l unlimited; a systemd service: LimitMEMLOCK=infinity; docker run --ulimit memlock=-1 …',
  };
}
