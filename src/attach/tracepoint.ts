// tp/<category>/<name>: a perf event on the tracepoint, and the program on the perf event.

import { FormatError, UnsupportedError } from '../errors.js';
import type { BpfFunction, BpfObject } from '../object/index.js';
import { type KernelFacts, type Step, stepIds, targetOf, tracepointOf } from '../plan/index.js';
import { BPF_ATTACH_TYPE } from '../uapi/enums.js';
import { PERF_ATTR_SIZE_VER0, PERF_FLAG_FD_CLOEXEC, PERF_TYPE } from '../uapi/perf-event.js';

/**
 * A link where the kernel has links on perf events (5.15), else the older ioctl.
 * @see libbpf bpf_program__attach_tracepoint and bpf_program__attach_perf_event_opts, src/libbpf.c
 */
export function attachTracepoint(object: BpfObject, program: BpfFunction, facts: KernelFacts): Step[] {
  if (targetOf(program) === undefined) return []; // a bare `tp` is for its user to attach
  const target = tracepointOf(program);
  const where = { ...object.where, program: program.name, section: program.section };
  if (target === undefined)
    throw new FormatError(`Section "${program.section}" names no tracepoint`, {
      where,
      remedy: 'Write SEC("tp/<category>/<name>"), for example SEC("tp/sched/sched_process_exec").',
    });
  const id = facts.tracepointIds.get(target);
  if (id === undefined) throw new UnsupportedError(`The id of tracepoint ${target} is not among the facts`, { where });

  const event = `perf event ${target} for ${program.name}`;
  const prog = { fd: stepIds.program(program.name) };
  const attach: Step = facts.features.get('perf_link')
    ? {
        id: stepIds.link(program.name),
        why: `runs ${program.name} at each ${target}, for as long as this descriptor is open`,
        where,
        makes: 'fd',
        call: 'bpf',
        cmd: 'BPF_LINK_CREATE',
        attr: { prog_fd: prog, target_fd: { fd: event }, attach_type: BPF_ATTACH_TYPE.BPF_PERF_EVENT },
      }
    : {
        id: stepIds.link(program.name),
        why: `runs ${program.name} at each ${target}, for as long as the perf event is open`,
        where,
        call: 'ioctl',
        on: { fd: event },
        request: 'PERF_EVENT_IOC_SET_BPF',
        arg: prog,
      };
  return [
    {
      id: event,
      why: `a perf event for tracepoint ${target}, whose id is ${id}; it fires on every CPU, although one must be named`,
      where,
      makes: 'fd',
      call: 'perf_event_open',
      attr: { type: PERF_TYPE.PERF_TYPE_TRACEPOINT, size: PERF_ATTR_SIZE_VER0, config: id },
      pid: -1,
      cpu: 0,
      flags: PERF_FLAG_FD_CLOEXEC,
    },
    attach,
    { id: `${event} enable`, why: 'start it', where, call: 'ioctl', on: { fd: event }, request: 'PERF_EVENT_IOC_ENABLE', arg: 0 },
  ];
}
