// Programs that are attached to cgroups: of one, and of all in a tree.

import { closeSync } from 'node:fs';
import { SyscallError, UsageError } from '../errors.js';
import type { CgroupProg, ShownCgroup } from '../live/index.js';
import { BPF_F_QUERY_EFFECTIVE } from '../uapi/bpf.js';
import { BPF_ATTACH_TYPE as T } from '../uapi/enums.js';
import { cgroupsIn, NOT_MOUNTED, NoSuchCgroup, openCgroup, unlessGone, whereCgroupsAre } from './cgroup-paths.js';
import { hasKernelBtf } from './kernel-btf.js';
import { attachName, progInfo, progName } from './loaded-progs.js';
import { mountPoints } from './mounts.js';
import { openById } from './objects.js';
import { type QueriedProg, queryProgs } from './prog-query.js';

/** In bpftool's order. */
const ATTACH_TYPES: readonly number[] = [
  T.BPF_CGROUP_INET_INGRESS,
  T.BPF_CGROUP_INET_EGRESS,
  T.BPF_CGROUP_INET_SOCK_CREATE,
  T.BPF_CGROUP_INET_SOCK_RELEASE,
  T.BPF_CGROUP_INET4_BIND,
  T.BPF_CGROUP_INET6_BIND,
  T.BPF_CGROUP_INET4_POST_BIND,
  T.BPF_CGROUP_INET6_POST_BIND,
  T.BPF_CGROUP_INET4_CONNECT,
  T.BPF_CGROUP_INET6_CONNECT,
  T.BPF_CGROUP_UNIX_CONNECT,
  T.BPF_CGROUP_INET4_GETPEERNAME,
  T.BPF_CGROUP_INET6_GETPEERNAME,
  T.BPF_CGROUP_UNIX_GETPEERNAME,
  T.BPF_CGROUP_INET4_GETSOCKNAME,
  T.BPF_CGROUP_INET6_GETSOCKNAME,
  T.BPF_CGROUP_UNIX_GETSOCKNAME,
  T.BPF_CGROUP_UDP4_SENDMSG,
  T.BPF_CGROUP_UDP6_SENDMSG,
  T.BPF_CGROUP_UNIX_SENDMSG,
  T.BPF_CGROUP_UDP4_RECVMSG,
  T.BPF_CGROUP_UDP6_RECVMSG,
  T.BPF_CGROUP_UNIX_RECVMSG,
  T.BPF_CGROUP_SOCK_OPS,
  T.BPF_CGROUP_DEVICE,
  T.BPF_CGROUP_SYSCTL,
  T.BPF_CGROUP_GETSOCKOPT,
  T.BPF_CGROUP_SETSOCKOPT,
  T.BPF_LSM_CGROUP,
];

/**
 * Programs of a cgroup, attached there or, if `isEffective`, above it too.
 * @throws {UsageError} when there is no such cgroup; {SyscallError} without the right.
 */
export function cgroupProgs(path: string, isEffective: boolean): CgroupProg[] {
  const fd = openCgroup(path);
  try {
    return ATTACH_TYPES.flatMap((attachType) =>
      attachedTo(fd, path, attachType, isEffective).flatMap((queried) => shown(queried, attachType, isEffective) ?? []),
    );
  } finally {
    closeSync(fd);
  }
}

/**
 * The cgroups at and below a path that have programs, each before those in it.
 * @param root The path; where cgroup v2 is mounted, if not given.
 * @throws {UsageError} when there is no such cgroup; {SyscallError} without the right.
 */
export function cgroupTree(root: string | undefined, isEffective: boolean): ShownCgroup[] {
  const top = root ?? mountPoints('cgroup2')[0];
  if (top === undefined) throw new UsageError("cgroup v2 isn't mounted", { remedy: NOT_MOUNTED });
  const path = top.replace(/(?<=.)\/+$/, '');
  const found: ShownCgroup[] = [];
  for (const folder of cgroupsIn(path)) {
    const isRoot = folder === path;
    const progs = isRoot ? cgroupProgs(folder, isEffective) : unlessGone(folder, () => cgroupProgs(folder, isEffective));
    if (progs && progs.length > 0) found.push({ path: folder, isRoot, progs });
  }
  return found;
}

/** Nothing for attach types that this kernel does not have. */
function attachedTo(fd: number, path: string, attachType: number, isEffective: boolean): readonly QueriedProg[] {
  const asked = { target: fd, attachType, queryFlags: isEffective ? BPF_F_QUERY_EFFECTIVE : 0 };
  try {
    return isEffective ? queryProgs({ ...asked, lists: [] }) : withFlags(asked);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.errno === 'EINVAL') return [];
    if (error.errno === 'ENOENT') throw new NoSuchCgroup(`The cgroup ${path} has been removed`);
    throw cannotQuery(path, error.errno);
  }
}

/** Kernels before 6.0 tell the flags of all programs together only, and refuse to be asked for those of each. */
function withFlags(asked: { target: number; attachType: number; queryFlags: number }): QueriedProg[] {
  try {
    return queryProgs({ ...asked, lists: ['prog_attach_flags'] });
  } catch (error) {
    if (!(error instanceof SyscallError && error.errno === 'EINVAL')) throw error;
    return queryProgs({ ...asked, lists: [] });
  }
}

function cannotQuery(path: string, errno: string): SyscallError {
  const remedies: Readonly<Record<string, string>> = {
    EBADF: `It is no cgroup of version 2. ${whereCgroupsAre()}`,
    EPERM: 'Run as root: it takes CAP_NET_ADMIN, and CAP_SYS_ADMIN for the names of programs.',
  };
  const remedy = remedies[errno];
  return new SyscallError('bpf(BPF_PROG_QUERY)', errno, {
    doing: `Cannot ask for the programs of ${path}`,
    ...(remedy !== undefined && { remedy }),
  });
}

/** Undefined for a program that has gone away meanwhile. */
function shown({ id, flags }: QueriedProg, attachType: number, isEffective: boolean): CgroupProg | undefined {
  using prog = openById('prog', id);
  if (!prog) return undefined;
  const info = progInfo(prog.fd);
  const attachBtfName = targetName(info.attachBtfObjId, info.attachBtfId);
  return {
    id,
    attachType,
    ...(!isEffective && { attachFlags: flags }),
    name: progName(prog.fd, info),
    attachBtfObjId: info.attachBtfObjId,
    attachBtfId: info.attachBtfId,
    ...(attachBtfName !== undefined && { attachBtfName }),
  };
}

/** Empty for what hooks into nothing by type. As bpftool, which does not say so where the kernel shows no types. */
function targetName(btfObjId: number, typeId: number): string | undefined {
  if (typeId === 0) return hasKernelBtf() ? '' : undefined;
  return attachName(btfObjId, typeId);
}
