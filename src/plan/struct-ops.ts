// struct_ops: an object's structure of functions in the form that this kernel has it.

import {
  type Btf,
  type BtfMember,
  type BtfOf,
  essentialName,
  findOwnType,
  findType,
  resolved,
  sizeOf,
  type TypeId,
} from '../btf/index.js';
import { FormatError, RelocationError, UnsupportedError, type Where } from '../errors.js';
import type { BpfFunction, BpfMapDef, BpfObject, StructOps } from '../object/index.js';
import type { AttachTarget } from './attach-target.js';
import { findKernelType, type KernelTypes } from './kernel-types.js';
import type { WithFds } from './step.js';
import { stepIds } from './step-ids.js';

/** The kernel's side of a struct_ops map. */
export interface KernelStructOps {
  /** `struct bpf_struct_ops_X`, the kernel's value type of such a map, and its size. */
  readonly wrapper: TypeId;
  readonly size: number;
  /** `struct X` itself. */
  readonly type: TypeId;
  readonly module?: string;
  /** By program: the number of the member that it stands in for, in the kernel's structure. */
  readonly members: ReadonlyMap<string, number>;
  /** What is written to the map to attach it, with descriptors of programs where the functions go. */
  readonly value: WithFds;
}
/** By name of the map. */
export type StructOpsAnswers = ReadonlyMap<string, KernelStructOps>;

const WRAPPER = 'bpf_struct_ops_';
/** Far more than any structure of the kernel's has. */
const MOST_BYTES = 1 << 20;

/** The names that the structures of an object have in the kernel. */
export const structOpsNames = (object: BpfObject): string[] =>
  object.maps.flatMap(({ structOps, autocreate }) =>
    structOps && autocreate && object.btf ? [WRAPPER + essentialName(object.btf.name(structOps.type))] : [],
  );

/**
 * @throws {UnsupportedError} when this kernel lacks a structure, or a member that is set; {RelocationError} when a member is of
 *         another kind there, or a program stands in for two members.
 * @see libbpf bpf_map__init_kern_struct_ops, src/libbpf.c
 */
export function resolveStructOps(object: BpfObject, types: KernelTypes): StructOpsAnswers {
  const answers = new Map<string, KernelStructOps>();
  const uses = new Map<string, { readonly type: TypeId; readonly member: number }>();
  for (const map of object.maps) {
    if (!map.structOps || !map.autocreate || !object.btf) continue;
    const where = { ...object.where, map: map.name };
    const answer = resolveOne(object.btf, map, map.structOps, types, where);
    for (const [program, member] of answer.members) {
      const other = uses.get(program);
      if (other && (other.type !== answer.type || other.member !== member))
        throw new RelocationError(`Program ${program} stands in for two functions of the kernel's`, {
          where: { ...where, program },
          remedy: 'Write one program for each: the verifier checks it against the function that it stands in for.',
        });
      uses.set(program, { type: answer.type, member });
    }
    answers.set(map.name, answer);
  }
  return answers;
}

