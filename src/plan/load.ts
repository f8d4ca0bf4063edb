// Object + facts -> the steps that load it: BTF, maps and their contents, programs.

import { isZero } from '../bytes/index.js';
import { UnsupportedError, type Where } from '../errors.js';
import { insnCount, patchInsn } from '../insn/index.js';
import { type BpfMapDef, type BpfObject, kernelName, type LinkedProgram, linkProgram } from '../object/index.js';
import { BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS } from '../uapi/bpf.js';
import { BPF_ATTACH_TYPE, BPF_MAP_TYPE, BPF_PROG_TYPE } from '../uapi/enums.js';
import { BPF_INSN_SZ, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE } from '../uapi/insn.js';
import { RLIM_INFINITY } from '../uapi/resource.js';
import { attachBtfId } from './attach-target.js';
import { type ExternAnswers, patchExtern, resolveExterns } from './externs.js';
import type { KernelFacts } from './facts.js';
import { RING_BUFFERS } from './fit-maps.js';
import { loadable } from './loadable.js';
import type { Attr, BpfStep, FdRef, Step, WithFds } from './step.js';

/** Ids of the steps whose descriptors others refer to. */
export const stepIds = {
  btf: 'btf',
  map: (name: string) => `map ${name}`,
  program: (name: string) => `prog ${name}`,
  link: (program: string) => `link ${program}`,
  iterator: (program: string) => `iterator ${program}`,
} as const;

const U32_ZERO = new Uint8Array(4);

/**
 * The whole load, in order, of an object that is relocated and whose maps are fitted (`fitMaps`).
 * @throws {UnsupportedError} for an object that needs what tsbpf cannot do yet; {RelocationError} when a call leads nowhere.
 */
export function planLoad(object: BpfObject, facts: KernelFacts): Step[] {
  if (!object.littleEndian) {
    throw new UnsupportedError('The object is big-endian; this machine is little-endian', {
      where: object.where,
      remedy: 'Compile with clang -target bpfel, or -target bpf on this machine. Inspecting it works as it is.',
    });
  }
  const { object: filled, answers } = resolveExterns(object, facts);
  return [
    ...planLimits(facts),
    ...planBtf(object),
    ...filled.maps.flatMap((map) => planMap(object, map)),
    ...loadable(object).flatMap((program) => planProgram(object, linkProgram(object, program), facts, answers)),
  ];
}

/** Before 5.11 all BPF memory counted against RLIMIT_MEMLOCK, which starts at 64 KiB. Where it cannot be raised it may still do. */
const planLimits = (facts: KernelFacts): Step[] =>
  facts.features.get('memcg_account') === false
    ? [
        {
          id: 'memlock',
          why: 'kernels before 5.11 charge maps and programs to this limit',
          optional: true,
          call: 'prlimit64',
          resource: 'RLIMIT_MEMLOCK',
          limit: RLIM_INFINITY,
        },
      ]
    : [];

/**
 * Without it the kernel still loads programs; maps and functions only lose their types. So a kernel that refuses it, because it
 * is older than a kind of type or because of a fault in it, is loaded into all the same, as libbpf does.
 */
function planBtf(object: BpfObject): Step[] {
  if (!object.btf) return [];
  const btf = object.btf.toBytes();
  return [
    {
      id: stepIds.btf,
      why: 'the types of this object, which maps and programs refer to',
      optional: true,
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_BTF_LOAD',
      attr: { btf, btf_size: btf.length },
    },
  ];
}

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

const WITHOUT_TYPES = {
  fd: stepIds.btf,
  fields: [
    ...['btf_fd', 'btf_key_type_id', 'btf_value_type_id'],
    ...['prog_btf_fd', 'func_info_rec_size', 'func_info', 'func_info_cnt'],
    ...['line_info_rec_size', 'line_info', 'line_info_cnt'],
  ],
} as const;

