// iter/<name>: a link that iterators are made of. The program runs when one of them is read, once for each thing that it lists.

import type { BpfFunction, BpfObject } from '../object/index.js';
import { type Step, stepIds } from '../plan/index.js';
import { BPF_ATTACH_TYPE } from '../uapi/enums.js';

/** @see libbpf bpf_program__attach_iter, src/libbpf.c */
export const attachIter = (object: BpfObject, program: BpfFunction): Step[] => [
  {
    id: stepIds.link(program.name),
    why: `lets ${program.name} be read as an iterator, for as long as this descriptor is open`,
    where: { ...object.where, program: program.name, section: program.section },
    makes: 'fd',
    call: 'bpf',
    cmd: 'BPF_LINK_CREATE',
    attr: { prog_fd: { fd: stepIds.program(program.name) }, attach_type: BPF_ATTACH_TYPE.BPF_TRACE_ITER },
  },
];

/** A link of its own, and one iterator made of it; reading that to its end is one walk through everything that it lists. */
export const planIterate = (object: BpfObject, program: BpfFunction): Step[] => [
  ...attachIter(object, program),
  {
    id: stepIds.iterator(program.name),
    why: `one walk through everything that ${program.name} lists`,
    where: { ...object.where, program: program.name, section: program.section },
    makes: 'fd',
    call: 'bpf',
    cmd: 'BPF_ITER_CREATE',
    attr: { link_fd: { fd: stepIds.link(program.name) } },
  },
];
