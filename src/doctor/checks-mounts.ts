// File systems that BPF is used through: mounted, or at least mountable.

import type { Check } from './checks.js';
import type { DoctorFacts, FileSystem } from './facts.js';
import { lockdownLevel } from './rights.js';
import type { Finding, State } from './row.js';

interface MountRow {
  readonly type: FileSystem;
  readonly target: string;
  readonly use: string;
  /** What it is worth where it is not mounted, but may be: tsbpf mounts some for itself. */
  readonly unmounted: State;
  readonly unmountable: State;
  readonly byItself?: string;
}

const ROWS: readonly MountRow[] = [
  {
    type: 'sysfs',
    target: '/sys',
    use: 'types of the kernel (BTF), and the perf event sources of kprobes and uprobes',
    unmounted: 'problem',
    unmountable: 'problem',
  },
  {
    type: 'tracefs',
    target: '/sys/kernel/tracing',
    use: 'ids of tracepoints',
    unmounted: 'ok',
    unmountable: 'problem',
    byItself: 'tsbpf mounts it for itself, where nobody else sees it.',
  },
  {
    type: 'bpf',
    target: '/sys/fs/bpf',
    use: 'pinned maps, programs and links; tokens',
    unmounted: 'ok',
    unmountable: 'warning',
    byItself: 'tsbpf mounts it when something is to be pinned.',
  },
  { type: 'cgroup2', target: '/sys/fs/cgroup', use: 'attaching to cgroups', unmounted: 'warning', unmountable: 'warning' },
  { type: 'debugfs', target: '/sys/kernel/debug', use: 'nothing that tsbpf does', unmounted: 'ok', unmountable: 'ok' },
  {
    type: 'securityfs',
    target: '/sys/kernel/security',
    use: 'what this page says of lockdown',
    unmounted: 'ok',
    unmountable: 'ok',
  },
];

export const MOUNTS: readonly Check[] = ROWS.map((row) => ({
  id: `mounts.${row.type}`,
  group: 'mounts',
  title: row.type === 'bpf' ? 'bpffs' : row.type,
  asked: '/proc/self/mountinfo; else fsopen(2) and fsconfig(2), without mounting it',
  judge: (facts) => judge(row, facts),
}));

function judge({ type, target, use, unmounted, unmountable, byItself }: MountRow, facts: DoctorFacts): Finding {
  const mount = facts.mounts[type];
  const where = '/proc/self/mountinfo';
  const mend = `mount -t ${type} ${type} ${target}`;
  if (mount.at !== undefined) return { state: 'ok', found: `mounted at ${mount.at}`, where };
  if (mount.mountable === true)
    return {
      state: unmounted,
      found: 'not mounted, but may be',
      where,
      means: byItself ?? `It is for ${use}.`,
      mend,
    };
  if (type === 'tracefs' && lockdownLevel(facts) === 'confidentiality')
    return { state: unmountable, found: 'not mounted', where, means: 'Lockdown at confidentiality leaves it empty anyway.' };
  const absent = mount.mountable === 'ENODEV';
  const old = mount.mountable === 'ENOSYS';
  return {
    state: old ? 'unknown' : unmountable,
    found: absent ? 'not in this kernel' : old ? 'not mounted' : `not mounted, and may not be (${mount.mountable})`,
    where,
    means: `It is for ${use}.`,
    ...(!absent && {
      mend: old ? mend : `sudo ${mend}; a container needs --cap-add SYS_ADMIN for that, or a bind mount of ${target}`,
    }),
  };
}
