// Which rights a process has, in words that judgements share.

import { type Capability, hasCapability } from '../uapi/capability.js';
import { type DoctorFacts, known } from './facts.js';

/** (major << 16) + (minor << 8) */
export const versionOf = (text: string): number => {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  return (major << 16) + (minor << 8);
};
export const isOlder = ({ kernel }: DoctorFacts, since: string): boolean => kernel.version < versionOf(since);

/** CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, which are younger. */
export function holds(facts: DoctorFacts, name: Capability): boolean {
  const { effective } = facts.capabilities;
  if (hasCapability(effective, name)) return true;
  return (name === 'CAP_BPF' || name === 'CAP_PERFMON') && hasCapability(effective, 'CAP_SYS_ADMIN');
}

/** Whether capabilities count in the whole machine: the first user namespace maps all ids to themselves. */
export function isFirstUserNamespace({ uidMap }: DoctorFacts): boolean | undefined {
  const map = known(uidMap);
  return map === undefined ? undefined : /^\s*0\s+0\s+4294967295\s*$/.test(map);
}

export const lockdownLevel = ({ lockdown }: DoctorFacts): string | undefined => /\[(\w+)\]/.exec(known(lockdown) ?? '')?.[1];
export const lsmList = ({ lsm }: DoctorFacts): readonly string[] | undefined => known(lsm)?.trim().split(',');
export const setting = ({ config }: DoctorFacts, name: string): string | undefined => known(config)?.settings.get(name);
export const sysctl = ({ sysctls }: DoctorFacts, name: keyof DoctorFacts['sysctls']): number | undefined => {
  const text = known(sysctls[name]);
  return text === undefined ? undefined : Number(text);
};

const CONTAINER =
  'docker run --cap-add BPF --cap-add PERFMON --cap-add NET_ADMIN … (CAP_SYS_ADMIN before Linux 5.8), or --privileged';

/** What gives rights: sudo helps only where the bounding set still has them. */
export const mendRights = ({ capabilities: { bounding } }: DoctorFacts, missing: readonly Capability[]): string =>
  hasCapability(bounding, 'CAP_SYS_ADMIN') || missing.every((name) => hasCapability(bounding, name))
    ? `sudo …; in a container: ${CONTAINER}`
    : `Start it outside, where the bounding set has them; a container: ${CONTAINER}`;
export const TOKEN =
  'Run it in the first user namespace; or whoever manages the container mounts a BPF file system that hands rights on (Linux 6.9): mount -t bpf -o delegate_cmds=any,delegate_maps=any,delegate_progs=any,delegate_attachs=any bpffs DIR, and load({ token: DIR })';