function planMap(object: BpfObject, map: BpfMapDef): BpfStep[] {
  if (map.pinned)
    throw new UnsupportedError(`Map ${map.name} is to be pinned, which is not supported yet`, {
      where: { ...object.where, map: map.name },
    });
  const id = stepIds.map(map.name);
  const ref: FdRef = { fd: id };
  const where = { ...object.where, map: map.name };
  const typed =
    object.btf !== undefined &&
    !WITHOUT_BTF.has(map.type) &&
    !RING_BUFFERS.has(map.type) &&
    (map.keyType ?? map.valueType) !== undefined;
  const attr: Attr = {
    map_type: map.type,
    key_size: map.keySize,
    // A ring buffer's value type is only a note of what the records are; the kernel wants no size.
    value_size: RING_BUFFERS.has(map.type) ? 0 : map.valueSize,
    max_entries: map.maxEntries,
    ...(map.flags !== 0 && { map_flags: map.flags }),
    ...(map.numaNode !== 0 && { numa_node: map.numaNode }),
    map_name: map.kernelName,
    ...(typed && { btf_fd: { fd: stepIds.btf }, btf_key_type_id: map.keyType ?? 0, btf_value_type_id: map.valueType ?? 0 }),
    ...(map.extra !== 0n && { map_extra: map.extra }),
  };
  const steps: BpfStep[] = [
    {
      id,
      why: map.data ? `the memory of section ${map.data.section}` : `map ${map.name}`,
      where,
      lessWithout: WITHOUT_TYPES,
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_MAP_CREATE',
      attr,
    },
  ];
  if (map.data && (map.data.frozen || !isZero(map.data.image))) {
    steps.push({
      id: `${id} contents`,
      why: 'its initial contents',
      where,
      call: 'bpf',
      cmd: 'BPF_MAP_UPDATE_ELEM',
      attr: { map_fd: ref, key: U32_ZERO, value: map.data.image, flags: 0 },
    });
  }
  if (map.data?.frozen)
    steps.push({
      id: `${id} freeze`,
      why: 'from now on nobody can change it, so the verifier may rely on its values',
      where,
      call: 'bpf',
      cmd: 'BPF_MAP_FREEZE',
      attr: { map_fd: ref },
    });
  return steps;
}

function planProgram(object: BpfObject, linked: LinkedProgram, facts: KernelFacts, externs: ExternAnswers): Step[] {
  const { program, funcInfo, lineInfo } = linked;
  const { def } = program;
  const where = { ...object.where, program: program.name, section: program.section };
  if (!def)
    throw new UnsupportedError(`Section name "${program.section}" says no program type`, {
      where,
      remedy: 'Use a SEC() name that libbpf documents, such as SEC("tp/sched/sched_process_exec").',
    });
  const id = stepIds.program(program.name);
  const flags = (def.sleepable ? BPF_F_SLEEPABLE : 0) | (def.frags ? BPF_F_XDP_HAS_FRAGS : 0);
  const attr: Attr = {
    prog_type: BPF_PROG_TYPE[def.type],
    insn_cnt: insnCount(linked.insns),
    insns: withAnswers(linked, externs, where),
    license: object.license,
    kern_version: object.kernVersion ?? facts.kernelVersion,
    ...(flags !== 0 && { prog_flags: flags }),
    prog_name: kernelName(program.name),
    ...(def.attachType && { expected_attach_type: BPF_ATTACH_TYPE[def.attachType] }),
    ...(def.attachBtf && { attach_btf_id: attachBtfId(object, program, def, facts) }),
    ...(object.btf &&
      funcInfo.length > 0 && {
        prog_btf_fd: { fd: stepIds.btf },
        func_info_rec_size: 8,
        func_info: words(funcInfo.flatMap(({ insn, type }) => [insn, type])),
        func_info_cnt: funcInfo.length,
        ...(lineInfo.length > 0 && {
          line_info_rec_size: 16,
          line_info: words(
            lineInfo.flatMap(({ insn, fileName, text, line, column }) => [insn, fileName, text, (line << 10) | column]),
          ),
          line_info_cnt: lineInfo.length,
        }),
      }),
  };
  const bound = object.maps.filter((map) => map.data?.frozen);
  return [
    {
      id,
      why: `program ${program.name}, of section ${program.section}`,
      where,
      lessWithout: WITHOUT_TYPES,
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_PROG_LOAD',
      attr,
    },
    ...bound.map(
      (map): Step => ({
        id: `${id} binds ${map.name}`,
        why: 'so that tools that show the program also show its constants',
        where,
        optional: true,
        call: 'bpf',
        cmd: 'BPF_PROG_BIND_MAP',
        attr: { prog_fd: { fd: id }, map_fd: { fd: stepIds.map(map.name) } },
      }),
    ),
  ];
}

const words = (list: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(list).buffer);

/**
 * Instructions that load a map's address, or that of a variable in a data section. The variable's offset moves from the first
 * slot of the ld_imm64 to the second; the first takes the descriptor.
 */
function withAnswers({ insns, references }: LinkedProgram, externs: ExternAnswers, where: Where): WithFds {
  const bytes = insns.slice();
  const fds = references.flatMap((reference) => {
    const at = reference.insn * BPF_INSN_SZ + 4;
    if (reference.kind === 'extern') {
      const map = patchExtern(bytes, reference.insn, externs.get(reference.name), { ...where, type: reference.name });
      return map === undefined ? [] : { at, ref: { fd: stepIds.map(map) } };
    }
    if (reference.kind === 'map') patchInsn(bytes, reference.insn, { src: BPF_PSEUDO_MAP_FD, imm: 0 });
    else {
      patchInsn(bytes, reference.insn, { src: BPF_PSEUDO_MAP_VALUE, imm: 0 });
      patchInsn(bytes, reference.insn + 1, { imm: reference.offset | 0 });
    }
    return { at, ref: { fd: stepIds.map(reference.map) } };
  });
  return { bytes, fds };
}
