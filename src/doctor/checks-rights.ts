// The kernel itself, and what this process may do.

import { type Capability, capabilityNames, hasCapability } from '../uapi/capability.js';
import type { Check } from './checks.js';
import { type DoctorFacts, known } from './facts.js';
import { holds, isFirstUserNamespace, isOlder, mendRights, TOKEN } from './rights.js';
import type { Finding } from './row.js';

const ARCHES = ['x64', 'arm64'];
/** What each is good for, the most important first. */
const USES: readonly (readonly [Capability, string])[] = [
  ['CAP_BPF', 'loading programs and making maps'],
  ['CAP_PERFMON', 'tracing'],
  ['CAP_NET_ADMIN', 'network hooks'],
  ['CAP_DAC_READ_SEARCH', 'reading tracefs'],
  ['CAP_SYSLOG', 'addresses of kernel symbols'],
];
const NEEDED: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON'];

export const RIGHTS_CHECKS: readonly Check[] = [
  {
    id: 'kernel.version',
    group: 'kernel',
    title: 'kernel',
    asked: 'uname(2)',
    judge: (facts) => {
      const found = `Linux ${facts.kernel.release}`;
      if (!isOlder(facts, '5.8')) return { state: 'ok', found, where: 'uname -r' };
      return {
        state: isOlder(facts, '4.18') ? 'problem' : 'warning',
        found,
        where: 'uname -r',
        means: 'Ring buffers, iterators, CAP_BPF and much else came with Linux 5.8.',
        mend: 'Use a newer kernel.',
      };
    },
  },
  {
    id: 'kernel.arch',
    group: 'kernel',
    title: 'architecture',
    asked: 'uname(2)',
    judge: ({ kernel: { arch } }) =>
      ARCHES.includes(arch)
        ? { state: 'ok', found: arch }
        : { state: 'problem', found: arch, means: `System call numbers are known here for ${ARCHES.join(' and ')} only.` },
  },
  {
    id: 'rights.user',
    group: 'rights',
    title: 'user',
    asked: 'getuid(2), /proc/self/uid_map',
    judge: (facts) => {
      const found = facts.uid === 0 ? 'root (uid 0)' : `uid ${facts.uid}`;
      const first = isFirstUserNamespace(facts);
      const where = '/proc/self/uid_map';
      if (first === undefined) return { state: 'unknown', found: `${found}; the user namespace is not told`, where };
      if (first) return { state: 'ok', found: `${found}, in the first user namespace`, where };
      return {
        state: 'problem',
        found: `${found}, in a user namespace of its own (${known(facts.uidMap)?.trim().replaceAll(/\s+/g, ' ')})`,
        where,
        means: 'Capabilities that are held here do not count for bpf(2), which asks for those of the first user namespace.',
        mend: TOKEN,
      };
    },
  },
  {
    id: 'rights.capabilities',
    group: 'rights',
    title: 'capabilities',
    asked: '/proc/self/status: CapEff, CapPrm, CapBnd',
    judge: capabilities,
  },
  {
    id: 'rights.no_new_privs',
    group: 'rights',
    title: 'no_new_privs',
    asked: '/proc/self/status: NoNewPrivs',
    judge: ({ noNewPrivs }) =>
      noNewPrivs
        ? {
            state: 'warning',
            found: 'set',
            where: '/proc/self/status',
            means: 'sudo and file capabilities give no rights from here on.',
            mend: 'Start from another shell; in a container: without --security-opt no-new-privileges.',
          }
        : { state: 'ok', found: 'not set', where: '/proc/self/status' },
  },
];

/** Its folders are root's own. */
const readsTracefs = ({ uid, capabilities: { effective } }: DoctorFacts): boolean =>
  uid === 0 || hasCapability(effective, 'CAP_DAC_OVERRIDE');

function capabilities(facts: DoctorFacts): Finding {
  const { effective, permitted, bounding } = facts.capabilities;
  const where = '/proc/self/status';
  const missing = USES.filter(([name]) => !holds(facts, name) && !(name === 'CAP_DAC_READ_SEARCH' && readsTracefs(facts)));
  const names = capabilityNames(effective);
  const held = names.length === 0 ? 'none' : names.length > 12 ? `${names.length} of them` : names.join(', ');
  if (missing.length === 0) {
    const unbound = capabilityNames(~bounding & ((1n << 41n) - 1n));
    return { state: 'ok', found: `all that BPF asks for${unbound.length > 0 ? `; not ${unbound.join(', ')}` : ''}`, where };
  }
  const regainable = missing.every(([name]) => hasCapability(permitted, name) || hasCapability(bounding, name));
  return {
    state: missing.some(([name]) => NEEDED.includes(name)) ? 'problem' : 'warning',
    found: `effective: ${held}; missing: ${missing.map(([name]) => name).join(', ')}`,
    where,
    means: `Needed for ${missing.map(([name, use]) => `${use} (${name})`).join(', ')}.${regainable ? '' : ' The bounding set lacks them too: no command started from here can have them.'}`,
    mend: mendRights(
      facts,
      missing.map(([name]) => name),
    ),
  };
}
