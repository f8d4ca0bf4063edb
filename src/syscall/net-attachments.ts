// Programs attached to network devices, to this network namespace, and to its netfilter hooks.

import { closeSync, openSync } from 'node:fs';
import { nearest } from '../bytes/index.js';
import { SyscallError, UsageError } from '../errors.js';
import {
  bpfFilterOf,
  type DeviceProg,
  type LinkInfo,
  linksRequest,
  type NetDevice,
  type NetlinkRecord,
  netDeviceOf,
  type ShownDevice,
  type ShownFilter,
  type ShownNet,
  tcNodeOf,
  tcRequest,
} from '../live/index.js';
import { BPF_ATTACH_TYPE, BPF_LINK_TYPE } from '../uapi/enums.js';
import {
  RTM_GETQDISC,
  RTM_GETTCLASS,
  RTM_GETTFILTER,
  TC_H_CLSACT_EGRESS,
  TC_H_CLSACT_INGRESS,
  TC_H_ROOT,
} from '../uapi/rtnetlink.js';
import { linkInfo } from './loaded-links.js';
import { progInfo, progName } from './loaded-progs.js';
import { openById, walk } from './objects.js';
import { type QueriedProg, type QueryTarget, queryProgs } from './prog-query.js';
import { type RouteSocket, routeSocket } from './route-socket.js';

/**
 * Everything that `net show` shows.
 * @param only The name of a device; all devices if not given.
 * @throws {UsageError} when there is no such device; {SyscallError} without the right.
 */
export function netAttachments(only?: string): ShownNet {
  using socket = routeSocket();
  const devices = socket.ask(linksRequest).flatMap((record) => netDeviceOf(record) ?? []);
  const shown = only === undefined ? devices : [named(only, devices)];
  const flowDissector = flowDissectorId();
  return {
    devices: shown.map((device): ShownDevice => ({ ...device, progs: progsOf(device), filters: filtersOf(device, socket) })),
    ...(flowDissector !== undefined && { flowDissector }),
    netfilter: netfilterLinks(),
  };
}

function named(name: string, devices: readonly NetDevice[]): NetDevice {
  const found = devices.find((device) => device.name === name || device.otherNames.includes(name));
  if (found) return found;
  const names = devices.map((device) => device.name);
  const meant = nearest(name, names);
  throw new UsageError(`There is no network device ${name}`, {
    remedy: meant === undefined ? `There are: ${names.join(', ')}.` : `Did you mean ${meant}?`,
  });
}

const { BPF_TCX_INGRESS, BPF_TCX_EGRESS, BPF_NETKIT_PRIMARY, BPF_NETKIT_PEER } = BPF_ATTACH_TYPE;
const DEVICE_HOOKS = [BPF_TCX_INGRESS, BPF_TCX_EGRESS, BPF_NETKIT_PRIMARY, BPF_NETKIT_PEER];

function progsOf({ ifindex }: NetDevice): DeviceProg[] {
  return DEVICE_HOOKS.flatMap((attachType) =>
    query({ target: ifindex, attachType, lists: ['prog_attach_flags', 'link_ids', 'link_attach_flags'] }).map(
      ({ id, flags, linkId, linkFlags }) => {
        const name = nameOfProg(id);
        return {
          attachType,
          ...(name !== undefined && { name }),
          progId: id,
          progFlags: flags,
          linkId,
          linkFlags,
        };
      },
    ),
  );
}

/** Nothing where the kernel or the device has no such hook, or the device is gone. */
function query(target: QueryTarget): QueriedProg[] {
  try {
    return queryProgs(target);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errno !== 'EPERM') return nothing(error);
    throw new SyscallError(error.call, error.errno, {
      doing: 'Cannot ask for the programs of network devices',
      remedy: 'Run as root: it takes CAP_NET_ADMIN, and CAP_SYS_ADMIN for the names of programs.',
    });
  }
}

function nothing(error: unknown): [] {
  if (error instanceof SyscallError) return [];
  throw error;
}

function nameOfProg(id: number): string | undefined {
  using prog = openById('prog', id);
  return (prog && progName(prog.fd, progInfo(prog.fd))) || undefined;
}

/** Filters on classes, then on queueing disciplines, then on the hooks that every device has. A filter may be in several places. */
function filtersOf({ ifindex }: NetDevice, socket: RouteSocket): ShownFilter[] {
  const ask = (type: number, parent?: number): NetlinkRecord[] => {
    try {
      return socket.ask((seq) => tcRequest(type, seq, ifindex, parent));
    } catch (error) {
      return nothing(error); // no traffic control in this kernel, or the device is gone
    }
  };
  // The kernel answers with the queueing disciplines of all devices, whichever it is asked for.
  const nodes = (type: number) =>
    ask(type).flatMap((record) => {
      const node = tcNodeOf(record);
      return node?.ifindex === ifindex ? [node] : [];
    });
  const places = [
    ...nodes(RTM_GETTCLASS),
    ...nodes(RTM_GETQDISC).filter(({ kind, handle }) => kind !== 'clsact' && handle !== 0),
    { kind: 'root', handle: TC_H_ROOT },
    { kind: 'clsact/ingress', handle: TC_H_CLSACT_INGRESS },
    { kind: 'clsact/egress', handle: TC_H_CLSACT_EGRESS },
  ];
  return places.flatMap(({ kind, handle }) =>
    ask(RTM_GETTFILTER, handle).flatMap((record) => {
      const filter = bpfFilterOf(record);
      return filter ? [{ kind, ...filter }] : [];
    }),
  );
}

/** That of the network namespace of this thread. */
function flowDissectorId(): number | undefined {
  const fd = openSync('/proc/thread-self/ns/net', 'r');
  try {
    return query({ target: fd, attachType: BPF_ATTACH_TYPE.BPF_FLOW_DISSECTOR, lists: [] })[0]?.id;
  } finally {
    closeSync(fd);
  }
}

/** By protocol, then in the order in which they run. */
function netfilterLinks(): LinkInfo[] {
  const found = links().filter(({ type }) => type === BPF_LINK_TYPE.BPF_LINK_TYPE_NETFILTER);
  const keys = ({ fields }: LinkInfo) => [fields.pf, fields.hooknum, fields.priority, fields.flags].map(Number);
  return found.sort((a, b) => {
    const [left, right] = [keys(a), keys(b)];
    return left.map((key, i) => key - (right[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
  });
}

function links(): LinkInfo[] {
  try {
    return Array.from(walk('link'), ({ fd }) => linkInfo(fd));
  } catch (error) {
    if (error instanceof SyscallError && error.errno === 'EINVAL') return []; // before Linux 5.8
    throw error;
  }
}
