// A map -> the steps that create and fill it.

import { isZero } from '../bytes/index.js';
import { FormatError, UnsupportedError, type Where } from '../errors.js';
import { ARENA_SECTION, type BpfMapDef, type BpfObject, isArena } from '../object/index.js';
import { BPF_F_SEGV_ON_FAULT, BPF_F_VTYPE_BTF_OBJ_FD } from '../uapi/bpf.js';
import { BPF_MAP_TYPE } from '../uapi/enums.js';
import type { KernelFacts } from './facts.js';
import { RING_BUFFERS } from './fit-maps.js';
import { planPin, planReuse } from './pins.js';
import type { Attr, FdRef, Step, WithFds } from './step.js';
import { stepIds } from './step-ids.js';
import type { KernelStructOps } from './struct-ops.js';

const TYPE = BPF_MAP_TYPE;
/** Map types for which the kernel takes no BTF. */
const WITHOUT_BTF: ReadonlySet<number> = new Set([
  TYPE.BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  TYPE.BPF_MAP_TYPE_CGROUP_ARRAY,
  TYPE.BPF_MAP_TYPE_STACK_TRACE,
  TYPE.BPF_MAP_TYPE_ARRAY_OF_MAPS,
  TYPE.BPF_MAP_TYPE_HASH_OF_MAPS,
  TYPE.BPF_MAP_TYPE_DEVMAP,
  TYPE.BPF_MAP_TYPE_DEVMAP_HASH,
  TYPE.BPF_MAP_TYPE_CPUMAP,
  TYPE.BPF_MAP_TYPE_XSKMAP,
  TYPE.BPF_MAP_TYPE_SOCKMAP,
  TYPE.BPF_MAP_TYPE_SOCKHASH,
  TYPE.BPF_MAP_TYPE_QUEUE,
  TYPE.BPF_MAP_TYPE_STACK,
  TYPE.BPF_MAP_TYPE_ARENA,
]);

/** What tells the kernel the types of keys and values; a map is of use without. */
export const MAP_TYPE_FIELDS: readonly string[] = ['btf_fd', 'btf_key_type_id', 'btf_value_type_id'];

/**
 * @throws {UsageError} when something else is pinned where this map wants to be; {FormatError} for an arena too
 *         small for its variables; {UnsupportedError} for one that kills who writes them.
 * @see libbpf bpf_object__create_maps, src/libbpf.c
 */
export function planMap(object: BpfObject, map: BpfMapDef, facts: KernelFacts, kernel: KernelStructOps | undefined): Step[] {
  const reuse = planReuse(object, map, facts);
  if (reuse) return [reuse];
  const where = { ...object.where, map: map.name };
  if (map.reuse) return [takeOver(map, map.reuse.fd, where), ...planPin(map, where)];
  return [
    ...create(object, map, stepIds.map(map.name), where, kernel),
    ...contents(map, where),
    ...(isArena(map) ? arenaMemory(map, facts, where) : []),
    ...(map.type === TYPE.BPF_MAP_TYPE_PROG_ARRAY ? [] : slots(map, stepIds.map, where)),
    ...planPin(map, where),
  ];
}

/** The session has a descriptor of its own, so that whoever gave this one may close it. */
const takeOver = ({ name }: BpfMapDef, from: number, where: Where): Step => ({
  id: stepIds.map(name),
  why: `map ${name}, which is there already`,
  where,
  makes: 'fd',
  call: 'fcntl',
  request: 'F_DUPFD_CLOEXEC',
  from,
});

/** Programs go into program arrays, once they exist. */
export const planProgramSlots = (object: BpfObject, map: BpfMapDef): Step[] =>
  map.type === TYPE.BPF_MAP_TYPE_PROG_ARRAY ? slots(map, stepIds.program, { ...object.where, map: map.name }) : [];

