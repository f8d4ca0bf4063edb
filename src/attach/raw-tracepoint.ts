// raw_tp/<name>: one command, which makes a link.

import type { BpfFunction } from '../object/index.js';
import { type Step, stepIds, tracepointOf } from '../plan/index.js';

/** @see libbpf bpf_program__attach_raw_tracepoint_opts, src/libbpf.c */
export function attachRawTracepoint(program: BpfFunction): Step[] {
  const name = tracepointOf(program.section);
  if (name === undefined) return [];
  return [
    {
      id: stepIds.link(program.name),
      why: `runs ${program.name} at each raw tracepoint ${name}, for as long as this descriptor is open`,
      makes: 'fd',
      call: 'bpf',
      cmd: 'BPF_RAW_TRACEPOINT_OPEN',
      attr: { name, prog_fd: { fd: stepIds.program(program.name) } },
    },
  ];
}
