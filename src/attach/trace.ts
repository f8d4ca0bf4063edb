// tp_btf, fentry, fexit, fmod_ret, fsession and lsm: what a program hooks into was settled by its load; attaching makes the link.

import { UnsupportedError } from '../errors.js';
import type { BpfFunction, BpfObject } from '../object/index.js';
import { kernelTargetOf, type Step, stepIds } from '../plan/index.js';
import { BPF_ATTACH_TYPE, type BpfAttachType } from '../uapi/enums.js';

interface Hook {
  readonly when: (target: string) => string;
  /** Kernels before 5.19 have no LINK_CREATE for it, but the command that opens raw tracepoints takes the program, without a name. */
  readonly older: boolean;
}

const HOOKS: Readonly<Partial<Record<BpfAttachType, Hook>>> = {
  BPF_TRACE_RAW_TP: { when: (name) => `at each tracepoint ${name}`, older: true },
  BPF_TRACE_FENTRY: { when: (name) => `whenever ${name} is called`, older: true },
  BPF_TRACE_FEXIT: { when: (name) => `whenever ${name} returns`, older: true },
  BPF_MODIFY_RETURN: { when: (name) => `before ${name}, which it may keep from running`, older: true },
  BPF_LSM_MAC: { when: (name) => `at the LSM hook ${name}, where it may say no`, older: true },
  BPF_TRACE_FSESSION: { when: (name) => `whenever ${name} is called, and when it returns`, older: false },
};

/** A program that replaces another's function names it in its load, so only the replaced program's user sees when it runs. */
const REPLACE: Hook = { when: (name) => `in place of ${name}`, older: true };

/** @see libbpf bpf_program__attach_btf_id, src/libbpf.c, and bpf_link_create, src/bpf.c, for older kernels */
export function attachTrace(object: BpfObject, program: BpfFunction): Step[] {
  const where = { ...object.where, program: program.name, section: program.section };
  const type = program.def?.attachType;
  const hook = program.type === 'BPF_PROG_TYPE_EXT' ? REPLACE : type && HOOKS[type];
  if (!hook) throw new UnsupportedError(`Attaching programs of section "${program.section}" is not supported yet`, { where });
  const prog_fd = { fd: stepIds.program(program.name) };
  return [
    {
      id: stepIds.link(program.name),
      why: `runs ${program.name} ${hook.when(program.targetProgram?.name ?? kernelTargetOf(program)?.name ?? '')}, for as long as this descriptor is open`,
      where,
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_LINK_CREATE',
      attr: { prog_fd, attach_type: type ? BPF_ATTACH_TYPE[type] : 0 },
      ...(hook.older && {
        otherwise: {
          errno: 'EINVAL',
          why: 'kernels before 5.19 attach such programs by another command',
          call: { call: 'bpf', cmd: 'BPF_RAW_TRACEPOINT_OPEN', attr: { prog_fd } },
        },
      }),
    },
  ];
}
