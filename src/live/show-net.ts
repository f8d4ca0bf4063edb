// `net show`: programs attached to devices, to a network namespace and to its netfilter hooks, as text and as JSON.

import type { Json } from './json.js';
import { attachTypeName } from './names.js';
import type { BpfFilter, NamedProg, NetDevice } from './rtnetlink.js';
import { netfilterText, type ShownLink } from './show-link.js';

/** A filter of traffic control, and where it hangs: `clsact/ingress`, `htb`, … */
export interface ShownFilter extends BpfFilter {
  readonly kind: string;
}

/** A program attached by tcx or netkit. */
export interface DeviceProg {
  /** A number of enum bpf_attach_type. */
  readonly attachType: number;
  /** Absent if it has none, or is gone. */
  readonly name?: string;
  readonly progId: number;
  readonly progFlags: number;
  /** 0 for none. */
  readonly linkId: number;
  readonly linkFlags: number;
}

export interface ShownDevice extends NetDevice {
  readonly progs: readonly DeviceProg[];
  readonly filters: readonly ShownFilter[];
}

/** What is attached in a network namespace. */
export interface ShownNet {
  readonly devices: readonly ShownDevice[];
  /** Id of the program; absent for none. */
  readonly flowDissector?: number;
  readonly netfilter: readonly ShownLink['info'][];
}

/** `tcx/ingress`, as the attach type is called here: tcx_ingress. */
const placeOf = (attachType: number): string => String(attachTypeName(attachType)).replace('_', '/');

/** The bits that are set, as numbers: 1, 4, … */
const bits = (flags: number): number[] =>
  Array.from({ length: 32 }, (_, bit) => (1 << bit) >>> 0).filter((bit) => (flags & bit) !== 0);

const headOf = ({ name, ifindex }: NetDevice) => ({ devname: name === '' ? undefined : name, ifindex });

export function netJson({ devices, flowDissector, netfilter }: ShownNet): Json {
  return {
    xdp: devices.flatMap((device) => xdpJson(device) ?? []),
    tc: devices.flatMap((device) => [
      ...device.progs.map((prog) => ({
        ...headOf(device),
        kind: placeOf(prog.attachType),
        name: prog.name,
        prog_id: prog.progId,
        prog_flags: bits(prog.progFlags),
        link_id: prog.linkId,
        link_flags: bits(prog.linkFlags),
      })),
      ...device.filters.map((filter) => ({
        ...headOf(device),
        kind: filter.kind,
        name: filter.name,
        id: filter.id,
        act: filter.actions?.map(({ name, id }) => ({ name, id })),
      })),
    ]),
    flow_dissector: flowDissector === undefined ? [] : [{ id: flowDissector }],
    netfilter: netfilter.map(({ fields, progId }) => ({
      pf: fields.pf,
      hook: fields.hooknum,
      prio: fields.priority,
      flags: fields.flags,
      id: progId,
    })),
  };
}

function xdpJson(device: NetDevice): Json | undefined {
  if (!device.xdp) return undefined;
  const { isMulti, programs } = device.xdp;
  return { ...headOf(device), ...(isMulti ? { multi_attachments: [...programs] } : programs[0]) };
}

export function netText({ devices, flowDissector, netfilter }: ShownNet): string {
  const xdp = devices.map((device) =>
    device.xdp ? `${headText(device)}${device.xdp.programs.map(({ mode, id }) => ` ${mode} id ${id}`).join('')}\n` : '',
  );
  const tc = devices.flatMap((device) => [
    ...device.progs.map((prog) => `${headText(device)}${progText(prog)}\n`),
    ...device.filters.map((filter) => `${headText(device)}${filterText(filter)}\n`),
  ]);
  const filters = netfilter.map((info) => `${netfilterText({ info, pids: [] })} prog_id ${info.progId}`);
  return (
    `xdp:\n${xdp.join('')}\ntc:\n${tc.join('')}\n` +
    `flow_dissector:\n${flowDissector === undefined ? '' : `id ${flowDissector}`}\nnetfilter:\n${filters.join('')}\n`
  );
}

const headText = ({ name, ifindex }: NetDevice): string => `${name}(${ifindex})`;

function progText({ attachType, name, progId, progFlags, linkId, linkFlags }: DeviceProg): string {
  const flags = (what: string, value: number) =>
    value === 0
      ? ''
      : `${what} ${bits(value)
          .map((bit) => `${bit} `)
          .join('')}`;
  const head = ` ${placeOf(attachType)}${name === undefined ? '' : ` ${name}`} prog_id ${progId} `;
  const link = linkId === 0 ? '' : `link_id ${linkId} ${flags('link_flags', linkFlags)}`;
  return `${head}${flags('prog_flags', progFlags)}${link}`;
}

function filterText({ kind, name, id, actions }: ShownFilter): string {
  const named = (prog: NamedProg, gap: string) =>
    `${prog.name === undefined ? '' : `${gap}${prog.name}`}${prog.id === undefined ? '' : ` id ${prog.id}`}`;
  const acts = actions ? ` act [${actions.map((action) => `{${named(action, '')}}`).join('')}] ` : '';
  return ` ${kind}${named({ ...(name !== undefined && { name }), ...(id !== undefined && { id }) }, ' ')}${acts}`;
}
