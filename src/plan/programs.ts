// A linked program -> the step that loads it, with every answer of the kernel's in its instructions.

import { UnsupportedError, type Where } from '../errors.js';
import { insnCount, patchInsn } from '../insn/index.js';
import { type BpfFunction, type BpfObject, kernelName, type LinkedProgram, nearestSection } from '../object/index.js';
import { BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS } from '../uapi/bpf.js';
import { BPF_ATTACH_TYPE, BPF_PROG_TYPE } from '../uapi/enums.js';
import { BPF_INSN_SZ, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, CALL } from '../uapi/insn.js';
import { type AttachTarget, attachTarget } from './attach-target.js';
import { type ExternAnswers, type OpenSlot, patchExtern } from './externs.js';
import type { KernelFacts } from './facts.js';
import type { Attr, BpfStep, FdRef, Step, WithFds } from './step.js';
import { stepIds } from './step-ids.js';
import { type StructOpsAnswers, structOpsTarget } from './struct-ops.js';

/** What is known of the machine, and follows from it for the whole object. */
export interface Answers {
  readonly facts: KernelFacts;
  readonly externs: ExternAnswers;
  readonly structOps: StructOpsAnswers;
}

/** Of a log that is asked for; it grows where it is too small. */
export const LOG_SIZE = 1 << 20;

const WITHOUT_TYPES = {
  fd: stepIds.btf,
  fields: [
    ...['prog_btf_fd', 'func_info_rec_size', 'func_info', 'func_info_cnt'],
    ...['line_info_rec_size', 'line_info', 'line_info_cnt'],
  ],
} as const;

/** The step that loads a program. */
export type LoadStep = BpfStep & { readonly attr: { readonly insns: WithFds } };

/**
 * Its load, then what is done with the program besides.
 * @throws {UnsupportedError} for a section that says no type; {RelocationError} where an answer does not fit an instruction.
 * @see libbpf bpf_object_load_prog, src/libbpf.c
 */
