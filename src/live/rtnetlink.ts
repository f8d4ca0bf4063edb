// What rtnetlink says of devices and of traffic control, as far as it has to do with BPF.

import { type Region, slice, textUntilNul } from '../bytes/index.js';
import {
  IFINFOMSG,
  IFLA_ALT_IFNAME,
  IFLA_IFNAME,
  IFLA_PROP_LIST,
  IFLA_XDP,
  IFLA_XDP_ATTACHED,
  IFLA_XDP_DRV_PROG_ID,
  IFLA_XDP_HW_PROG_ID,
  IFLA_XDP_PROG_ID,
  IFLA_XDP_SKB_PROG_ID,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_NEWQDISC,
  RTM_NEWTCLASS,
  RTM_NEWTFILTER,
  TCA_ACT_BPF_ID,
  TCA_ACT_BPF_NAME,
  TCA_ACT_KIND,
  TCA_ACT_OPTIONS,
  TCA_BPF_ACT,
  TCA_BPF_ID,
  TCA_BPF_NAME,
  TCA_KIND,
  TCA_OPTIONS,
  TCMSG,
  XDP_ATTACHED_DRV,
  XDP_ATTACHED_HW,
  XDP_ATTACHED_MULTI,
  XDP_ATTACHED_NONE,
  XDP_ATTACHED_SKB,
} from '../uapi/rtnetlink.js';
import { type Attributes, attributeList, dumpRequest, type NetlinkRecord, parseAttributes } from './netlink.js';

export type XdpMode = 'generic' | 'driver' | 'offload';

/** A network device. */
export interface NetDevice {
  readonly ifindex: number;
  readonly name: string;
  readonly otherNames: readonly string[];
  /** Present when XDP programs are attached. */
  readonly xdp?: {
    /** Whether there may be one in each mode. */
    readonly isMulti: boolean;
    readonly programs: readonly { readonly mode: XdpMode; readonly id: number }[];
  };
}

/** A queueing discipline or a class. */
export interface TcNode {
  readonly ifindex: number;
  readonly handle: number;
  /** `clsact`, `htb`, … */
  readonly kind: string;
}

/** A BPF program with the name that it was attached under, as far as the kernel tells. */
export interface NamedProg {
  readonly name?: string;
  readonly id?: number;
}

/** A filter of kind `bpf`. */
export interface BpfFilter extends NamedProg {
  /** Those of its actions that are BPF programs; absent if it has no actions at all. */
  readonly actions?: readonly NamedProg[];
}

/** Asks for all devices. */
export const linksRequest = (seq: number): Uint8Array<ArrayBuffer> =>
  dumpRequest(RTM_GETLINK, seq, new Uint8Array(IFINFOMSG.size));

/**
 * Asks for queueing disciplines, classes or filters of a device.
 * @param type   RTM_GETQDISC, RTM_GETTCLASS or RTM_GETTFILTER.
 * @param parent What filters hang on.
 */
export function tcRequest(type: number, seq: number, ifindex: number, parent = 0): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(TCMSG.size);
  const view = new DataView(body.buffer);
  view.setInt32(TCMSG.at.tcm_ifindex, ifindex, true);
  view.setUint32(TCMSG.at.tcm_parent, parent, true);
  return dumpRequest(type, seq, body);
}

/** Undefined for a record of another kind. @throws {FormatError} */
export function netDeviceOf({ type, body }: NetlinkRecord): NetDevice | undefined {
  if (type !== RTM_NEWLINK) return undefined;
  const { ifi_index: ifindex } = IFINFOMSG.read(slice(body, 0, IFINFOMSG.size, 'a device'), 0);
  const attributes = parseAttributes(body, IFINFOMSG.size);
  const [xdp, others] = [attributes.get(IFLA_XDP), attributes.get(IFLA_PROP_LIST)];
  const attached = xdp && xdpOf(parseAttributes(xdp));
  return {
    ifindex,
    name: text(attributes, IFLA_IFNAME) ?? '',
    otherNames: (others ? attributeList(others) : []).flatMap(([kind, { bytes }]) =>
      kind === IFLA_ALT_IFNAME ? [textUntilNul(bytes)] : [],
    ),
    ...(attached && { xdp: attached }),
  };
}

