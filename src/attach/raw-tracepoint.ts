// raw_tp/<name>: one command, which makes a link.

import type { BpfFunction, BpfObject } from '../object/index.js';
import { type Step, stepIds, targetOf } from '../plan/index.js';

/** @see libbpf bpf_program__attach_raw_tracepoint_opts, src/libbpf.c */
export function attachRawTracepoint(object: BpfObject, program: BpfFunction): Step[] {
  const name = targetOf(program);
  if (name === undefined) return [];
  return [
    {
      id: stepIds.link(program.name),
      why: `runs ${program.name} at each raw tracepoint ${name}, for as long as this descriptor is open`,
      where: { ...object.where, program: program.name, section: program.section },
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_RAW_TRACEPOINT_OPEN',
      attr: { name, prog_fd: { fd: stepIds.program(program.name) } },
    },
  ];
}