export function planProgram(object: BpfObject, linked: LinkedProgram, answers: Answers): [LoadStep, ...Step[]] {
  const { program } = linked;
  const { def } = program;
  const where = { ...object.where, program: program.name, section: program.section };
  if (!def)
    throw new UnsupportedError(`Section name "${program.section}" says no program type`, {
      where,
      remedy: `${similarSection(program.section)}The names are libbpf's: docs.kernel.org/bpf/libbpf/program_types.html.`,
    });
  const { facts } = answers;
  const id = stepIds.program(program.name);
  const flags = (def.sleepable ? BPF_F_SLEEPABLE : 0) | (def.frags ? BPF_F_XDP_HAS_FRAGS : 0) | (program.flags ?? 0);
  const target = targetOf(object, linked, answers);
  const { modules } = answers.externs;
  const attr: LoadStep['attr'] = {
    prog_type: BPF_PROG_TYPE[def.type],
    insn_cnt: insnCount(linked.insns),
    insns: withAnswers(object, linked, answers.externs, where),
    license: object.license,
    ...(program.logLevel && { log_level: program.logLevel, log_size: LOG_SIZE, log_buf: new Uint8Array(LOG_SIZE) }),
    kern_version: object.kernVersion ?? facts.kernelVersion,
    ...(flags !== 0 && { prog_flags: flags }),
    prog_name: kernelName(program.name),
    ...expectedAttachType(program),
    ...(isMultiUprobe(program) && hasMultiUprobe(facts) && { expected_attach_type: BPF_ATTACH_TYPE.BPF_TRACE_UPROBE_MULTI }),
    ...(target?.member !== undefined && { expected_attach_type: target.member }),
    ...typeInfo(object, linked, facts),
    ...(target && { attach_btf_id: target.id }),
    ...(target?.module !== undefined && { attach_btf_obj_fd: { fd: stepIds.module(target.module) } }),
    ...(target?.program !== undefined && { attach_prog_fd: target.program }),
    ...(modules.length > 0 && { fd_array: descriptors(modules.map((name) => ({ fd: stepIds.module(name) }))) }),
  };
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
    ...object.maps
      .filter((map) => map.data?.frozen && map.autocreate)
      .map(
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

function expectedAttachType({ def, expectedAttachType: said = def?.attachType }: BpfFunction): Attr {
  return said ? { expected_attach_type: BPF_ATTACH_TYPE[said] } : {};
}

const isMultiUprobe = ({ def, expectedAttachType: said }: BpfFunction): boolean =>
  said === undefined && def?.multiUprobe === true;

function similarSection(section: string): string {
  const similar = nearestSection(section.replace(/^\?/, ''));
  return similar === undefined ? '' : `Did you mean SEC("${similar}")? `;
}

/** Following a process may be asked for later, at attaching, when it is too late for another attach type. */
const hasMultiUprobe = ({ features }: KernelFacts): boolean =>
  features.get('uprobe_multi') === true && features.get('uprobe_multi_pid') === true;

type Target = AttachTarget & { /** Of a struct_ops structure. */ readonly member?: number };

function targetOf(object: BpfObject, { program }: LinkedProgram, { facts, structOps }: Answers): Target | undefined {
  if (program.type === 'BPF_PROG_TYPE_STRUCT_OPS') return structOpsTarget(object, program, structOps);
  return program.def?.attachBtf ? attachTarget(object, program, program.def, facts) : undefined;
}

/** Functions and source lines; a kernel that knows no types of functions gets neither. */
function typeInfo(object: BpfObject, { funcInfo, lineInfo }: LinkedProgram, { features }: KernelFacts): Attr {
  if (!object.btf || funcInfo.length === 0 || features.get('btf_func') === false) return {};
  return {
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
  };
}

const words = (list: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(list).buffer);

/** Place 0 of the array means the kernel itself. */
const descriptors = (refs: readonly FdRef[]): WithFds => ({
  bytes: new Uint8Array(4 * (refs.length + 1)),
  fds: refs.map((ref, i) => ({ at: 4 * (i + 1), ref })),
});

/** libbpf's number: a call of a helper that does not exist, legal where it cannot be reached. */
export const MAP_POISON = 2_001_000_000;

/**
 * Instructions that load a map's address, or that of a variable in a data section. The variable's offset moves from the first
 * slot of the ld_imm64 to the second; the first takes the descriptor.
 * @see libbpf bpf_object__relocate_data, src/libbpf.c
 */
function withAnswers(object: BpfObject, { insns, references }: LinkedProgram, externs: ExternAnswers, where: Where): WithFds {
  const bytes = insns.slice();
  const open = references.flatMap((reference): OpenSlot[] => {
    const { insn } = reference;
    if (reference.kind === 'extern')
      return patchExtern(bytes, insn, externs.byName.get(reference.name), { ...where, type: reference.name });
    const index = object.maps.findIndex(({ name }) => name === reference.map);
    if (!object.maps[index]?.autocreate) {
      for (const slot of [insn, insn + 1])
        patchInsn(bytes, slot, { code: CALL, dst: 0, src: 0, off: 0, imm: MAP_POISON + index });
      return [];
    }
    if (reference.kind === 'map') patchInsn(bytes, insn, { src: BPF_PSEUDO_MAP_FD, imm: 0 });
    else {
      patchInsn(bytes, insn, { src: BPF_PSEUDO_MAP_VALUE, imm: 0 });
      patchInsn(bytes, insn + 1, { imm: (reference.offset + (object.maps[index]?.data?.offset ?? 0)) | 0 });
    }
    return [{ insn, fd: stepIds.map(reference.map) }];
  });
  return { bytes, fds: open.map(({ insn, fd }) => ({ at: insn * BPF_INSN_SZ + IMM_AT, ref: { fd } })) };
}

/** Where an instruction has its immediate. */
const IMM_AT = 4;
