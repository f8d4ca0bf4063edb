// Which rights a process has, in words that judgements share.

import { type Capability, hasCapability } from '../uapi/capability.js';
import { type DoctorFacts, FIRST_USER_NAMESPACE, known } from './facts.js';

/** (major << 16) + (minor << 8) */
export const versionOf = (text: string): number => {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  return (major << 16) + (minor << 8);
};
export const isOlder = ({ kernel }: DoctorFacts, since: string): boolean => kernel.version < versionOf(since);

/** Since Linux 5.8; CAP_SYS_ADMIN stands for them, before and after. */
const isYoung = (name: Capability): boolean => name === 'CAP_BPF' || name === 'CAP_PERFMON';

export function holds(facts: DoctorFacts, name: Capability): boolean {
  const { effective } = facts.capabilities;
  if (hasCapability(effective, name)) return true;
  return isYoung(name) && hasCapability(effective, 'CAP_SYS_ADMIN');
}

/** Whether capabilities count in the whole machine. The first user namespace maps all ids to themselves, but others may do so too. */
export function isFirstUserNamespace({ uidMap, userNamespace }: DoctorFacts): boolean | undefined {
  const own = known(userNamespace);
  if (own !== undefined) return own === FIRST_USER_NAMESPACE;
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

/** What gives rights: sudo helps only where the bounding set still has them, and where nothing forbids to gain any. */
export function mendRights(facts: DoctorFacts, missing: readonly Capability[]): string {
  const names = new Set(missing.map((name) => (isOlder(facts, '5.8') && isYoung(name) ? 'CAP_SYS_ADMIN' : name)));
  const container = `docker run ${[...names].map((name) => `--cap-add ${name.replace('CAP_', '')}`).join(' ')} …, or --privileged`;
  const { bounding } = facts.capabilities;
  const isBound = missing.some(
    (name) => !hasCapability(bounding, name) && !(isYoung(name) && hasCapability(bounding, 'CAP_SYS_ADMIN')),
  );
  if (isBound) return `Start it outside, where the bounding set has them; a container: ${container}`;
  if (facts.noNewPrivs) return `Start it from another shell, where no_new_privs is not set: sudo …; a container: ${container}`;
  return `sudo …; in a container: ${container}`;
}
export const TOKEN =
  'Run it in the first user namespace; or whoever manages the container mounts a BPF file system that hands rights on (Linux 6.9): mount -t bpf -o delegate_cmds=any,delegate_maps=any,delegate_progs=any,delegate_attachs=any bpffs DIR, and load({ token: DIR })';
