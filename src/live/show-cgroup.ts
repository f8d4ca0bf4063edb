// `cgroup show` and `cgroup tree`: programs attached to groups of processes, as text and as JSON.

import type { Json } from './json.js';
import { attachTypeName } from './names.js';

/** A program attached to a cgroup, or to one above it. */
export interface CgroupProg {
  readonly id: number;
  /** A number of enum bpf_attach_type. */
  readonly attachType: number;
  /** Absent where effective programs are asked for: the kernel does not tell. */
  readonly attachFlags?: number;
  readonly name: string;
  /** Types of the function that it hooks into; 0 for most. */
  readonly attachBtfObjId: number;
  readonly attachBtfId: number;
  /** The name of that function; empty where there is none, absent where it is not known. */
  readonly attachBtfName?: string;
}

/** A cgroup with its programs, of which there is at least one. */
export interface ShownCgroup {
  readonly path: string;
  /** Whether the tree starts here. */
  readonly isRoot: boolean;
  readonly progs: readonly CgroupProg[];
}

const FLAGS: Readonly<Record<number, string>> = { 0: '', 1: 'override', 2: 'multi' };
const flagsText = (flags: number): string => FLAGS[flags] ?? `unknown(${flags.toString(16)})`;

const column = (value: string | number): string => String(value).padEnd(15);

const cgroupProgJson = (prog: CgroupProg): Json => ({
  id: prog.id,
  attach_type: attachTypeName(prog.attachType),
  attach_flags: prog.attachFlags === undefined ? undefined : flagsText(prog.attachFlags),
  name: prog.name,
  attach_btf_name: prog.attachBtfName,
  attach_btf_obj_id: prog.attachBtfObjId,
  attach_btf_id: prog.attachBtfId,
});

function cgroupProgText(prog: CgroupProg): string {
  const type = attachTypeName(prog.attachType);
  const shownType = typeof type === 'string' ? column(type) : `type ${String(type).padEnd(10)}`;
  const flags = prog.attachFlags === undefined ? '' : ` ${column(flagsText(prog.attachFlags))}`;
  const ids = prog.attachBtfId ? ` attach_btf_obj_id=${prog.attachBtfObjId} attach_btf_id=${prog.attachBtfId}` : '';
  const target = prog.attachBtfName === undefined ? ids : ` ${column(prog.attachBtfName)}`;
  return `${String(prog.id).padEnd(8)} ${shownType}${flags} ${column(prog.name)}${target}\n`;
}

const headings = (isEffective: boolean): string =>
  `${['ID'.padEnd(8), ...['AttachType', ...(isEffective ? [] : ['AttachFlags']), 'Name'].map(column)].join(' ')}\n`;

export const cgroupJson = (progs: readonly CgroupProg[]): Json => progs.map(cgroupProgJson);

/** Nothing for a cgroup without programs. */
export const cgroupText = (progs: readonly CgroupProg[], isEffective: boolean): string =>
  progs.length === 0 ? '' : `${headings(isEffective)}${progs.map(cgroupProgText).join('')}`;

export const cgroupTreeJson = (cgroups: readonly ShownCgroup[]): Json =>
  cgroups.map(({ path, progs }) => ({ cgroup: path, programs: progs.map(cgroupProgJson) }));

export const cgroupTreeText = (cgroups: readonly ShownCgroup[], isEffective: boolean): string =>
  `CgroupPath\n${headings(isEffective)}${cgroups
    .map(
      ({ path, isRoot, progs }) => `${path}\n${progs.map((prog) => `${isRoot ? '' : '    '}${cgroupProgText(prog)}`).join('')}`,
    )
    .join('')}`;