/** Where the id is of a program that is alone, by the mode that is in use. */
const SINGLE: Readonly<Record<number, XdpMode>> = {
  [XDP_ATTACHED_DRV]: 'driver',
  [XDP_ATTACHED_SKB]: 'generic',
  [XDP_ATTACHED_HW]: 'offload',
};
/** Where the ids are when there may be several. */
const EACH: readonly (readonly [attribute: number, mode: XdpMode])[] = [
  [IFLA_XDP_SKB_PROG_ID, 'generic'],
  [IFLA_XDP_DRV_PROG_ID, 'driver'],
  [IFLA_XDP_HW_PROG_ID, 'offload'],
];

function xdpOf(xdp: Attributes): NetDevice['xdp'] {
  const how = u8(xdp, IFLA_XDP_ATTACHED) ?? XDP_ATTACHED_NONE;
  if (how === XDP_ATTACHED_NONE) return undefined;
  const isMulti = how === XDP_ATTACHED_MULTI;
  const single = SINGLE[how];
  const places = isMulti ? EACH : single ? [[IFLA_XDP_PROG_ID, single] as const] : [];
  const programs = places.flatMap(([attribute, mode]) => {
    const id = u32(xdp, attribute);
    return id === undefined ? [] : [{ mode, id }];
  });
  return { isMulti, programs };
}

/** Undefined for a record of another kind. @throws {FormatError} */
export function tcNodeOf({ type, body }: NetlinkRecord): TcNode | undefined {
  if (type !== RTM_NEWQDISC && type !== RTM_NEWTCLASS) return undefined;
  const { tcm_ifindex: ifindex, tcm_handle: handle } = TCMSG.read(slice(body, 0, TCMSG.size, 'a class'), 0);
  return { ifindex, handle, kind: text(parseAttributes(body, TCMSG.size), TCA_KIND) ?? 'unknown' };
}

/** Undefined for a record of another kind, or a filter of another. @throws {FormatError} */
export function bpfFilterOf({ type, body }: NetlinkRecord): BpfFilter | undefined {
  if (type !== RTM_NEWTFILTER) return undefined;
  slice(body, 0, TCMSG.size, 'a filter');
  const attributes = parseAttributes(body, TCMSG.size);
  const given = attributes.get(TCA_OPTIONS);
  if (!given || text(attributes, TCA_KIND) !== 'bpf') return undefined;
  const options = parseAttributes(given);
  const actions = options.get(TCA_BPF_ACT);
  return { ...namedProg(options, TCA_BPF_NAME, TCA_BPF_ID), ...(actions && { actions: bpfActions(actions) }) };
}

/** Actions are in the order of their numbers. */
function bpfActions(from: Region): NamedProg[] {
  const numbered = [...parseAttributes(from)].sort(([a], [b]) => a - b);
  return numbered.flatMap(([, value]) => {
    const action = parseAttributes(value);
    const options = action.get(TCA_ACT_OPTIONS);
    if (!options || text(action, TCA_ACT_KIND) !== 'bpf') return [];
    return [namedProg(parseAttributes(options), TCA_ACT_BPF_NAME, TCA_ACT_BPF_ID)];
  });
}

function namedProg(attributes: Attributes, nameAt: number, idAt: number): NamedProg {
  const [name, id] = [text(attributes, nameAt), u32(attributes, idAt)];
  return { ...(name !== undefined && { name }), ...(id !== undefined && { id }) };
}

function text(attributes: Attributes, type: number): string | undefined {
  const value = attributes.get(type);
  return value && textUntilNul(value.bytes);
}

function u32(attributes: Attributes, type: number): number | undefined {
  const value = attributes.get(type);
  return value && slice(value, 0, 4, 'a number').view.getUint32(0, true);
}

function u8(attributes: Attributes, type: number): number | undefined {
  const value = attributes.get(type);
  return value && slice(value, 0, 1, 'a number').view.getUint8(0);
}
