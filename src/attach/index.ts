// Program + target -> the steps that attach it: one small file per family.

import { UnsupportedError } from '../errors.js';
import type { AttachFamily, BpfFunction, BpfObject } from '../object/index.js';
import { type KernelFacts, loadable, resolveStructOps, type Step, stepIds, targetOf } from '../plan/index.js';
import { attachIter, planIterate } from './iter.js';
import { attachRawTracepoint } from './raw-tracepoint.js';
import { attachStructOps } from './struct-ops.js';
import { attachTrace } from './trace.js';
import { attachTracepoint } from './tracepoint.js';

export { planIterate };

type Attach = (object: BpfObject, program: BpfFunction, facts: KernelFacts) => Step[];

const FAMILIES: Readonly<Partial<Record<AttachFamily, Attach>>> = {
  tracepoint: attachTracepoint,
  raw_tracepoint: attachRawTracepoint,
  trace: attachTrace,
  lsm: attachTrace,
  iter: attachIter,
};

/**
 * Attaches every program whose section name says where, and every struct_ops structure; the others are for their user to attach.
 * @throws {UnsupportedError} for a family that is not there yet, or a target that this kernel lacks.
 */
export function planAttach(object: BpfObject, facts: KernelFacts): Step[] {
  const structOps = resolveStructOps(object, facts);
  const structures = object.maps.flatMap((map) => {
    const kernel = structOps.get(map.name);
    return kernel ? attachStructOps(object, map, kernel) : [];
  });
  const programs = loadable(object)
    .filter(({ autoattach }) => autoattach !== false)
    .flatMap((program) => attachProgram(object, program, facts));
  return [...programs, ...structures];
}

function attachProgram(object: BpfObject, program: BpfFunction, facts: KernelFacts): Step[] {
  const family = program.def?.attach;
  if (!family) return [];
  const attach = FAMILIES[family];
  if (!attach)
    throw new UnsupportedError(`Attaching programs of section "${program.section}" is not supported yet`, {
      where: { ...object.where, program: program.name },
      remedy: `Before loading, switch it off: object.program('${program.name}').autoload = false, or only autoattach = false.`,
    });
  return attach(object, program, facts);
}

/** Whether a section name says where its program is to be attached, and that can be done by a link. */
export const hasLink = (program: BpfFunction): boolean =>
  program.def?.attach !== undefined && FAMILIES[program.def.attach] !== undefined && targetOf(program) !== undefined;

/**
 * Attaches one program by a link, which is to be pinned.
 * @throws {UnsupportedError} where the kernel attaches it in another way, or not at all.
 */
export function planLink(object: BpfObject, program: BpfFunction, facts: KernelFacts): Step[] {
  const steps = attachProgram(object, program, facts);
  if (steps.some(({ id, makes }) => id === stepIds.link(program.name) && makes === 'fd')) return steps;
  throw new UnsupportedError(`Program ${program.name} is attached without a link, so there is nothing to pin`, {
    where: { ...object.where, program: program.name, section: program.section },
    remedy: 'Perf events have links since Linux 5.15. Pin the program instead.',
  });
}