function resolveOne(btf: Btf, map: BpfMapDef, ops: StructOps, types: KernelTypes, where: Where): KernelStructOps {
  const local = resolved(btf, ops.type) as BtfOf<'STRUCT'>;
  const name = essentialName(local.name);
  const found = findKernelType(types, WRAPPER + name, 'STRUCT');
  const find = found?.module === undefined ? findType : findOwnType;
  const type = found && (find(found.btf, name, 'STRUCT') ?? findType(found.btf, name, 'STRUCT'));
  const wrapper = found?.btf.type(found.id);
  const data = wrapper?.kind === 'STRUCT' ? wrapper.members.find((member) => member.type === type) : undefined;
  if (!found || type === undefined || wrapper?.kind !== 'STRUCT' || !data)
    throw new UnsupportedError(`BPF programs cannot stand in for the functions of struct ${name} in this kernel`, {
      where: { ...where, type: name },
      remedy: `Its BTF has no struct ${WRAPPER}${name}: the kernel is older than this feature, or built without it, or a module has it that is not loaded.`,
    });
  const kernel = found.btf.type(type) as BtfOf<'STRUCT'>;
  if (wrapper.size > MOST_BYTES || data.bitOffset / 8 + kernel.size > wrapper.size)
    throw new FormatError(`The kernel's struct ${WRAPPER}${name} takes ${wrapper.size} bytes, which cannot be`, {
      where: { ...where, type: name },
      remedy: 'Are these types of a kernel? Name a file with others: --btf FILE.',
    });
  const bytes = new Uint8Array(wrapper.size);
  const fds: { at: number; ref: { fd: string } }[] = [];
  const members = new Map<string, number>();
  for (const [index, member] of local.members.entries()) {
    const at = { ...where, type: `${name}.${member.name}` };
    const target = kernel.members.findIndex((candidate) => candidate.name === member.name);
    const program = ops.programs.get(index);
    const size = sizeOf(btf, member.type);
    const image = ops.image.subarray(member.bitOffset / 8, member.bitOffset / 8 + size);
    const there = kernel.members[target];
    if (!there) {
      if (program === undefined && image.every((byte) => byte === 0)) continue;
      throw new UnsupportedError(`struct ${name} has no member ${member.name} in this kernel, and ${map.name} sets it`, {
        where: at,
        remedy: `For kernels without it, leave it out before loading: object.structOps('${map.name}').${member.name} = ${program === undefined ? '0' : 'null'}.`,
      });
    }
    checkSame(btf, member, found.btf, there, at);
    const offset = (data.bitOffset + there.bitOffset) / 8;
    if (offset + size > wrapper.size)
      throw new FormatError(`Member ${member.name} of the kernel's struct ${name} ends past its ${wrapper.size} bytes`, {
        where: at,
      });
    if (resolved(btf, member.type).kind !== 'PTR') bytes.set(image, offset);
    else if (program !== undefined) {
      members.set(program, target);
      fds.push({ at: offset, ref: { fd: stepIds.program(program) } });
    }
  }
  const { module } = found;
  return { wrapper: found.id, size: wrapper.size, type, ...(module !== undefined && { module }), members, value: { bytes, fds } };
}

function checkSame(btf: Btf, local: BtfMember, kernelBtf: Btf, kernel: BtfMember, where: Where): void {
  const [ours, theirs] = [resolved(btf, local.type), resolved(kernelBtf, kernel.type)];
  const refuse = (what: string) =>
    new UnsupportedError(`Member ${local.name} ${what}`, {
      where,
      remedy: 'Declare the structure as this kernel has it: bpftool btf dump file /sys/kernel/btf/vmlinux format c.',
    });
  if (local.bitfieldSize || kernel.bitfieldSize) throw refuse('is a bitfield, which struct_ops does not support');
  if (ours.kind !== theirs.kind) throw refuse(`is ${ours.kind} in the object, ${theirs.kind} in the kernel`);
  if (ours.kind === 'PTR') return;
  const sizes = [sizeOf(btf, local.type), sizeOf(kernelBtf, kernel.type)];
  if (sizes[0] !== sizes[1]) throw refuse(`takes ${sizes[0]} bytes in the object, ${sizes[1]} in the kernel`);
}

/**
 * What a struct_ops program is verified against.
 * @throws {UnsupportedError} for a program that no structure refers to.
 */
export function structOpsTarget(
  object: BpfObject,
  program: BpfFunction,
  answers: StructOpsAnswers,
): AttachTarget & { readonly member: number } {
  for (const { type, module, members } of answers.values()) {
    const member = members.get(program.name);
    if (member !== undefined) return { id: type, ...(module !== undefined && { module }), member };
  }
  throw new UnsupportedError(`No structure refers to program ${program.name}`, {
    where: { ...object.where, program: program.name, section: program.section },
    remedy: `Set a member of a variable in SEC(".struct_ops.link") to (void *)${program.name}, or leave it out: object.program('${program.name}').autoload = false, or SEC("?${program.section.replace(/^\?/, '')}").`,
  });
}
