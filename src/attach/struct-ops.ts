// struct_ops: the structure is written to its map, and the kernel takes it into use.

import type { BpfMapDef, BpfObject } from '../object/index.js';
import { type KernelStructOps, type Step, stepIds } from '../plan/index.js';
import { BPF_ATTACH_TYPE } from '../uapi/enums.js';

const KEY = new Uint8Array(4);

/** @see libbpf bpf_map__attach_struct_ops, src/libbpf.c */
export function attachStructOps(object: BpfObject, map: BpfMapDef, { value }: KernelStructOps): Step[] {
  const where = { ...object.where, map: map.name };
  const map_fd = { fd: stepIds.map(map.name) };
  const hasLink = map.structOps?.link === true;
  const write: Step = {
    id: `${map.name} written`,
    why: hasLink
      ? `the functions of ${map.name}, for the kernel to check`
      : `the kernel calls the functions of ${map.name} from now on`,
    where,
    call: 'bpf',
    cmd: 'BPF_MAP_UPDATE_ELEM',
    attr: { map_fd, key: KEY, value, flags: 0 },
    ...(hasLink ? { doneIf: 'EBUSY' } : { end: { call: 'bpf', cmd: 'BPF_MAP_DELETE_ELEM', attr: { map_fd, key: KEY } } }),
  };
  if (!hasLink) return [write];
  return [
    write,
    {
      id: stepIds.link(map.name),
      why: `the kernel calls the functions of ${map.name}, for as long as this descriptor is open`,
      where,
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_LINK_CREATE',
      attr: { prog_fd: map_fd, attach_type: BPF_ATTACH_TYPE.BPF_STRUCT_OPS },
    },
  ];
}