function create(object: BpfObject, map: BpfMapDef, id: string, where: Where, kernel?: KernelStructOps): Step[] {
  const isRing = RING_BUFFERS.has(map.type);
  const flags = map.flags | (kernel?.module === undefined ? 0 : BPF_F_VTYPE_BTF_OBJ_FD);
  const inner = map.inner && stepIds.inner(map.name);
  const attr: Attr = {
    map_type: map.type,
    key_size: map.keySize,
    // A ring buffer's value type is only a note of what the records are; the kernel wants no size.
    value_size: isRing ? 0 : (kernel?.size ?? map.valueSize),
    max_entries: map.maxEntries,
    ...(flags !== 0 && { map_flags: flags }),
    ...(inner && { inner_map_fd: { fd: inner } }),
    ...(map.numaNode !== 0 && { numa_node: map.numaNode }),
    map_name: map.kernelName,
    ...(object.btf && !WITHOUT_BTF.has(map.type) && { btf_fd: { fd: stepIds.btf }, ...(!isRing && typeIds(map)) }),
    ...(kernel && { btf_vmlinux_value_type_id: kernel.wrapper }),
    ...(kernel?.module !== undefined && { value_type_btf_obj_fd: { fd: stepIds.module(kernel.module) } }),
    ...(map.extra !== 0n && { map_extra: map.extra }),
  };
  return [
    ...(map.inner && inner ? create(object, map.inner, inner, where) : []),
    {
      id,
      why: whyOf(map, id),
      where,
      lessWithout: { fd: stepIds.btf, fields: MAP_TYPE_FIELDS },
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_MAP_CREATE',
      attr,
    },
    ...(inner ? [{ id: `${inner} closed`, why: 'it was only a model', where, call: 'close', on: { fd: inner } } as const] : []),
  ];
}

function whyOf(map: BpfMapDef, id: string): string {
  if (map.structOps) return `struct_ops ${map.name}: the functions that the kernel will call`;
  if (map.data && !isArena(map)) return `the memory of section ${map.data.section}`;
  return id;
}

/** The kernel knows the value of a struct_ops map by its own types. */
const typeIds = ({ keyType, valueType, structOps }: BpfMapDef): Attr =>
  (keyType ?? valueType) === undefined || structOps ? {} : { btf_key_type_id: keyType ?? 0, btf_value_type_id: valueType ?? 0 };

const U32_ZERO = new Uint8Array(4);

/** The one value of a data section; a copy, because a plan stays what it is when variables are set later. */
function contents(map: BpfMapDef, where: Where): Step[] {
  if (!map.data || isArena(map)) return [];
  const id = stepIds.map(map.name);
  const { image, frozen } = map.data;
  const steps: Step[] = [];
  if (frozen || !isZero(image))
    steps.push({
      id: `${id} contents`,
      why: 'its initial contents',
      where,
      call: 'bpf',
      cmd: 'BPF_MAP_UPDATE_ELEM',
      attr: { map_fd: { fd: id }, key: U32_ZERO, value: image.slice(), flags: 0 },
    });
  if (frozen)
    steps.push({
      id: `${id} freeze`,
      why: 'from now on nobody can change it, so the verifier may rely on its values',
      where,
      call: 'bpf',
      cmd: 'BPF_MAP_FREEZE',
      attr: { map_fd: { fd: id } },
    });
  return steps;
}

/** Programs reach an arena at the address where user space has it, so it is mapped before they are loaded. */
function arenaMemory(map: BpfMapDef, { pageSize }: KernelFacts, where: Where): Step[] {
  const length = map.maxEntries * pageSize;
  const image = map.data?.image;
  if (image && image.length > length)
    throw new FormatError(`The variables of ${ARENA_SECTION} take ${image.length} bytes, the arena ${map.name} has ${length}`, {
      where,
      remedy: `Give it a max_entries of at least ${Math.ceil(image.length / pageSize)} pages.`,
    });
  if (image && (map.flags & BPF_F_SEGV_ON_FAULT) !== 0)
    throw new UnsupportedError(`The variables of ${ARENA_SECTION} cannot be written to the arena ${map.name}`, {
      where,
      remedy: 'Its flag BPF_F_SEGV_ON_FAULT kills a process that touches a page which no program has allocated: leave it out.',
    });
  return [
    {
      id: stepIds.memory(map.name),
      why: image
        ? 'the memory that programs and user space share, with its variables'
        : 'the memory that programs and user space share',
      where,
      makes: 'memory',
      call: 'mmap',
      on: { fd: stepIds.map(map.name) },
      address: map.extra,
      length,
      ...(image && { contents: image, contentsAt: map.data?.offset ?? 0 }),
    },
  ];
}

/** Initial values that are descriptors. */
const slots = (map: BpfMapDef, idOf: (name: string) => string, where: Where): Step[] =>
  (map.slots ?? []).map(({ index, name }) => ({
    id: `${stepIds.map(map.name)} [${index}]`,
    why: `its value ${index} is ${name}`,
    where,
    call: 'bpf',
    cmd: 'BPF_MAP_UPDATE_ELEM',
    attr: {
      map_fd: { fd: stepIds.map(map.name) },
      key: new Uint8Array(Uint32Array.of(index).buffer),
      value: descriptor({ fd: idOf(name) }),
      flags: 0,
    },
  }));

const descriptor = (ref: FdRef): WithFds => ({ bytes: new Uint8Array(4), fds: [{ at: 0, ref }] });
