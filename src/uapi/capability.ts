// Capabilities by number, from include/uapi/linux/capability.h (v6.18). The place in the list is the bit.

export const CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export const capabilityBit = (name: Capability): bigint => 1n << BigInt(CAPABILITIES.indexOf(name));
export const hasCapability = (set: bigint, name: Capability): boolean => (set & capabilityBit(name)) !== 0n;

/** Names of the bits that are set; a bit without a name is `CAP_41`. */
export function capabilityNames(set: bigint): string[] {
  const bits = [...set.toString(2)].reverse();
  return bits.flatMap((bit, number) => (bit === '1' ? [CAPABILITIES[number] ?? `CAP_${number}`] : []));
}

/** Version 3 of capget(2) and capset(2): sets of 64 bits, in two halves. */
export const _LINUX_CAPABILITY_VERSION_3 = 0x20080522;
